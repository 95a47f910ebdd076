//! `cargo xtask soak`: the shop of examples/shop under load and faults for a long time.

use crate::install::install;
use crate::run::{Outcome, cargo, run};

/// Builds the programs and runs them with `options`.
pub(crate) fn soak(options: &[&str]) -> Outcome {
    if !options.contains(&"--help") {
        install()?;
    }
    let package = ["--release", "--package", "bench"];
    let programs = ["--bin", "bench-soak", "--bin", "bench-site"];
    run(cargo(["build"]).args(package).args(programs))?;
    run(cargo(["run", "--quiet"])
        .args(package)
        .args(["--bin", "bench-soak", "--"])
        .args(options))
}
