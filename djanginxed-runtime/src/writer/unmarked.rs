//! What was deleted at a server that had no room for the marker: who renders it meanwhile
//! does not see that, and may store what is old. So it is deleted again for as long as a
//! marker would have lived, since by then no such render is stored any more.
//!
//! It is no debt: what nginx found there before is gone. The pause grows with the age, so
//! that what a slow render has left stays for about as long as the render took.

use std::time::{Duration, Instant};

use hashlink::LinkedHashMap;

use super::owed::Debt;
use crate::store::client::MARKER_LIFE;

/// Renders from before are stored by then, or never.
const LIFE: Duration = Duration::from_secs(MARKER_LIFE as u64);

/// More than these are forgotten, the oldest first: they are deleted, and few renders take
/// long.
const MAX: usize = 4096;

/// So many are deleted at once.
const BATCH: usize = 64;

const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// When something was deleted, and when that is due once more.
#[derive(Clone, Copy, Debug)]
struct Wait {
    since: Instant,
    due: Instant,
}

impl Wait {
    fn put_off(&mut self, now: Instant) {
        let age = now.saturating_duration_since(self.since);
        let left = LIFE.saturating_sub(age);
        self.due = now + age.min(left).max(SHORTEST_PAUSE);
    }
}

/// What one server has no marker of.
#[derive(Debug, Default)]
pub(super) struct Unmarked {
    /// In the order in which they were deleted.
    waiting: LinkedHashMap<Debt, Wait>,
    /// How many are being deleted.
    asked: usize,
}

impl Unmarked {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Notes what was deleted without a marker.
    pub(super) fn add(&mut self, debts: &[Debt], now: Instant) {
        for debt in debts {
            let due = now + SHORTEST_PAUSE;
            self.waiting.insert(*debt, Wait { since: now, due });
            if self.waiting.len() > MAX {
                self.waiting.pop_front();
            }
        }
    }

    /// What is to be deleted again; of each it is then said that it was
    /// [`deleted`](Self::deleted) or not ([`failed`](Self::failed)).
    pub(super) fn take(&mut self, now: Instant) -> Vec<Debt> {
        if self.asked > 0 {
            return Vec::new();
        }
        let due = self.waiting.iter_mut().filter(|(_, wait)| wait.due <= now);
        let put_off = |(debt, wait): (&Debt, &mut Wait)| {
            wait.put_off(now);
            *debt
        };
        let taken: Vec<_> = due.take(BATCH).map(put_off).collect();
        self.asked = taken.len();
        taken
    }

    /// It was deleted again, beginning at that moment.
    pub(super) fn deleted(&mut self, debts: &[Debt], begun: Instant, is_marked: bool) {
        self.asked = self.asked.saturating_sub(debts.len());
        let is_over = |wait: &Wait| is_marked || begun >= wait.since + LIFE;
        self.end(debts, begun, is_over);
    }

    pub(super) fn failed(&mut self, count: usize) {
        self.asked = self.asked.saturating_sub(count);
    }

    /// The server has taken a marker for it at that moment, or later.
    pub(super) fn marked(&mut self, debts: &[Debt], begun: Instant) {
        self.end(debts, begun, |_| true);
    }

    fn end(&mut self, debts: &[Debt], begun: Instant, is_over: impl Fn(&Wait) -> bool) {
        for debt in debts {
            // One that was noted since is another.
            let is_this = |wait: &&Wait| wait.since <= begun;
            if self.waiting.get(debt).filter(is_this).is_some_and(&is_over) {
                self.waiting.remove(debt);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::PageKey;

    fn page(number: usize) -> Debt {
        Debt::Page(PageKey::new("", &format!("/{number}")))
    }

    fn second() -> Duration {
        Duration::from_secs(1)
    }

    #[test]
    fn what_has_no_marker_is_deleted_a_few_times_until_a_marker_would_be_over() {
        let (mut unmarked, start) = (Unmarked::default(), Instant::now());
        unmarked.add(&[page(1)], start);
        let mut ages = Vec::new();
        for age in 0..2_000 {
            let now = start + second() * age;
            let taken = unmarked.take(now);
            if !taken.is_empty() {
                ages.push(age);
                unmarked.deleted(&taken, now, false);
            }
        }
        assert_eq!(ages, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600]);
        assert!(unmarked.is_empty());
    }

    #[test]
    fn a_marker_ends_it_but_for_what_was_deleted_since() {
        let (mut unmarked, start) = (Unmarked::default(), Instant::now());
        unmarked.add(&[page(1), page(2), page(3)], start);
        let taken = unmarked.take(start + second());
        assert_eq!(taken, [page(1), page(2), page(3)]);
        unmarked.add(&[page(2)], start + second() * 2);
        unmarked.deleted(&taken, start + second(), true);
        assert_eq!(unmarked.take(start + second() * 9), [page(2)]);
        unmarked.failed(1);
        unmarked.marked(&[page(2)], start + second() * 2);
        assert!(unmarked.is_empty());
    }

    #[test]
    fn nothing_is_asked_for_twice_at_once_and_the_oldest_is_forgotten() {
        let (mut unmarked, start) = (Unmarked::default(), Instant::now());
        let all: Vec<_> = (0..=MAX).map(page).collect();
        unmarked.add(&all, start);
        let taken = unmarked.take(start + second());
        assert_eq!(taken, all[1..=BATCH]);
        assert!(unmarked.take(start + second()).is_empty());
        unmarked.failed(taken.len());
        let next = unmarked.take(start + second());
        assert_eq!(next, all[BATCH + 1..=2 * BATCH]);
    }
}
