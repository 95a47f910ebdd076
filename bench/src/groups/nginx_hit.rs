//! Hits that nginx answers, beside its peers.

use anyhow::{Context, Result, anyhow, ensure};
use djanginxed::nginx::Md5;

use crate::app::{App, Handler, Variant};
use crate::client::{Expect, Field, ask, has};
use crate::columns::{self, SERVER, SERVER_RATIO};
use crate::contest::{Measure, compete, guarded};
use crate::hits;
use crate::page_set::Page;
use crate::peers::{self, Peer, Running, Stored};
use crate::stage::Stage;
use crate::table::Table;
use crate::wrk::Load;

pub(crate) const ONE: &str = "nginx-hit";
pub(crate) const TWELVE: &str = "nginx-hit-twelve";

pub(crate) const PROXY_CACHE: &str = "`proxy_cache`";
pub(crate) const MICRO: &str = "bodies, `--micro-cache 1s`";
pub(crate) const BODIES: &str = "bodies";
pub(crate) const SOCKETS: &str = "bodies, unix sockets";
pub(crate) const WHOLE: &str = "whole responses";
pub(crate) const WHOLE_SOCKET: &str = "whole responses, unix socket";
pub(crate) const PASS: &str = "`memcached_pass` alone";
pub(crate) const VARNISH: &str = "Varnish";
pub(crate) const PYTHON: &str = "the Python package's README";
pub(crate) const UNCACHED: &str = "no cache";

/// How a hit is told.
const HIT: (&str, &str) = ("Cache-Status", "nginx; hit");
const CACHED: (&str, &str) = ("X-Cache", "HIT");

pub(crate) fn measure(stage: &Stage) -> Result<Vec<Table>> {
    // Each server is started once and measured with every workload.
    let all = candidates();
    let table = |id, title, about: &str, asked| {
        let has_tag = |one: &Candidate| [PROXY_CACHE, WHOLE].contains(&one.name);
        let asked_for = |one: &&Candidate| asked != Asked::Unmodified || has_tag(one);
        let rows = all.iter().filter(asked_for).map(|one| (one.name, one));
        Table {
            id,
            title,
            about: about.to_owned(),
            reference: Some(PROXY_CACHE),
            columns: columns::load(&[SERVER, SERVER_RATIO]),
            rows: compete(rows, stage.rounds, |one| one.prepare(stage, asked)),
        }
    };
    Ok(vec![
        table(
            ONE,
            "A hit through nginx",
            "\"Bodies\" and \"whole responses\" are the generated file's. A page of 10 kB, stored in gzip; \"no cache\" and \
             the Python package's file answer plain. One nginx worker, memcached with 2 threads, the application with \
             2 workers, wrk with 1 thread and 32 connections that accept gzip. The processor time is nginx's or \
             Varnish's, without Memcached's.",
            Asked::OnePage,
        ),
        table(
            TWELVE,
            "A hit through nginx: twelve pages of 2 to 200 kB in turn",
            "As above, on pages of 45 kB in the middle.",
            Asked::TwelvePages,
        ),
        table(
            "nginx-304",
            "304 from nginx for who has the page",
            "If-None-Match with the page's own entity tag; the load and the page of 10 kB as for a hit.",
            Asked::Unmodified,
        ),
    ])
}

/// What everybody asks for.
#[derive(Clone, Copy, PartialEq)]
enum Asked {
    OnePage,
    TwelvePages,
    /// The one page, by who has it already.
    Unmodified,
}

/// A server, and what its answers must be.
struct Candidate {
    name: &'static str,
    running: Result<Running>,
    expect: Expect,
}

/// Starts another server before an application, which may have a Memcached.
type Rival = fn(&App) -> Result<Peer>;

const ANNOTATED: Variant = Variant::of(Handler::Annotated);
const PACKED: Variant = Variant {
    gzip: true,
    ..ANNOTATED
};
const READY: Variant = Variant::of(Handler::ReadyGzip);
const BARE: Variant = Variant::of(Handler::Bare);

fn candidates() -> Vec<Candidate> {
    let rivals: [(_, _, _, Rival); 5] = [
        (PROXY_CACHE, READY, Some(CACHED), peers::proxy_cache),
        (PASS, PACKED, None, peers::memcached_pass),
        (VARNISH, READY, None, peers::varnish),
        (PYTHON, ANNOTATED, None, peers::python_readme),
        (UNCACHED, BARE, None, peers::uncached),
    ];
    let rivals = rivals.map(|(name, variant, header, peer)| Candidate {
        name,
        running: guarded(|| {
            let app = App::usual(variant, true)?;
            let nginx = peer(&app)?;
            Ok(Running { nginx, app })
        }),
        expect: Expect {
            gzip: variant.gzip || variant.handler == Handler::ReadyGzip,
            header,
        },
    });
    ours().into_iter().chain(rivals).collect()
}

/// The generated file, in all its forms.
fn ours() -> [Candidate; 6] {
    let bodies = Stored::from(PACKED);
    let whole = Stored::from(Variant {
        whole: true,
        ..PACKED
    });
    let sockets = |stored| Stored {
        sockets: true,
        ..stored
    };
    let micro = Stored {
        micro_cache: true,
        ..bodies
    };
    let njs = Stored {
        md5: Md5::Njs,
        ..whole
    };
    let ours = [
        (MICRO, micro),
        (BODIES, bodies),
        (SOCKETS, sockets(bodies)),
        (WHOLE, whole),
        (WHOLE_SOCKET, sockets(whole)),
        ("whole responses, `--md5 njs`", njs),
    ];
    ours.map(|(name, stored)| Candidate {
        name,
        running: guarded(|| stored.start()),
        expect: Expect {
            gzip: true,
            header: Some(HIT),
        },
    })
}

impl Candidate {
    fn prepare<'a>(&'a self, stage: &'a Stage, asked: Asked) -> Result<Measure<'a>> {
        let running = self.running.as_ref();
        let Running { nginx, app } = running.map_err(|error| anyhow!("{error:#}"))?;
        let port = nginx.port;
        let (pages, targets) = stage.workload(asked == Asked::TwelvePages);
        // Every page comes into whatever cache there is. This answer may be an error page with
        // the right body.
        for page in pages {
            ask(port, &page.target(), &[])?;
        }
        app.flush();
        let mut load = Load::usual(stage, port, targets);
        if asked == Asked::Unmodified {
            let answer = ask(port, &pages[0].target(), &[])?;
            let tag = answer.header("etag").context("no entity tag came")?;
            load.fields.push(("If-None-Match", tag.to_owned()));
        }
        Ok(Box::new(move |_| {
            let check = || match asked {
                Asked::Unmodified => self.check_unmodified(port, &pages[0], &load.fields),
                _ => self.expect.check(port, pages),
            };
            hits::measure(&load, app, Some(nginx), check)
        }))
    }

    fn check_unmodified(&self, port: u16, page: &Page, fields: &[Field]) -> Result<()> {
        let answer = ask(port, &page.target(), fields)?;
        let is_short = answer.status == 304 && answer.body.is_empty();
        ensure!(is_short, "{answer:?} is not a 304 without a body");
        has(&answer, self.expect.header.unwrap_or(HIT))
    }
}
