//! Runs http-tests/cache-tests through an annotated handler behind the generated nginx
//! file, and prints what it says beside the published results of others:
//! `cargo xtask cache-tests FOLDER`.

mod gateway;
mod suite;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use djanginxed::nginx::Site;
use djanginxed::{Layout, PageCache};
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
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("conformance: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(folder: &Path) -> Result<(), String> {
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
        .modules([Module::SetMisc, Module::Srcache, Module::Memc])
        .start(conf)
        .map_err(|error| text(&error))?;
    let judged = suite.run(nginx.port())?;
    for test in judged.iter().filter(|test| test.is_failed()) {
        println!(
            "{:9} {:15} {} {}",
            test.kind, test.outcome, test.id, test.detail
        );
    }
    println!("\n{:15} required   optimal    check", "");
    print_counts("djanginxed", &judged);
    for name in OTHERS {
        print_counts(name, &suite.published(name)?);
    }
    Ok(())
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
