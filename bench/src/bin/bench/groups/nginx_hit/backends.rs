//! Everybody who takes part, and what stands behind nginx.

use std::rc::Rc;

use djanginxed::Layout;
use djanginxed::nginx::Md5;
use testkit::Memcached;

use super::candidate::Candidate;
use super::{
    CEILING, GZIP, PASS_GZIP, PROXY_CACHE_GZIP, PROXY_CACHE_PACKING, PYTHON, WHOLE, WHOLE_GZIP,
};
use crate::app::{App, memcached};
use crate::client::{Expect, ask};
use crate::contest::{Outcome, guarded};
use crate::page_set::Page;
use crate::peers::{self, Peer, Stored};
use crate::stage::Stage;

pub(super) const HIT: (&str, &str) = ("Cache-Status", "nginx; hit");
pub(super) const CACHED: (&str, &str) = ("X-Cache", "HIT");

/// What stands behind nginx.
pub(super) struct Backends {
    memcached: Memcached,
    /// Stores plain entries; stores gzip entries.
    annotated: [Rc<App>; 2],
    /// The same of whole responses.
    whole: [Rc<App>; 2],
    /// Renders each time, in no time; answers with gzip bytes.
    bare: Rc<App>,
    gzip: Rc<App>,
    slow: [Outcome<Rc<App>>; 2],
}

impl Backends {
    pub(super) fn start(stage: &Stage) -> Outcome<Backends> {
        let memcached = memcached(256)?;
        let app = |arguments: &[&str]| App::start(stage, arguments).map(Rc::new);
        let storing = |arguments: &[&str]| App::with(stage, &memcached, arguments).map(Rc::new);
        Ok(Backends {
            annotated: [
                storing(&["annotated", "--key-prefix", "plain"])?,
                storing(&["annotated", "--key-prefix", "packed", "--gzip"])?,
            ],
            whole: [
                storing(&["annotated", "--key-prefix", "whole", "--whole"])?,
                storing(&[
                    "annotated",
                    "--key-prefix",
                    "whole-gzip",
                    "--whole",
                    "--gzip",
                ])?,
            ],
            bare: app(&["bare"])?,
            gzip: app(&["ready-gzip"])?,
            slow: ["1", "5"].map(|ms| app(&["bare", "--computing-ms", ms])),
            memcached,
        })
    }

    pub(super) fn candidates(&self, stage: &Stage) -> Vec<(&'static str, Outcome<Candidate>)> {
        let [plain, packed] = &self.annotated;
        let memcached = &self.memcached;
        let generated = |app: &Rc<App>, gzip, md5| {
            let stored = Stored {
                prefix: if gzip { "packed" } else { "plain" },
                gzip,
                md5,
                ..Stored::default()
            };
            let peer = peers::generated(memcached, stored, app.port);
            candidate(app, peer, gzip, Some(HIT))
        };
        let whole = |gzip| {
            let (app, peer) = self.whole(gzip);
            candidate(app, peer, gzip, Some(HIT))
        };
        let pass = |app: &Rc<App>, prefix, gzip| {
            let peer = peers::memcached_pass(memcached, prefix, app.port);
            candidate(app, peer, gzip, None)
        };
        let srcache = |app: &Rc<App>, prefix, gzip| {
            candidate(
                app,
                peers::srcache(memcached, prefix, app.port),
                gzip,
                Some(CACHED),
            )
        };
        let proxy_cache = |app: &Rc<App>, packing, gzip| {
            candidate(
                app,
                peers::proxy_cache(app.port, packing),
                gzip,
                Some(CACHED),
            )
        };
        let (bare, gzip) = (&self.bare, &self.gzip);
        let list: [(&str, &dyn Fn() -> Outcome<Candidate>); 21] = [
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
            (WHOLE, &|| whole(false)),
            (WHOLE_GZIP, &|| whole(true)),
            ("memcached_pass alone, plain", &|| {
                pass(plain, "plain", false)
            }),
            (PASS_GZIP, &|| pass(packed, "packed", true)),
            ("outlook: generated file, gzip, unix socket", &|| {
                let entries = gzip_entries(stage, gzip.port)?;
                candidate(
                    packed,
                    peers::over_unix_socket("packed", &entries, packed.port),
                    true,
                    Some(HIT),
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

    /// The application that stores whole responses, and nginx before it.
    pub(super) fn whole(&self, gzip: bool) -> (&Rc<App>, Outcome<Peer>) {
        let app = &self.whole[usize::from(gzip)];
        let stored = Stored {
            prefix: if gzip { "whole-gzip" } else { "whole" },
            gzip,
            layout: Layout::Response,
            ..Stored::default()
        };
        (app, peers::generated(&self.memcached, stored, app.port))
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
