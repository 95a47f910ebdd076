//! What this process knows of deletes and purges, so that a render which began before one
//! does not leave its page behind.
//!
//! Each has its place among all of them, and a render notes the place at which it begins: a
//! page is stored only while neither it nor one of its tags has a later one. Not all can be
//! remembered for ever. Of the oldest, which are forgotten, the last place stands for all:
//! who began before it stores nothing, and that costs one store.

use std::hash::Hash;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use hashlink::LinkedHashMap;

use crate::key::PageKey;
use crate::store::client::Marker;
use crate::sync::{AtomicU64, Ordering, RwLock, RwLockReadGuard, RwLockWriteGuard};
use crate::tag::TagKey;

/// More deleted pages than these are forgotten, the oldest first; and so are purged tags.
const MAX_NOTED: usize = 8192;

/// Memcached's clock counts whole seconds, and so does the marker's age.
pub(crate) const CLOCK_SLACK: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub(crate) struct Deletes {
    /// How many deletes and purges there were: read without a lock by each render.
    count: AtomicU64,
    noted: RwLock<Noted>,
}

/// By this process, or seen by it.
#[derive(Debug, Default)]
struct Noted {
    pages: Latest<PageKey, u64>,
    tags: Latest<TagKey, u64>,
    /// The purges of other processes that this one has seen on its servers.
    elsewhere: Latest<(usize, TagKey), Sighting>,
}

/// A marker of another process, seen for the first time.
#[derive(Clone, Copy, Debug)]
struct Sighting {
    number: u64,
    at: Instant,
    /// Its place among the deletes and purges of this process.
    place: u64,
}

/// The place, among deletes and purges, at which a render began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(u64);

impl Deletes {
    fn noted(&self) -> RwLockReadGuard<'_, Noted> {
        self.noted.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn noted_mut(&self) -> RwLockWriteGuard<'_, Noted> {
        self.noted.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Only while `noted` is locked to write.
    fn next_place(&self) -> u64 {
        self.count.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn stamp(&self) -> Stamp {
        Stamp(self.count.load(Ordering::SeqCst))
    }

    /// Notes a delete, then runs `remove`; no [`unless_deleted`] runs meanwhile.
    ///
    /// [`unless_deleted`]: Self::unless_deleted
    pub(crate) fn delete<T>(&self, key: &PageKey, remove: impl FnOnce() -> T) -> T {
        let mut noted = self.noted_mut();
        let place = self.next_place();
        noted.pages.put(*key, place);
        remove()
    }

    /// Notes a purge of `tags`, then runs `remove`; no [`unless_deleted`] runs meanwhile.
    ///
    /// [`unless_deleted`]: Self::unless_deleted
    pub(crate) fn purge<T>(&self, tags: &[TagKey], remove: impl FnOnce() -> T) -> T {
        let mut noted = self.noted_mut();
        let place = self.next_place();
        for tag in tags {
            noted.tags.put(*tag, place);
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
        let noted = self.noted();
        let is_deleted = self.stamp() != stamp
            && (noted.pages.has_later(key, stamp) || noted.has_purged(tags, stamp));
        (!is_deleted).then(store)
    }

    /// Whether the key was deleted since `stamp`.
    pub(crate) fn is_deleted(&self, key: &PageKey, stamp: Stamp) -> bool {
        self.stamp() != stamp && self.noted().pages.has_later(key, stamp)
    }

    /// Whether one of the tags was purged since `stamp`, as far as this process knows.
    pub(crate) fn is_purged(&self, tags: &[TagKey], stamp: Stamp) -> bool {
        self.stamp() != stamp && self.noted().has_purged(tags, stamp)
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
        let is_new = place.is_none_or(|place| place > stamp.0);
        is_new && marker.age() <= render + CLOCK_SLACK
    }

    /// The place of a marker among the deletes and purges of this process: where it was first seen.
    fn place_of(&self, server: usize, tag: TagKey, number: u64, age: Duration) -> u64 {
        let seen = (server, tag);
        // A server that was restarted counts from the start again.
        let is_this =
            |known: &&Sighting| known.number == number && known.at.elapsed() <= age + CLOCK_SLACK;
        if let Some(known) = self.noted().elsewhere.get(&seen).filter(is_this) {
            return known.place;
        }
        let mut noted = self.noted_mut();
        // Another may have seen it in between, and renders have begun since.
        if let Some(known) = noted.elsewhere.get(&seen).filter(is_this) {
            return known.place;
        }
        let place = self.next_place();
        let at = Instant::now();
        noted.elsewhere.put(seen, Sighting { number, at, place });
        place
    }
}

impl Noted {
    fn has_purged(&self, tags: &[TagKey], stamp: Stamp) -> bool {
        tags.iter().any(|tag| self.tags.has_later(tag, stamp))
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
        if self.values.len() > MAX_NOTED {
            self.forgotten = self.values.pop_front().map(|(_, value)| value);
        }
    }
}

impl<K: Eq + Hash> Latest<K, u64> {
    /// Whether `key` has a place later than `stamp`, or may have had one that is forgotten.
    fn has_later(&self, key: &K, stamp: Stamp) -> bool {
        let places = [self.forgotten.as_ref(), self.get(key)];
        places.into_iter().flatten().any(|place| *place > stamp.0)
    }
}

#[cfg(test)]
mod tests;
