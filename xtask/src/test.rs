//! `cargo xtask test`: every test there is.

use crate::install::install;
use crate::run::{Outcome, cargo, run};

/// Unit, compile-time, integration and documentation tests; `for_cargo` goes to
/// `cargo test`, such as the name of one test.
pub(crate) fn test(for_cargo: &[&str]) -> Outcome {
    install()?;
    let all = ["test", "--workspace", "--all-features"];
    run(&mut cargo(all.into_iter().chain(for_cargo.iter().copied())))
}
