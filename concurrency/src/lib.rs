//! Tries every interleaving of the runtime's shared state.
//!
//! The runtime's own files are compiled here a second time, with loom's types
//! in the place of the standard library's.

// As a test, the files of the runtime would bring their own tests along, which
// know the standard library's types only.
#![cfg(not(test))]
#![expect(
    clippy::unwrap_used,
    reason = "all of it is tests, where a panic is what a failure is"
)]

/// The checks of a module, each a function named as the sentence it proves.
/// One that is left out is dead code to the compiler.
macro_rules! checks {
    ($($check:ident),* $(,)?) => {
        pub(crate) const CHECKS: &[(&str, fn())] = &[$((stringify!($check), $check)),*];
    };
}

mod breakers;
mod flights;
mod purges;
mod stand_ins;
mod sync;

use stand_ins::{key, store, tag};

#[path = "../../djanginxed-runtime/src"]
#[allow(dead_code, reason = "what is not shared state is not tried here")]
mod runtime {
    pub(crate) mod breaker;
    pub(crate) mod coalesce;
    pub(crate) mod deletes;
}

/// Every check: the sentence it proves, and what to run. It panics where an
/// interleaving proves the sentence wrong, or leaves someone waiting for ever.
pub fn checks() -> impl Iterator<Item = (&'static str, fn())> {
    let all = [flights::CHECKS, purges::CHECKS, breakers::CHECKS];
    all.into_iter().flatten().copied()
}
