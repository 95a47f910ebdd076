//! What this process knows of deletes, so that a render which began before one
//! does not leave its page behind.
//!
//! A delete cannot be remembered for ever, nor for a key alone without bound.
//! So keys share a fixed number of counters: a delete advances its key's
//! counter, a render notes it when it begins, and a page is stored only while
//! the two are the same. A delete of another key with the same counter costs
//! one page one store, and nothing else.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use crate::key::PageKey;
use crate::sync::{Mutex, MutexGuard, lock};

const COUNTERS: usize = 1024;

#[derive(Debug)]
pub(crate) struct Deletes {
    counters: Vec<Mutex<u64>>,
    hasher: RandomState,
}

/// The moment, in deletes, at which a render began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(u64);

impl Deletes {
    pub(crate) fn new() -> Deletes {
        Deletes {
            counters: (0..COUNTERS).map(|_| Mutex::new(0)).collect(),
            hasher: RandomState::default(),
        }
    }

    fn counter(&self, key: &PageKey) -> MutexGuard<'_, u64> {
        let at = self.hasher.hash_one(key) as usize % COUNTERS;
        lock(&self.counters[at])
    }

    pub(crate) fn stamp(&self, key: &PageKey) -> Stamp {
        Stamp(*self.counter(key))
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

    /// Runs `store` if the key was not deleted since `stamp`.
    pub(crate) fn unless_deleted<T>(
        &self,
        key: &PageKey,
        stamp: Stamp,
        store: impl FnOnce() -> T,
    ) -> Option<T> {
        let counter = self.counter(key);
        (Stamp(*counter) == stamp).then(store)
    }
}

#[cfg(test)]
mod tests;
