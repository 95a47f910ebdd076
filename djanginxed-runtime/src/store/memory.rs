//! The embedded store: memory of the process, when no server is named.

use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::entry::{Entry, Found};
use crate::expiring::Expiring;
use crate::key::PageKey;
use crate::life::Life;

#[derive(Debug)]
pub(crate) struct Memory {
    entries: Expiring<Kept>,
    clock: Clock,
}

#[derive(Clone, Debug)]
struct Kept {
    entry: Entry,
    started: Instant,
    life: Life,
}

impl Memory {
    pub(crate) fn new(max_bytes: u64, clock: Clock) -> Memory {
        Memory {
            entries: Expiring::by(clock.clone(), max_bytes),
            clock,
        }
    }

    pub(crate) fn get(&self, key: &PageKey) -> Option<Found> {
        let kept = self.entries.get(key)?;
        Some(Found {
            freshness: kept.life.freshness(kept.started, self.clock.now()),
            entry: kept.entry,
        })
    }

    /// A page and how long it lives, without having asked for it.
    pub(crate) fn peek(&self, key: &PageKey) -> Option<(Entry, Duration)> {
        let (kept, left) = self.entries.peek(key)?;
        Some((kept.entry, left))
    }

    /// Takes a page; whether there is room for one of its size.
    pub(crate) fn put(&self, key: PageKey, entry: Entry, started: Instant, life: Life) -> bool {
        let weight = entry.footprint() as u64;
        let expires = started + life.whole();
        let kept = Kept {
            entry,
            started,
            life,
        };
        self.entries.put(key, kept, weight, expires)
    }

    /// Removes a page; whether it was there.
    pub(crate) fn remove(&self, key: &PageKey) -> bool {
        self.entries.remove(key).is_some()
    }
}
