//! What this process knows of deletes, so that a render which began before one
//! does not leave its page behind.
//!
//! A delete cannot be remembered for ever, nor for a key alone without bound.
//! So keys share a fixed number of counters: a delete advances its key's
//! counter, a render notes it when it begins, and a page is stored only while
//! the two are the same. A delete of another key with the same counter costs
//! one page one store, and nothing else.
//!
//! Of purges the tags are remembered, each with its place among all purges, and of the
//! oldest, which are forgotten, the place of the last. A page that has one of the tags is
//! stored only if its render began behind that place.

use std::hash::{BuildHasher, Hash};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use hashlink::LinkedHashMap;

use crate::key::PageKey;
use crate::store::client::Marker;
use crate::sync::{
    AtomicU64, Mutex, MutexGuard, Ordering, RwLock, RwLockReadGuard, RwLockWriteGuard, lock,
};
use crate::tag::TagKey;

const COUNTERS: usize = 1024;

/// More purged tags than these are forgotten, the oldest first.
const MAX_TAGS: usize = 4096;

/// Memcached's clock counts whole seconds, and so does the marker's age.
pub(crate) const CLOCK_SLACK: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Deletes {
    counters: Vec<Mutex<u64>>,
    hasher: RandomState,
    /// How many purges there were: read without a lock by each render.
    purged: AtomicU64,
    purges: RwLock<Purges>,
}

#[derive(Debug, Default)]
struct Purges {
    /// By this process, or seen by it.
    tags: Latest<TagKey, u64>,
    /// The purges of other processes that this one has seen on its servers.
    elsewhere: Latest<(usize, TagKey), Sighting>,
}

/// A marker of another process, seen for the first time.
#[derive(Clone, Copy, Debug)]
struct Sighting {
    number: u64,
    at: Instant,
    /// Its place among the purges of this process.
    place: u64,
}

/// The moment, in deletes and purges, at which a render began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    deletes: u64,
    purges: u64,
}

impl Deletes {
    pub(crate) fn new() -> Deletes {
        Deletes::with_counters(COUNTERS)
    }

    /// With one counter at the least.
    pub(crate) fn with_counters(counters: usize) -> Deletes {
        Deletes {
            counters: (0..counters).map(|_| Mutex::new(0)).collect(),
            hasher: RandomState::default(),
            purged: AtomicU64::new(0),
            purges: RwLock::new(Purges::default()),
        }
    }

    fn counter(&self, key: &PageKey) -> MutexGuard<'_, u64> {
        let at = self.hasher.hash_one(key) as usize % self.counters.len();
        lock(&self.counters[at])
    }

    fn purges(&self) -> RwLockReadGuard<'_, Purges> {
        self.purges.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn purges_mut(&self) -> RwLockWriteGuard<'_, Purges> {
        self.purges.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Only while `purges` is locked to write.
    fn next_place(&self) -> u64 {
        self.purged.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn stamp(&self, key: &PageKey) -> Stamp {
        Stamp {
            deletes: *self.counter(key),
            purges: self.purge_count(),
        }
    }

    /// How many purges there were, of whatever tags.
    pub(crate) fn purge_count(&self) -> u64 {
        self.purged.load(Ordering::SeqCst)
    }

    /// Advances the counter, then runs `remove`; no [`unless_deleted`] of this
    /// key runs meanwhile.
    ///
    /// [`unless_deleted`]: Self::unless_deleted
    pub(crate) fn delete<T>(&self, key: &PageKey, remove: impl FnOnce() -> T) -> T {
        let mut counter = self.counter(key);
        *counter = counter.wrapping_add(1);
        remove()
    }

    /// Notes a purge of `tags`, then runs `remove`; no [`unless_deleted`] runs meanwhile.
    ///
    /// [`unless_deleted`]: Self::unless_deleted
    pub(crate) fn purge<T>(&self, tags: &[TagKey], remove: impl FnOnce() -> T) -> T {
        let mut purges = self.purges_mut();
        let place = self.next_place();
        for tag in tags {
            purges.tags.put(*tag, place);
        }
        remove()
    }

    /// Runs `store` if neither the key was deleted nor one of the tags purged since
    /// `stamp`.
    pub(crate) fn unless_deleted<T>(
        &self,
        key: &PageKey,
        tags: &[TagKey],
        stamp: Stamp,
        store: impl FnOnce() -> T,
    ) -> Option<T> {
        let counter = self.counter(key);
        let purges = self.purges();
        let is_deleted = *counter != stamp.deletes || self.has_purged(&purges, tags, stamp);
        (!is_deleted).then(store)
    }

    /// Whether the key was deleted since `stamp`.
    pub(crate) fn is_deleted(&self, key: &PageKey, stamp: Stamp) -> bool {
        *self.counter(key) != stamp.deletes
    }

    /// Whether one of the tags was purged since `stamp`, as far as this process knows.
    pub(crate) fn is_purged(&self, tags: &[TagKey], stamp: Stamp) -> bool {
        self.has_purged(&self.purges(), tags, stamp)
    }

    fn has_purged(&self, purges: &Purges, tags: &[TagKey], stamp: Stamp) -> bool {
        if self.purge_count() == stamp.purges {
            return false;
        }
        let later = |place: &u64| *place > stamp.purges;
        purges.tags.forgotten.as_ref().is_some_and(later)
            || tags
                .iter()
                .any(|tag| purges.tags.get(tag).is_some_and(later))
    }

    /// Whether another process has purged `tag` after a render began, as the `marker` on
    /// the server of this number says it. One that was seen before the render began is
    /// older than the render.
    pub(crate) fn is_purged_elsewhere(
        &self,
        server: usize,
        tag: TagKey,
        marker: Marker,
        stamp: Stamp,
        render: Duration,
    ) -> bool {
        let place = marker
            .number
            .map(|number| self.place_of(server, tag, number, marker.age()));
        let is_new = place.is_none_or(|place| place > stamp.purges);
        is_new && marker.age() <= render + CLOCK_SLACK
    }

    /// The place of a marker among the purges of this process: where it was first seen.
    fn place_of(&self, server: usize, tag: TagKey, number: u64, age: Duration) -> u64 {
        let seen = (server, tag);
        // A server that was restarted counts from the start again.
        let is_this =
            |known: &&Sighting| known.number == number && known.at.elapsed() <= age + CLOCK_SLACK;
        if let Some(known) = self.purges().elsewhere.get(&seen).filter(is_this) {
            return known.place;
        }
        let mut purges = self.purges_mut();
        // Another may have seen it in between, and renders have begun since.
        if let Some(known) = purges.elsewhere.get(&seen).filter(is_this) {
            return known.place;
        }
        let place = self.next_place();
        let at = Instant::now();
        purges.elsewhere.put(seen, Sighting { number, at, place });
        place
    }
}

/// The newest values, and the last of those that were forgotten.
#[derive(Debug)]
struct Latest<K, V> {
    /// In the order in which they were put.
    values: LinkedHashMap<K, V, RandomState>,
    forgotten: Option<V>,
}

impl<K: Eq + Hash, V> Default for Latest<K, V> {
    fn default() -> Self {
        Latest {
            values: LinkedHashMap::default(),
            forgotten: None,
        }
    }
}

impl<K: Eq + Hash, V> Latest<K, V> {
    fn get(&self, key: &K) -> Option<&V> {
        self.values.get(key)
    }

    fn put(&mut self, key: K, value: V) {
        self.values.insert(key, value);
        if self.values.len() > MAX_TAGS {
            self.forgotten = self.values.pop_front().map(|(_, value)| value);
        }
    }
}

#[cfg(test)]
mod tests;
