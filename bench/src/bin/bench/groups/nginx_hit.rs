//! Hits that nginx answers, beside its peers.

use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use djanginxed::nginx::Md5;
use testkit::Memcached;

use crate::app::App;
use crate::client::{Expect, ask};
use crate::columns;
use crate::contest::{Contender, Measure, Outcome, compete, guarded};
use crate::page_set::Page;
use crate::peers::{self, Peer};
use crate::stage::Stage;
use crate::table::Table;
use crate::wrk::{Load, Targets};

pub(crate) const ONE_PAGE: &str = "nginx-hit-10kb";
pub(crate) const PAGE_SET: &str = "nginx-hit-set";
pub(crate) const GZIP: &str = "generated file, gzip";
pub(crate) const PROXY_CACHE_GZIP: &str = "proxy_cache, the same gzip bytes";
pub(crate) const PROXY_CACHE_PACKING: &str = "proxy_cache with gzip on";
pub(crate) const PYTHON: &str = "the Python README's file";
const CEILING: &str = "return 200 (nginx's ceiling)";

/// Measurements of which one must end with hits as it began.
const ATTEMPTS: u32 = 3;

const HIT: Option<(&str, &str)> = Some(("Cache-Status", "nginx; hit"));
const CACHED: Option<(&str, &str)> = Some(("X-Cache", "HIT"));

pub(crate) fn measure(stage: &Stage) -> Outcome<Vec<Table>> {
    let backends = Backends::start(stage)?;
    // Each server is started once and measured with both workloads.
    let peers: Vec<(&str, Outcome<Rc<Candidate>>)> = backends
        .candidates(stage)
        .into_iter()
        .map(|(name, candidate)| (name, candidate.map(Rc::new)))
        .collect();
    let tables = [
        (ONE_PAGE, "A hit through nginx: one page of 10 kB", false),
        (
            PAGE_SET,
            "A hit through nginx: twelve pages of 2 to 200 kB in turn",
            true,
        ),
    ];
    let table = |(id, title, set)| {
        let (pages, targets) = stage.workload(set);
        let contender = |(name, candidate): &(&str, Outcome<Rc<Candidate>>)| {
            let prepare = || {
                let candidate = Rc::clone(candidate.as_ref().map_err(Clone::clone)?);
                measured(stage, candidate, pages.clone(), targets.clone())
            };
            Contender::new(*name, prepare)
        };
        let rounds = stage
            .effort
            .pick(if set { 1 } else { 2 }, stage.effort.rounds);
        Table {
            id,
            title,
            about: about(&pages),
            reference: Some(PROXY_CACHE_GZIP),
            columns: columns::load(&[]),
            rows: compete(peers.iter().map(contender).collect(), rounds),
        }
    };
    Ok(tables.map(table).into())
}

fn about(pages: &[Page]) -> String {
    let bytes: usize = pages.iter().map(|page| page.html.len()).sum();
    format!(
        "One nginx worker, memcached with 2 threads, the application with 2 workers, wrk with 1 thread and 32 connections \
         that accept gzip. A page has {:.1} kB on average.",
        bytes as f64 / pages.len() as f64 / 1000.0
    )
}

fn measured<'a>(
    stage: &'a Stage,
    candidate: Rc<Candidate>,
    pages: Vec<Page>,
    targets: Targets,
) -> Outcome<Measure<'a>> {
    candidate.prime(&pages)?;
    let load = Load::usual(stage, candidate.peer.port, targets);
    Ok(Box::new(move |_| {
        let mut end = Ok(());
        for _ in 0..ATTEMPTS {
            candidate.settle(&pages)?;
            let sample = load.run(stage)?;
            end = candidate.check(&pages);
            if end.is_ok() {
                return Ok(sample);
            }
        }
        Err(end.err().unwrap_or_default())
    }))
}

/// A server, and what its answers must look like.
struct Candidate {
    peer: Peer,
    /// `None`: not the pages, but the word "ok".
    expect: Option<Expect>,
    app: Rc<App>,
}

impl Candidate {
    /// Lets every page come into whatever cache there is.
    fn prime(&self, pages: &[Page]) -> Outcome {
        for page in pages {
            // The first answer may be an error page with the right body.
            ask(self.peer.port, &page.target())?;
        }
        self.app.flush();
        Ok(())
    }

    /// Waits until every answer is as it should be. On a busy machine a lookup
    /// may take too long, and nginx then leaves Memcached alone for ten seconds.
    fn settle(&self, pages: &[Page]) -> Outcome {
        let end = Instant::now() + Duration::from_secs(15);
        loop {
            match self.check(pages) {
                Err(_) if Instant::now() < end => thread::sleep(Duration::from_millis(500)),
                checked => return checked,
            }
        }
    }

    fn check(&self, pages: &[Page]) -> Outcome {
        match &self.expect {
            Some(expect) => expect.check(self.peer.port, pages),
            None => match ask(self.peer.port, "/")? {
                answer if answer.status == 200 && answer.body == b"ok" => Ok(()),
                answer => Err(format!("not 200 and ok: {answer:?}")),
            },
        }
    }
}

/// What stands behind nginx.
struct Backends {
    memcached: Memcached,
    /// Stores plain entries; stores gzip entries.
    annotated: [Rc<App>; 2],
    /// Renders each time, in no time; answers with gzip bytes.
    bare: Rc<App>,
    gzip: Rc<App>,
    slow: [Outcome<Rc<App>>; 2],
}

impl Backends {
    fn start(stage: &Stage) -> Outcome<Backends> {
        let memcached = Memcached::builder().threads(2).memory_mb(256).start();
        let memcached = memcached.map_err(|error| error.to_string())?;
        let app = |arguments: &[&str]| App::start(stage, arguments).map(Rc::new);
        let storing = |arguments: &[&str]| App::with(stage, &memcached, arguments).map(Rc::new);
        Ok(Backends {
            annotated: [
                storing(&["annotated", "--key-prefix", "plain"])?,
                storing(&["annotated", "--key-prefix", "packed", "--gzip"])?,
            ],
            bare: app(&["bare"])?,
            gzip: app(&["ready-gzip"])?,
            slow: ["1", "5"].map(|ms| app(&["bare", "--computing-ms", ms])),
            memcached,
        })
    }

    fn candidates(&self, stage: &Stage) -> Vec<(&'static str, Outcome<Candidate>)> {
        let [plain, packed] = &self.annotated;
        let memcached = &self.memcached;
        let generated = |app: &Rc<App>, gzip, md5| {
            let prefix = if gzip { "packed" } else { "plain" };
            let peer = peers::generated(memcached, prefix, gzip, md5, app.port);
            candidate(app, peer, gzip, HIT)
        };
        let srcache = |app: &Rc<App>, prefix, gzip| {
            candidate(
                app,
                peers::srcache(memcached, prefix, app.port),
                gzip,
                CACHED,
            )
        };
        let proxy_cache = |app: &Rc<App>, packing, gzip| {
            candidate(app, peers::proxy_cache(app.port, packing), gzip, CACHED)
        };
        let (bare, gzip) = (&self.bare, &self.gzip);
        let list: [(&str, &dyn Fn() -> Outcome<Candidate>); 17] = [
            (CEILING, &|| {
                Ok(Candidate {
                    expect: None,
                    ..candidate(bare, peers::ceiling(), false, None)?
                })
            }),
            ("generated file, plain", &|| {
                generated(plain, false, Md5::SetMisc)
            }),
            ("generated file, plain, njs", &|| {
                generated(plain, false, Md5::Njs)
            }),
            (GZIP, &|| generated(packed, true, Md5::SetMisc)),
            ("generated file, gzip, njs", &|| {
                generated(packed, true, Md5::Njs)
            }),
            ("outlook: generated file, gzip, unix socket", &|| {
                let entries = gzip_entries(stage, gzip.port)?;
                candidate(
                    packed,
                    peers::over_unix_socket("packed", &entries, packed.port),
                    true,
                    HIT,
                )
            }),
            (PYTHON, &|| {
                candidate(
                    plain,
                    peers::python_readme(memcached, "plain", plain.port),
                    false,
                    None,
                )
            }),
            ("proxy_cache, plain", &|| proxy_cache(bare, false, false)),
            (PROXY_CACHE_GZIP, &|| proxy_cache(gzip, false, true)),
            (PROXY_CACHE_PACKING, &|| proxy_cache(bare, true, true)),
            ("srcache and memc, plain", &|| {
                srcache(bare, "srcache", false)
            }),
            ("srcache and memc, gzip", &|| {
                srcache(gzip, "srcache-gzip", true)
            }),
            ("Varnish, plain", &|| {
                candidate(bare, peers::varnish(bare.port), false, None)
            }),
            ("Varnish, gzip", &|| {
                candidate(gzip, peers::varnish(gzip.port), true, None)
            }),
            ("un-cached, no render time", &|| {
                candidate(bare, peers::uncached(bare.port), false, None)
            }),
            ("un-cached, 1 ms of computing", &|| self.slow(0)),
            ("un-cached, 5 ms of computing", &|| self.slow(1)),
        ];
        list.map(|(name, start)| (name, guarded(start))).into()
    }

    fn slow(&self, which: usize) -> Outcome<Candidate> {
        let app = self.slow[which].as_ref().map_err(Clone::clone)?;
        candidate(app, peers::uncached(app.port), false, None)
    }
}

fn candidate(
    app: &Rc<App>,
    peer: Outcome<Peer>,
    gzip: bool,
    header: Option<(&'static str, &'static str)>,
) -> Outcome<Candidate> {
    Ok(Candidate {
        peer: peer?,
        expect: Some(Expect { gzip, header }),
        app: Rc::clone(app),
    })
}

/// Each page's target and its bytes in gzip, as the application packs them.
fn gzip_entries(stage: &Stage, app: u16) -> Outcome<Vec<(String, Vec<u8>)>> {
    let entry = |page: &Page| Ok((page.target(), ask(app, &page.target())?.body));
    stage.set_of_pages().iter().map(entry).collect()
}
