//! Hits that nginx answers, beside its peers.

use djanginxed::Layout;
use djanginxed::nginx::Md5;

use crate::app::App;
use crate::client::{Expect, ask, ask_with, has};
use crate::columns::{self, SERVER, SERVER_RATIO};
use crate::contest::{Contender, Measure, Outcome, compete, guarded};
use crate::hits;
use crate::peers::{self, Peer, Running, Stored};
use crate::stage::Stage;
use crate::table::Table;
use crate::wrk::{Load, Targets};

pub(crate) const ONE: &str = "nginx-hit";
pub(crate) const TWELVE: &str = "nginx-hit-twelve";

pub(crate) const PROXY_CACHE: &str = "`proxy_cache`";
pub(crate) const MICRO: &str = "bodies, `--micro-cache 1s`";
pub(crate) const BODIES: &str = "bodies";
pub(crate) const SOCKETS: &str = "bodies, unix sockets";
pub(crate) const WHOLE: &str = "whole responses";
pub(crate) const PASS: &str = "`memcached_pass` alone";
pub(crate) const VARNISH: &str = "Varnish";
pub(crate) const PYTHON: &str = "the Python package's README";
pub(crate) const UNCACHED: &str = "no cache";

/// How a hit is told.
const HIT: (&str, &str) = ("Cache-Status", "nginx; hit");
const CACHED: (&str, &str) = ("X-Cache", "HIT");

pub(crate) fn measure(stage: &Stage) -> Outcome<Vec<Table>> {
    // Each server is started once and measured with every workload.
    let all = candidates(stage);
    Ok(vec![
        hits_of(stage, &all, false),
        Table {
            id: TWELVE,
            title: "A hit through nginx: twelve pages of 2 to 200 kB in turn",
            ..hits_of(stage, &all, true)
        },
        unmodified(stage, &all),
    ])
}

/// A server, and what its answers must be.
struct Candidate {
    name: &'static str,
    running: Outcome<Running>,
    expect: Expect,
}

/// Starts another server before an application, which may have a Memcached.
type Rival = fn(&App) -> Outcome<Peer>;

fn candidates(stage: &Stage) -> Vec<Candidate> {
    let bodies = Stored {
        gzip: true,
        ..Stored::default()
    };
    let micro = Stored {
        micro_cache: true,
        ..bodies
    };
    let whole = Stored {
        layout: Layout::Response,
        ..bodies
    };
    let sockets = |stored| Stored {
        sockets: true,
        ..stored
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
        ("whole responses, unix socket", sockets(whole)),
        ("whole responses, `--md5 njs`", njs),
    ];
    let ours = ours.map(|(name, stored)| Candidate {
        name,
        running: guarded(|| stored.start(stage, &["annotated"])),
        expect: Expect {
            gzip: true,
            header: Some(HIT),
        },
    });
    let (ready, packed) = (&["ready-gzip"][..], &["annotated", "--gzip"][..]);
    let (plain, bare) = (&["annotated"][..], &["bare"][..]);
    let rivals: [(_, _, _, Rival); 6] = [
        (PROXY_CACHE, ready, Some(CACHED), peers::proxy_cache),
        (PASS, packed, None, peers::memcached_pass),
        (
            "srcache and memc by themselves",
            ready,
            Some(CACHED),
            peers::srcache,
        ),
        (VARNISH, ready, None, peers::varnish),
        (PYTHON, plain, None, peers::python_readme),
        (UNCACHED, bare, None, peers::uncached),
    ];
    let rivals = rivals.map(|(name, arguments, header, peer)| Candidate {
        name,
        running: guarded(|| {
            let app = App::variant(stage, arguments, true)?;
            let nginx = peer(&app)?;
            Ok(Running { nginx, app })
        }),
        expect: Expect {
            gzip: arguments == ready || arguments == packed,
            header,
        },
    });
    ours.into_iter().chain(rivals).collect()
}

impl Candidate {
    fn running(&self) -> Outcome<&Running> {
        self.running.as_ref().map_err(Clone::clone)
    }
}

/// The table of one page, or of twelve.
fn hits_of<'a>(stage: &'a Stage, all: &'a [Candidate], twelve: bool) -> Table {
    let (pages, targets) = stage.workload(twelve);
    let contender = |candidate: &'a Candidate| {
        let Candidate { name, expect, .. } = candidate;
        Contender::new(*name, || {
            let running = candidate.running()?;
            let port = running.nginx.port;
            // Every page comes into whatever cache there is. This answer may be an error page
            // with the right body.
            for page in pages {
                ask(port, &page.target())?;
            }
            running.app.flush();
            let load = Load::usual(stage, port, targets.clone());
            let has_cache = *name != UNCACHED;
            Ok(Box::new(move |_| {
                hits::measure(stage, &load, running, has_cache, || {
                    expect.check(port, pages)
                })
            }) as Measure<'_>)
        })
    };
    let bytes: usize = pages.iter().map(|page| page.html.len()).sum();
    Table {
        id: ONE,
        title: "A hit through nginx",
        about: format!(
            "\"Bodies\" and \"whole responses\" are the generated file's. {} of {:.1} kB, stored in gzip; \"no cache\" and \
             the Python package's file answer plain. One nginx worker, memcached with 2 threads, the application with \
             2 workers, wrk with 1 thread and 32 connections that accept gzip. The processor time is nginx's or \
             Varnish's, without Memcached's.",
            if twelve { "Pages" } else { "A page" },
            bytes as f64 / pages.len() as f64 / 1000.0
        ),
        reference: Some(PROXY_CACHE),
        columns: columns::load(&[SERVER, SERVER_RATIO]),
        rows: compete(all.iter().map(contender).collect(), stage.effort.rounds),
    }
}

/// 304 for who has the page already: it has been asked for before.
fn unmodified<'a>(stage: &'a Stage, all: &'a [Candidate]) -> Table {
    let target = stage.usual().target();
    let contender = |candidate: &'a Candidate| {
        let Candidate { name, expect, .. } = candidate;
        let target = target.clone();
        Contender::new(*name, || {
            let running = candidate.running()?;
            let port = running.nginx.port;
            let answer = ask(port, &target)?;
            let tag = answer.header("etag").ok_or("no entity tag came")?;
            let load = Load {
                fields: vec![("If-None-Match", tag.to_owned())],
                ..Load::usual(stage, port, Targets::One(target.clone()))
            };
            Ok(Box::new(move |_| {
                hits::measure(stage, &load, running, true, || {
                    let answer = ask_with(port, &target, &load.fields)?;
                    match answer.status {
                        304 if answer.body.is_empty() => has(&answer, expect.header.unwrap_or(HIT)),
                        status => Err(format!("status {status}, not 304 without a body")),
                    }
                })
            }) as Measure<'_>)
        })
    };
    let with_tags = all
        .iter()
        .filter(|one| [PROXY_CACHE, WHOLE].contains(&one.name));
    Table {
        id: "nginx-304",
        title: "304 from nginx for who has the page",
        about: "If-None-Match with the page's own entity tag; the load and the page of 10 kB as for a hit."
            .to_owned(),
        reference: Some(PROXY_CACHE),
        columns: columns::load(&[SERVER, SERVER_RATIO]),
        rows: compete(with_tags.map(contender).collect(), stage.effort.rounds),
    }
}
