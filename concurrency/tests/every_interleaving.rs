//! Runs each check of this crate as a test.

use libtest_mimic::{Arguments, Trial};

fn main() {
    let trials = concurrency::checks().map(|(name, check)| {
        Trial::test(name, move || {
            check();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}
