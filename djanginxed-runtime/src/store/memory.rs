//! The embedded store: memory of the process, when no server is named.

use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::entry::{Entry, Found};
use crate::expiring::{Expiring, Tagged};
use crate::key::PageKey;
use crate::life::Life;
use crate::purged::Spare;
use crate::store::client::Look;
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
        self.left(&held)?;
        Some(Found {
            freshness: held.life.freshness(held.started, self.clock.now()),
            entry: held.entry,
        })
    }

    /// What stands in for an error.
    pub(crate) fn copy(&self, key: &PageKey) -> Option<Entry> {
        let held = self.entries.get(key)?;
        held.life.copy()?;
        Some(held.entry)
    }

    /// A page and how long it lives, without having asked for it.
    pub(crate) fn peek(&self, key: &PageKey) -> Option<(Entry, Duration)> {
        let (held, _) = self.entries.peek(key)?;
        let left = self.left(&held)?;
        Some((held.entry, left))
    }

    /// How long it still is a page, if it is one.
    fn left(&self, held: &Held) -> Option<Duration> {
        let age = self.clock.now().saturating_duration_since(held.started);
        let left = held.life.whole().checked_sub(age)?;
        (!left.is_zero()).then_some(left)
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
        self.entries
            .put(key, held, weight, started + life.longest())
    }

    /// Removes a page; whether it was there.
    pub(crate) fn remove(&self, key: &PageKey) -> bool {
        self.entries.remove(key).is_some()
    }

    /// What is there of a page, without asking for it.
    pub(crate) fn look(&self, key: &PageKey) -> Option<Look> {
        let was_read = self.entries.is_asked(key)?;
        let (_, left) = self.peek(key)?;
        Some(Look {
            was_read,
            left: Some(left),
            number: None,
        })
    }

    /// Removes the pages that have one of `tags` and that are not to be spared; how many
    /// that were, and which were.
    pub(crate) fn remove_tagged(&self, tags: &[TagKey], spare: Spare) -> (usize, Vec<PageKey>) {
        let keys = match tags.iter().any(TagKey::is_everything) {
            true => self.entries.keys(),
            false => self.entries.tagged(tags),
        };
        let is_spared = |key: &PageKey| match spare {
            Spare::Nothing => false,
            Spare::WhatIsRead => self.look(key).is_some_and(|look| look.was_read),
        };
        let (spared, others): (Vec<_>, Vec<_>) = keys.into_iter().partition(is_spared);
        let removed = others.iter().filter(|key| self.remove(key)).count();
        (removed, spared)
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
            error: Duration::ZERO,
        };
        let tags = tags_of("", tags.iter().copied());
        assert!(memory.put(key(number), entry, tags, Instant::now(), life));
    }

    fn removed(memory: &Memory, tags: &[TagKey]) -> usize {
        memory.remove_tagged(tags, Spare::Nothing).0
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
        assert_eq!(removed(&memory, &tag("even")), 50);
        assert_eq!(removed(&memory, &tag("even")), 0);
        assert!(memory.get(&key(1)).is_some());
        assert!(memory.get(&key(2)).is_none());
        assert_eq!(removed(&memory, &[tag("all")[0], tag("odd")[0]]), 50);
        assert!(memory.get(&key(100)).is_some());
        assert_eq!(removed(&memory, &[TagKey::everything("")]), 1);
        assert_eq!(removed(&memory, &[TagKey::everything("")]), 0);
    }

    #[test]
    fn what_is_read_may_be_spared_and_is_told() {
        let memory = Memory::new(1 << 20, Clock::default());
        (0..10).for_each(|number| put(&memory, number, &["all"]));
        assert_eq!(memory.look(&key(3)).map(|look| look.was_read), Some(false));
        assert!(memory.get(&key(3)).is_some());
        assert_eq!(memory.look(&key(3)).map(|look| look.was_read), Some(true));
        for tags in [tag("all"), [TagKey::everything("")]] {
            let (count, spared) = memory.remove_tagged(&tags, Spare::WhatIsRead);
            assert_eq!(spared, [key(3)]);
            assert!(count == 9 || tags[0].is_everything());
        }
        assert!(memory.get(&key(3)).is_some() && memory.get(&key(4)).is_none());
        assert_eq!(removed(&memory, &tag("all")), 1);
    }

    #[test]
    fn a_page_that_was_replaced_has_only_its_new_tags() {
        let memory = Memory::new(1 << 20, Clock::default());
        put(&memory, 1, &["old"]);
        put(&memory, 1, &["new"]);
        assert_eq!(removed(&memory, &tag("old")), 0);
        assert_eq!(removed(&memory, &tag("new")), 1);
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
        assert_eq!(removed(&memory, &tag("one")), there);
    }
}
