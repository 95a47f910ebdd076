//! `cargo xtask bench`: what djanginxed costs, measured side by side.

use testkit::{Module, is_installed};

use crate::install::{Need, install_with};
use crate::run::{Outcome, cargo, run};

/// What is measured with, and what is measured beside djanginxed.
const NEEDS: &[Need] = &[
    Need {
        what: "wrk",
        package: "wrk",
        is_there: || is_installed("wrk"),
    },
    Need {
        what: "nginx's srcache module",
        package: "libnginx-mod-http-srcache-filter",
        is_there: || Module::Srcache.is_installed(),
    },
    Need {
        what: "Varnish",
        package: "varnish",
        is_there: || is_installed("varnishd"),
    },
    Need {
        what: "valgrind",
        package: "valgrind",
        is_there: || is_installed("valgrind"),
    },
];

/// Builds the measuring program and runs it with `options`.
pub(crate) fn bench(options: &[&str]) -> Outcome {
    // Whoever asks for help need not wait for nginx.
    if !options.contains(&"--help") {
        install_with(NEEDS)?;
    }
    // Built aloud, which takes minutes.
    let package = ["--release", "--package", "bench"];
    run(cargo(["build"]).args(package))?;
    run(cargo(["run", "--quiet"])
        .args(package)
        .arg("--")
        .args(options))
}
