//! The embedded store: memory of the process, when no server is named.

use std::time::{Duration, Instant};

use moka::Expiry;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use crate::entry::Entry;
use crate::key::PageKey;

/// What an entry takes besides its bytes: key, counters, lists.
const OVERHEAD: usize = 256;

#[derive(Debug)]
pub(crate) struct Memory {
    entries: Cache<PageKey, Held>,
}

#[derive(Clone, Debug)]
struct Held {
    entry: Entry,
    expires: Instant,
}

struct OwnLife;

impl Expiry<PageKey, Held> for OwnLife {
    fn expire_after_create(&self, _: &PageKey, held: &Held, now: Instant) -> Option<Duration> {
        Some(held.expires.saturating_duration_since(now))
    }

    fn expire_after_update(
        &self,
        key: &PageKey,
        held: &Held,
        now: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.expire_after_create(key, held, now)
    }
}

impl Memory {
    pub(crate) fn new(max_bytes: u64) -> Memory {
        let weight = |_: &PageKey, held: &Held| {
            u32::try_from(held.entry.bytes().len() + OVERHEAD).unwrap_or(u32::MAX)
        };
        Memory {
            entries: Cache::builder()
                .max_capacity(max_bytes)
                .weigher(weight)
                .eviction_policy(EvictionPolicy::tiny_lfu())
                .expire_after(OwnLife)
                .build(),
        }
    }

    pub(crate) fn get(&self, key: &PageKey) -> Option<Entry> {
        let held = self.entries.get(key)?;
        // The cache's own clock may be a little behind.
        (Instant::now() < held.expires).then_some(held.entry)
    }

    pub(crate) fn put(&self, key: PageKey, entry: Entry, expires: Instant) {
        self.entries.insert(key, Held { entry, expires });
    }

    /// Removes a page; whether it was there.
    pub(crate) fn remove(&self, key: &PageKey) -> bool {
        let held = self.entries.remove(key);
        held.is_some_and(|held| Instant::now() < held.expires)
    }
}
