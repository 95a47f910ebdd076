//! `cargo xtask cache-tests`: http-tests/cache-tests, and what it says of others.

use std::path::absolute;

use crate::install::install;
use crate::run::{Outcome, cargo, run};

pub(crate) fn cache_tests(folder: &str) -> Outcome {
    install()?;
    let folder = absolute(folder).map_err(|error| format!("{folder}: {error}"))?;
    run(cargo(["run", "--quiet", "--package", "conformance", "--"]).arg(folder))
}
