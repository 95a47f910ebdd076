//! Hits that nginx answers, beside its peers.

use std::rc::Rc;

use djanginxed::Layout;
use djanginxed::nginx::Md5;
use testkit::Memcached;

use crate::app::{App, memcached};
use crate::client::{Expect, ask, ask_with, has};
use crate::columns::{self, SERVER, SERVER_RATIO};
use crate::contest::{Contender, Measure, Outcome, compete, guarded};
use crate::hits;
use crate::page_set::Page;
use crate::peers::{self, Peer, Running, Stored};
use crate::stage::Stage;
use crate::table::Table;
use crate::wrk::{Load, Targets};

pub(crate) const ONE_PAGE: &str = "nginx-hit";
const TWELVE_PAGES: &str = "nginx-hit-twelve";
const UNMODIFIED: &str = "nginx-304";

pub(crate) const PROXY_CACHE: &str = "`proxy_cache`";
pub(crate) const MICRO: &str = "bodies, `--micro-cache 1s`";
pub(crate) const BODIES: &str = "bodies";
pub(crate) const WHOLE: &str = "whole responses";
pub(crate) const PASS: &str = "`memcached_pass` alone";
pub(crate) const VARNISH: &str = "Varnish";
pub(crate) const PYTHON: &str = "the Python package's README";
pub(crate) const UNCACHED: &str = "no cache";
const SRCACHE: &str = "srcache and memc by themselves";
const CEILING: &str = "`return 200` with as many bytes";

/// Those that are measured with twelve pages, too.
const WITH_TWELVE: [&str; 9] = [
    PROXY_CACHE,
    MICRO,
    BODIES,
    WHOLE,
    PASS,
    SRCACHE,
    VARNISH,
    PYTHON,
    UNCACHED,
];

/// How a hit is told.
const HIT: (&str, &str) = ("Cache-Status", "nginx; hit");
const CACHED: (&str, &str) = ("X-Cache", "HIT");

pub(crate) fn measure(stage: &Stage) -> Outcome<Vec<Table>> {
    // Each server is started once and measured with both workloads.
    let all = candidates(stage);
    Ok(vec![
        Table {
            id: ONE_PAGE,
            title: "A hit through nginx",
            ..hits_of(stage, &all, false)
        },
        Table {
            id: TWELVE_PAGES,
            title: "A hit through nginx: twelve pages of 2 to 200 kB in turn",
            ..hits_of(stage, &all, true)
        },
        unmodified(stage),
    ])
}

/// A server, and what its answers must be; `None`: the ceiling, which has no pages.
struct Candidate {
    running: Running,
    expect: Option<Expect>,
}

type Named = (&'static str, Outcome<Rc<Candidate>>);

/// Starts another server before an application.
type Rival = fn(&Memcached, u16) -> Outcome<Peer>;

fn candidates(stage: &Stage) -> Vec<Named> {
    let gzip = Stored {
        gzip: true,
        ..Stored::default()
    };
    let micro = Stored {
        micro_cache: true,
        ..gzip
    };
    let whole = Stored {
        layout: Layout::Response,
        ..gzip
    };
    let sockets = |stored| Stored {
        sockets: true,
        ..stored
    };
    let njs = |stored| Stored {
        md5: Md5::Njs,
        ..stored
    };
    let ours = [
        (MICRO, micro),
        (BODIES, gzip),
        ("bodies, unix sockets", sockets(gzip)),
        ("bodies, `--md5 njs`", njs(gzip)),
        ("bodies, stored plain", Stored::default()),
        (WHOLE, whole),
        ("whole responses, unix socket", sockets(whole)),
        ("whole responses, `--md5 njs`", njs(whole)),
    ];
    let (bare, ready) = (&["bare"][..], &["ready-gzip"][..]);
    let (plain, packed) = (&["annotated"][..], &["annotated", "--gzip"][..]);
    let rivals: [(_, _, Option<_>, Rival); 7] = [
        (PROXY_CACHE, ready, Some(CACHED), peers::proxy_cache),
        (PASS, packed, None, peers::memcached_pass),
        (SRCACHE, ready, Some(CACHED), peers::srcache),
        (VARNISH, ready, None, peers::varnish),
        (PYTHON, plain, None, peers::python_readme),
        (UNCACHED, bare, None, peers::uncached),
        (CEILING, bare, None, peers::ceiling),
    ];
    let ours = ours.map(|(name, stored)| {
        let running = guarded(|| stored.start(stage, &["annotated"]));
        let expect = Expect {
            gzip: stored.gzip,
            header: Some(HIT),
        };
        (name, Some(expect), running)
    });
    let rivals = rivals.map(|(name, handler, header, peer)| {
        let running = guarded(|| rival(stage, handler, peer));
        let gzip = handler == ready || handler == packed;
        let expect = (name != CEILING).then_some(Expect { gzip, header });
        (name, expect, running)
    });
    let all = ours.into_iter().chain(rivals);
    all.map(|(name, expect, running)| {
        let candidate = running.map(|running| Candidate { running, expect });
        (name, candidate.map(Rc::new))
    })
    .collect()
}

/// Another server before an application that stores nothing there, or what that one reads.
fn rival(stage: &Stage, handler: &[&str], peer: Rival) -> Outcome<Running> {
    let memcached = memcached(256)?;
    let app = App::with(stage, &memcached, handler)?;
    Ok(Running {
        nginx: peer(&memcached, app.port)?,
        app,
        _memcached: memcached,
    })
}

/// The table of one page, or of twelve; its id and title are the caller's.
fn hits_of(stage: &Stage, all: &[Named], twelve: bool) -> Table {
    let (pages, targets) = stage.workload(twelve);
    let contender = |(name, candidate): &Named| {
        Contender::new(*name, || {
            let candidate = Rc::clone(candidate.as_ref().map_err(Clone::clone)?);
            let (pages, has_cache) = (pages.clone(), *name != UNCACHED);
            candidate.prime(&pages)?;
            let load = Load::usual(stage, candidate.running.nginx.port, targets.clone());
            Ok(Box::new(move |_| {
                let check = || candidate.check(&pages);
                hits::measure(stage, &load, &candidate.running, has_cache, check)
            }) as Measure<'_>)
        })
    };
    let all = all
        .iter()
        .filter(|(name, _)| !twelve || WITH_TWELVE.contains(name));
    let bytes: usize = pages.iter().map(|page| page.html.len()).sum();
    Table {
        id: "",
        title: "",
        about: format!(
            "\"Bodies\" and \"whole responses\" are the generated file's. {} of {:.1} kB, stored in gzip but where it says \
             plain; \"no cache\" and the Python package's file answer plain. One nginx worker, memcached with 2 threads, \
             the application with 2 workers, wrk with 1 thread and 32 connections that accept gzip. The processor time \
             is nginx's or Varnish's, without Memcached's.",
            if twelve { "Pages" } else { "A page" },
            bytes as f64 / pages.len() as f64 / 1000.0
        ),
        reference: Some(PROXY_CACHE),
        columns: columns::load(&[SERVER, SERVER_RATIO]),
        rows: compete(all.map(contender).collect(), stage.effort.rounds_of(twelve)),
    }
}

impl Candidate {
    /// Lets every page come into whatever cache there is.
    fn prime(&self, pages: &[Page]) -> Outcome {
        for page in pages {
            // The first answer may be an error page with the right body.
            ask(self.running.nginx.port, &page.target())?;
        }
        self.running.app.flush();
        Ok(())
    }

    fn check(&self, pages: &[Page]) -> Outcome {
        let port = self.running.nginx.port;
        match &self.expect {
            Some(expect) => expect.check(port, pages),
            None => match ask(port, "/")?.status {
                200 => Ok(()),
                status => Err(format!("status {status}, not 200")),
            },
        }
    }
}

/// 304 for who has the page already.
fn unmodified(stage: &Stage) -> Table {
    let stored = Stored {
        gzip: true,
        layout: Layout::Response,
        ..Stored::default()
    };
    let whole = || stored.start(stage, &["annotated"]);
    // The same application, whose responses have an entity tag.
    let handler = ["annotated", "--gzip", "--whole"];
    let proxy_cache = || rival(stage, &handler, peers::proxy_cache);
    let contenders = vec![
        Contender::new(PROXY_CACHE, || tagged(stage, proxy_cache()?, CACHED)),
        Contender::new(WHOLE, || tagged(stage, whole()?, HIT)),
    ];
    Table {
        id: UNMODIFIED,
        title: "304 from nginx for who has the page",
        about: "If-None-Match with the page's own entity tag; the load and the page of 10 kB as for a hit."
            .to_owned(),
        reference: Some(PROXY_CACHE),
        columns: columns::load(&[SERVER, SERVER_RATIO]),
        rows: compete(contenders, stage.effort.rounds),
    }
}

fn tagged<'a>(
    stage: &'a Stage,
    running: Running,
    hit: (&'static str, &'static str),
) -> Outcome<Measure<'a>> {
    let (port, target) = (running.nginx.port, stage.usual().target());
    ask(port, &target)?;
    running.app.flush();
    let answer = ask(port, &target)?;
    let tag = answer.header("etag").ok_or("no entity tag came")?;
    let fields = vec![("If-None-Match", tag.to_owned())];
    let load = Load {
        fields: fields.clone(),
        ..Load::usual(stage, port, Targets::One(target.clone()))
    };
    Ok(Box::new(move |_| {
        hits::measure(stage, &load, &running, true, || {
            let answer = ask_with(port, &target, &fields)?;
            match answer.status {
                304 if answer.body.is_empty() => has(&answer, hit),
                status => Err(format!("status {status}, not 304 without a body")),
            }
        })
    }))
}
