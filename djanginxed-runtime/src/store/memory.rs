//! The embedded store: memory of the process, when no server is named.

use std::time::Instant;

use crate::entry::Entry;
use crate::expiring::{Bounds, Expiring};
use crate::key::PageKey;

/// What an entry takes besides its bytes: key, counters, lists.
const OVERHEAD: usize = 256;

/// A page of this size is nothing special.
const USUAL: u64 = 8 << 10;

#[derive(Debug)]
pub(crate) struct Memory {
    entries: Expiring<Entry>,
}

impl Memory {
    pub(crate) fn new(max_bytes: u64, max_entry_size: usize) -> Memory {
        Memory {
            entries: Expiring::new(Bounds {
                total: max_bytes,
                heaviest: weight(max_entry_size),
                usual: USUAL,
            }),
        }
    }

    pub(crate) fn get(&self, key: &PageKey) -> Option<Entry> {
        self.entries.get(key)
    }

    pub(crate) fn put(&self, key: PageKey, entry: Entry, expires: Instant) {
        let weight = weight(entry.bytes().len());
        self.entries.put(key, entry, weight, expires);
    }

    /// Removes a page; whether it was there.
    pub(crate) fn remove(&self, key: &PageKey) -> bool {
        self.entries.remove(key).is_some()
    }
}

fn weight(bytes: usize) -> u64 {
    bytes.saturating_add(OVERHEAD) as u64
}
