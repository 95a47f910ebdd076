//! Waiting for what another process does in its own time.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long [`eventually`] and the starters wait.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Waits until `holds` does, at most 10 seconds.
///
/// # Panics
/// When it does not in that time; `what` is the sentence that should have
/// become true.
#[track_caller]
pub fn eventually(what: &str, holds: impl FnMut() -> bool) {
    eventually_within(PATIENCE, what, holds);
}

/// Waits as [`eventually`] does, at most as long as `patience`: for what takes several
/// attempts that are seconds apart.
///
/// # Panics
/// When `holds` does not become true in that time.
#[track_caller]
pub fn eventually_within(patience: Duration, what: &str, holds: impl FnMut() -> bool) {
    assert!(within(patience, holds), "not within {patience:?}: {what}");
}

/// Whether `holds` becomes true in `patience`.
pub fn within(patience: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + patience;
    loop {
        if holds() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        sleep(Duration::from_millis(2));
    }
}
