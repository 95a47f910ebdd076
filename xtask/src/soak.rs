//! `cargo xtask soak`: the shop of examples/shop under load and faults for a long time.

use crate::install::install;
use crate::run::{Outcome, cargo, run};

/// Builds the programs and runs them with `options`.
pub(crate) fn soak(options: &[&str]) -> Outcome {
    if !options.contains(&"--help") {
        install()?;
    }
    // Both: the one that soaks starts the other.
    let package = ["--release", "--package", "visitors"];
    run(cargo(["build"]).args(package).arg("--bins"))?;
    run(cargo(["run", "--quiet"])
        .args(package)
        .args(["--bin", "visitors-soak", "--"])
        .args(options))
}
