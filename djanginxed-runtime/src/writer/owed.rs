//! What a server was to purge or delete and has not, because it failed: it is asked again
//! when it answers again, since nginx may then find the pages there that were changed.
//!
//! A debt is kept for as long as the process runs. When the last page of before is at its
//! end nobody here knows, since other processes have stored it, too, and a page may live
//! for ten years; and a debt costs a server that is away nothing but its breaker's probes.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use hashlink::LinkedHashSet;

use crate::key::PageKey;
use crate::tag::TagKey;

/// More debts than these are one: everything. A page that is gone is rendered once more,
/// one that is left is wrong; and a server that was started anew is as empty.
const MAX_DEBTS: usize = 1024;

/// So many are asked for at once.
const BATCH: usize = 64;

/// The pause before the second attempt, and the longest, at a server that is not skipped.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));

/// A tag whose pages are to go, or a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Debt {
    Tag(TagKey),
    Page(PageKey),
}

/// What is new with a debt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Added {
    /// There was none.
    First,
    More,
    /// There is no room for it: from now on everything is owed.
    Full,
}

/// The debts of one server, each once.
#[derive(Debug)]
pub(super) struct Owed {
    everything: Debt,
    waiting: LinkedHashSet<Debt>,
    /// What it is being asked for.
    asked: HashSet<Debt>,
    /// In a row, and in vain.
    attempts: u32,
    /// Not before that moment.
    due: Option<Instant>,
}

impl Owed {
    /// Where `everything` is the tag that every page has.
    pub(super) fn new(everything: TagKey) -> Owed {
        Owed {
            everything: Debt::Tag(everything),
            waiting: LinkedHashSet::new(),
            asked: HashSet::new(),
            attempts: 0,
            due: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.asked.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Notes what the server has failed to do.
    pub(super) fn add(&mut self, debts: impl IntoIterator<Item = Debt>, now: Instant) -> Added {
        let is_first = self.is_empty();
        if is_first {
            self.put_off(now);
        }
        let mut is_full = false;
        for debt in debts {
            is_full |= self.note(debt);
        }
        match (is_full, is_first) {
            (true, _) => Added::Full,
            (false, true) => Added::First,
            (false, false) => Added::More,
        }
    }

    fn note(&mut self, debt: Debt) -> bool {
        if self.waiting.contains(&self.everything) {
            return false;
        }
        self.waiting.insert(debt);
        let is_full = self.len() > MAX_DEBTS;
        if is_full || debt == self.everything {
            self.waiting.clear();
            self.waiting.insert(self.everything);
        }
        is_full
    }

    /// Whether it is time to ask.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let is_over = self.due.is_none_or(|due| due <= now);
        is_over && self.asked.is_empty() && !self.waiting.is_empty()
    }

    /// Takes the oldest, to ask for them; each is then [`done`](Self::done) or
    /// [`failed`](Self::failed). One that is noted meanwhile is another.
    pub(super) fn take(&mut self) -> Vec<Debt> {
        let count = self.waiting.len().min(BATCH);
        let taken: Vec<_> = (0..count)
            .filter_map(|_| self.waiting.pop_front())
            .collect();
        self.asked.extend(&taken);
        taken
    }

    /// The server has carried them out: it may be asked for the others at once.
    pub(super) fn done(&mut self, debts: impl IntoIterator<Item = Debt>) {
        for debt in debts {
            self.asked.remove(&debt);
        }
        self.without_pause();
    }

    /// The server has failed again.
    pub(super) fn failed(&mut self, debts: impl IntoIterator<Item = Debt>, now: Instant) {
        for debt in debts {
            if self.asked.remove(&debt) {
                self.note(debt);
            }
        }
        if self.asked.is_empty() {
            self.put_off(now);
        }
    }

    /// Asks later, each time after a longer pause.
    pub(super) fn put_off(&mut self, now: Instant) {
        self.due = Some(now + pause(self.attempts));
        self.attempts = self.attempts.saturating_add(1);
    }

    /// Asks at once: the server has answered, or is skipped until it answers a probe.
    pub(super) fn without_pause(&mut self) {
        self.attempts = 0;
        self.due = None;
    }
}

fn pause(attempts: u32) -> Duration {
    let (first, longest) = PAUSES;
    first
        .saturating_mul(2_u32.saturating_pow(attempts))
        .min(longest)
}

#[cfg(test)]
mod tests;
