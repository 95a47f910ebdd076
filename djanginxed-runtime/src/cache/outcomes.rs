//! What became of the last pages that were rendered: for who looks, in a test or on
//! the admin page.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use crate::key::PageKey;
use crate::sync::{Mutex, lock};

/// How many pages are known.
const MAX: usize = 256;

/// How many bytes of a target are kept.
const MAX_TARGET: usize = 2048;

/// What became of a page when it was rendered the last time.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) key: PageKey,
    pub(crate) target: String,
    /// Stored, or the word of the reason why not.
    pub(crate) refused: Option<&'static str>,
    pub(crate) at: SystemTime,
    /// From the start of its render until this was known.
    pub(crate) took: Duration,
}

/// Nothing is noted until somebody is going to look.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    wanted: AtomicBool,
    /// One a page, the last to happen at the end.
    last: Mutex<VecDeque<Outcome>>,
}

impl Outcomes {
    pub(crate) fn want(&self) {
        self.wanted.store(true, Ordering::Relaxed);
    }

    pub(crate) fn note(
        &self,
        key: &PageKey,
        target: &str,
        refused: Option<&'static str>,
        took: Duration,
    ) {
        if self.wanted.load(Ordering::Relaxed) {
            self.keep(Outcome {
                key: *key,
                target: cut(target).to_owned(),
                refused,
                at: SystemTime::now(),
                took,
            });
        }
    }

    fn keep(&self, outcome: Outcome) {
        let mut last = lock(&self.last);
        last.retain(|older| older.key != outcome.key);
        if last.len() == MAX {
            last.pop_front();
        }
        last.push_back(outcome);
    }

    pub(crate) fn of(&self, key: &PageKey) -> Option<Outcome> {
        let last = lock(&self.last);
        last.iter().find(|outcome| outcome.key == *key).cloned()
    }

    /// All that are known, the last to happen first.
    pub(crate) fn all(&self) -> Vec<Outcome> {
        lock(&self.last).iter().rev().cloned().collect()
    }

    /// Those whose last render took the longest, these first.
    pub(crate) fn slowest(&self, count: usize) -> Vec<Outcome> {
        let mut all = self.all();
        all.sort_by_key(|outcome| Reverse(outcome.took));
        all.truncate(count);
        all
    }
}

/// The beginning of a target that is too long to be kept.
fn cut(target: &str) -> &str {
    let longest = target.len().min(MAX_TARGET);
    let end = (0..=longest)
        .rev()
        .find(|end| target.is_char_boundary(*end));
    &target[..end.unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> PageKey {
        PageKey::new("", &format!("/{number}"))
    }

    #[test]
    fn nothing_is_kept_until_somebody_wants_to_look() {
        let outcomes = Outcomes::default();
        outcomes.note(&key(1), "/1", Some("status"), Duration::ZERO);
        assert!(outcomes.all().is_empty());
        outcomes.want();
        outcomes.note(&key(1), "/1", Some("status"), Duration::ZERO);
        assert_eq!(outcomes.of(&key(1)).unwrap().refused, Some("status"));
    }

    #[test]
    fn the_last_outcome_of_each_of_the_last_pages_is_kept() {
        let outcomes = Outcomes::default();
        outcomes.want();
        for round in [Some("vary"), None] {
            for number in 0..MAX + 10 {
                let took = Duration::from_millis(number as u64 % 100);
                outcomes.note(&key(number), &format!("/{number}"), round, took);
            }
        }
        let all = outcomes.all();
        assert_eq!(all.len(), MAX);
        assert_eq!(all[0].target, format!("/{}", MAX + 9));
        assert!(all.iter().all(|outcome| outcome.refused.is_none()));
        assert!(outcomes.of(&key(9)).is_none());
        let slowest = outcomes.slowest(2);
        let slowest: Vec<_> = slowest.iter().map(|page| page.target.as_str()).collect();
        assert_eq!(slowest, ["/199", "/99"]);
    }

    #[test]
    fn a_long_target_is_cut_between_characters() {
        let outcomes = Outcomes::default();
        outcomes.want();
        let target = format!("/{}", "é".repeat(MAX_TARGET));
        outcomes.note(&key(1), &target, None, Duration::ZERO);
        assert_eq!(outcomes.all()[0].target.len(), MAX_TARGET - 1);
    }
}
