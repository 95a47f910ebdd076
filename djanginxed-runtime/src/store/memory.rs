//! The embedded store: memory of the process, when no server is named.

use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::entry::{Entry, Found};
use crate::expiring::{Expiring, Tagged};
use crate::key::PageKey;
use crate::life::Life;
use crate::tag::{TagKey, Tags};

/// What a tag of a page takes of the memory, about, in bytes.
const TAG: u64 = 96;

#[derive(Debug)]
pub(crate) struct Memory {
    entries: Expiring<Held>,
    clock: Clock,
}

#[derive(Clone, Debug)]
struct Held {
    entry: Entry,
    tags: Tags,
    started: Instant,
    life: Life,
}

impl Tagged for Held {
    /// Of every page there is no list: all of them are.
    fn tags(&self) -> &[TagKey] {
        match self.tags.as_ref() {
            [own @ .., last] if last.is_everything() => own,
            tags => tags,
        }
    }
}

impl Memory {
    pub(crate) fn new(max_bytes: u64, clock: Clock) -> Memory {
        Memory {
            entries: Expiring::by(clock.clone(), max_bytes),
            clock,
        }
    }

    pub(crate) fn get(&self, key: &PageKey) -> Option<Found> {
        let held = self.entries.get(key)?;
        Some(Found {
            freshness: held.life.freshness(held.started, self.clock.now()),
            entry: held.entry,
        })
    }

    /// A page and how long it lives, without having asked for it.
    pub(crate) fn peek(&self, key: &PageKey) -> Option<(Entry, Duration)> {
        let (held, left) = self.entries.peek(key)?;
        Some((held.entry, left))
    }

    /// Takes a page; whether there is room for one of its size.
    pub(crate) fn put(
        &self,
        key: PageKey,
        entry: Entry,
        tags: Tags,
        started: Instant,
        life: Life,
    ) -> bool {
        let held = Held {
            entry,
            tags,
            started,
            life,
        };
        let tags = held.tags().len() as u64 * TAG;
        let weight = held.entry.footprint() as u64 + tags;
        self.entries.put(key, held, weight, started + life.whole())
    }

    /// Removes a page; whether it was there.
    pub(crate) fn remove(&self, key: &PageKey) -> bool {
        self.entries.remove(key).is_some()
    }

    /// Removes the pages that have one of `tags`; how many that were.
    pub(crate) fn remove_tagged(&self, tags: &[TagKey]) -> usize {
        if tags.iter().any(TagKey::is_everything) {
            self.entries.clear()
        } else {
            self.entries.remove_tagged(tags)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actix_web::web::Bytes;

    use super::*;
    use crate::tag::tags_of;

    fn key(number: usize) -> PageKey {
        PageKey::new("", &format!("/{number}"))
    }

    fn put(memory: &Memory, number: usize, tags: &[&str]) {
        let entry = Entry::new(None, Bytes::from_static(b"a page"));
        let life = Life {
            fresh: Duration::from_secs(60),
            stale: Duration::ZERO,
        };
        let tags = tags_of("", tags.iter().copied());
        assert!(memory.put(key(number), entry, tags, Instant::now(), life));
    }

    fn tag(name: &str) -> [TagKey; 1] {
        [TagKey::new("", name)]
    }

    #[test]
    fn pages_go_with_any_of_their_tags_and_are_counted() {
        let memory = Memory::new(1 << 20, Clock::default());
        for number in 0..100 {
            put(
                &memory,
                number,
                &["all", if number % 2 == 0 { "even" } else { "odd" }],
            );
        }
        put(&memory, 100, &[]);
        assert_eq!(memory.remove_tagged(&tag("even")), 50);
        assert_eq!(memory.remove_tagged(&tag("even")), 0);
        assert!(memory.get(&key(1)).is_some());
        assert!(memory.get(&key(2)).is_none());
        assert_eq!(memory.remove_tagged(&[tag("all")[0], tag("odd")[0]]), 50);
        assert!(memory.get(&key(100)).is_some());
        assert_eq!(memory.remove_tagged(&[TagKey::everything("")]), 1);
        assert_eq!(memory.remove_tagged(&[TagKey::everything("")]), 0);
    }

    #[test]
    fn a_page_that_was_replaced_has_only_its_new_tags() {
        let memory = Memory::new(1 << 20, Clock::default());
        put(&memory, 1, &["old"]);
        put(&memory, 1, &["new"]);
        assert_eq!(memory.remove_tagged(&tag("old")), 0);
        assert_eq!(memory.remove_tagged(&tag("new")), 1);
    }

    #[test]
    fn pages_that_are_evicted_leave_the_index_too() {
        let memory = Memory::new(20_000, Clock::default());
        for number in 0..10_000 {
            put(&memory, number, &["one", &format!("own:{number}")]);
        }
        let there = (0..10_000).filter(|number| memory.get(&key(*number)).is_some());
        let there = there.count();
        assert!((10..1_000).contains(&there), "{there}");
        assert_eq!(memory.remove_tagged(&tag("one")), there);
    }
}
