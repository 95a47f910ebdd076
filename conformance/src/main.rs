//! Runs http-tests/cache-tests through an annotated handler behind the generated nginx
//! file, and prints what it says beside the published results of others:
//! `cargo xtask cache-tests FOLDER`. It fails where a required test fails that is not
//! listed with its reason.

mod by_design;
mod gateway;
mod suite;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use djanginxed::nginx::Site;
use djanginxed::{Layout, PageCache, Vary};
use testkit::{Memcached, Module, Nginx, free_port};

use crate::suite::{Judged, Suite};

/// Whose published results stand beside ours: the suite's names for them.
const OTHERS: [&str; 4] = ["nginx", "varnish", "squid", "trafficserver"];

fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!(
            "usage: conformance FOLDER, a checkout of http-tests/cache-tests after `npm i --omit=dev`"
        );
        return ExitCode::from(2);
    };
    match run(Path::new(&folder)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("conformance: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Whether each required test passes or fails by design.
fn run(folder: &Path) -> Result<bool, String> {
    let suite = Suite::of(folder)?;
    let origin = free_port();
    let _server = suite.serve(origin)?;
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let memcached = Memcached::start().map_err(|error| text(&error))?;
    let pages = PageCache::builder()
        .memcached([memcached.address()])
        .key_prefix("conformance")
        .layout(Layout::Response)
        .statuses([
            200, 203, 204, 299, 300, 301, 302, 303, 307, 308, 400, 404, 405, 410, 414, 451, 499,
            500, 501, 502, 503, 504, 599,
        ])
        .error_timeout(std::time::Duration::from_secs(3600))
        // As a site declares what its pages vary by. One field alone: with more, each
        // response names them all, and the suite wants its own Vary back.
        .vary(Vary::header("Foo", ["other", "1", "2"]))
        .build()
        .map_err(|error| text(&error))?;
    let port =
        gateway::start(pages.clone(), gateway::Origin(origin)).map_err(|error| text(&error))?;
    let site = Site::new(&pages)
        .server_name("127.0.0.1")
        .app(format!("127.0.0.1:{port}"));
    let conf = |port| {
        let site = site.clone().listen(format!("127.0.0.1:{port}"));
        site.generate()
            .map_or_else(|error| error.to_string(), |files| files.site())
    };
    let nginx = Nginx::builder()
        .modules([Module::SetMisc, Module::Srcache])
        .start(conf)
        .map_err(|error| text(&error))?;
    let judged = suite.run(nginx.port())?;
    let mut is_as_wanted = true;
    for test in judged.iter().filter(|test| test.is_failed()) {
        let known = by_design::is_listed(&test.id);
        is_as_wanted &= known || test.kind != "required";
        println!(
            "{:9} {:9} {:15} {} {}",
            test.kind,
            if known { "by design" } else { "" },
            test.outcome,
            test.id,
            test.detail
        );
    }
    let passed = judged.iter().filter(|test| test.is_passed());
    for test in passed.filter(|test| by_design::is_listed(&test.id)) {
        println!("{} passes: take it out of {}", test.id, by_design::LIST);
    }
    println!("\n{:15} required   optimal    check", "");
    print_counts("djanginxed", &judged);
    for name in OTHERS {
        print_counts(name, &suite.published(name)?);
    }
    Ok(is_as_wanted)
}

impl Judged {
    fn is_passed(&self) -> bool {
        matches!(self.outcome.as_str(), "pass" | "yes")
    }

    /// Of the tests that ask for something, not of those that only look.
    fn is_failed(&self) -> bool {
        self.kind != "check" && !self.is_passed()
    }
}

fn print_counts(name: &str, judged: &[Judged]) {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for test in judged {
        let (passed, all) = counts.entry(&test.kind).or_default();
        *passed += usize::from(test.is_passed());
        *all += 1;
    }
    let count = |kind| {
        let (passed, all) = counts.get(kind).copied().unwrap_or_default();
        format!("{passed}/{all}")
    };
    let [required, optimal, check] = ["required", "optimal", "check"].map(count);
    println!("{name:15} {required:10} {optimal:10} {check}");
}
