//! The embedded store: memory of the process, when no server is named.

use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::entry::Entry;
use crate::expiring::Expiring;
use crate::key::PageKey;

#[derive(Debug)]
pub(crate) struct Memory {
    entries: Expiring<Entry>,
}

impl Memory {
    pub(crate) fn new(max_bytes: u64, clock: Clock) -> Memory {
        Memory {
            entries: Expiring::by(clock, max_bytes),
        }
    }

    pub(crate) fn get(&self, key: &PageKey) -> Option<Entry> {
        self.entries.get(key)
    }

    /// A page and how long it lives, without having asked for it.
    pub(crate) fn peek(&self, key: &PageKey) -> Option<(Entry, Duration)> {
        self.entries.peek(key)
    }

    /// Takes a page; whether there is room for one of its size.
    pub(crate) fn put(&self, key: PageKey, entry: Entry, expires: Instant) -> bool {
        let weight = entry.footprint() as u64;
        self.entries.put(key, entry, weight, expires)
    }

    /// Removes a page; whether it was there.
    pub(crate) fn remove(&self, key: &PageKey) -> bool {
        self.entries.remove(key).is_some()
    }
}
