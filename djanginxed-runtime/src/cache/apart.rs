//! Keys whose visitors do not wait for each other, for now.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::expiring::Expiring;
use crate::key::PageKey;

/// How long, and how many, keys whose response was not for others do not
/// coalesce.
const APART: Duration = Duration::from_secs(10);
const MAX_APART: u64 = 10_000;

pub(super) struct Apart {
    keys: Expiring<()>,
    /// Whether there has ever been one.
    any: AtomicBool,
}

impl Apart {
    pub(super) fn new() -> Apart {
        Apart {
            keys: Expiring::new(MAX_APART),
            any: AtomicBool::new(false),
        }
    }

    pub(super) fn contains(&self, key: &PageKey) -> bool {
        self.any.load(Ordering::Relaxed) && self.keys.get(key).is_some()
    }

    pub(super) fn add(&self, key: PageKey) {
        self.keys.put(key, (), 1, Instant::now() + APART);
        self.any.store(true, Ordering::Relaxed);
    }

    pub(super) fn remove(&self, key: &PageKey) {
        if self.contains(key) {
            self.keys.remove(key);
        }
    }
}
