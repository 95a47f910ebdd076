//! What this process has counted, for the admin page. The `metrics` facade has its own.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Count {
    Hits,
    Misses,
    Collapsed,
    Bypasses,
    Skips,
    Stores,
    Dropped,
    StoreFailures,
    LookupFailures,
    Deletes,
}

/// In the order of [`Count`].
const NAMES: [&str; 10] = [
    "hits",
    "misses",
    "collapsed",
    "bypasses",
    "skips",
    "stores",
    "dropped",
    "store_failures",
    "lookup_failures",
    "deletes",
];

/// Nothing is counted until somebody is going to look: workers would share the lines
/// of memory that these stand in.
static WANTED: AtomicBool = AtomicBool::new(false);
static COUNTS: [AtomicU64; NAMES.len()] = [const { AtomicU64::new(0) }; NAMES.len()];

pub(crate) fn want() {
    WANTED.store(true, Ordering::Relaxed);
}

pub(crate) fn one(count: Count) {
    if WANTED.load(Ordering::Relaxed) {
        COUNTS[count as usize].fetch_add(1, Ordering::Relaxed);
    }
}

/// Names and numbers, since the first that wanted them.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, u64)> {
    let counts = COUNTS.iter().map(|count| count.load(Ordering::Relaxed));
    NAMES.into_iter().zip(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_count_has_its_own_name() {
        let named = |count: Count| NAMES[count as usize];
        assert_eq!(named(Count::Hits), "hits");
        assert_eq!(named(Count::Skips), "skips");
        assert_eq!(named(Count::StoreFailures), "store_failures");
        assert_eq!(named(Count::Deletes), "deletes");
    }
}
