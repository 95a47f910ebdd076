//! What became of the last pages that were rendered: for who looks, in a test or on
//! the admin page.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

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

    pub(crate) fn note(&self, key: &PageKey, target: &str, refused: Option<&'static str>) {
        if self.wanted.load(Ordering::Relaxed) {
            self.keep(Outcome {
                key: *key,
                target: cut(target).to_owned(),
                refused,
                at: SystemTime::now(),
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
        outcomes.note(&key(1), "/1", Some("status"));
        assert!(outcomes.all().is_empty());
        outcomes.want();
        outcomes.note(&key(1), "/1", Some("status"));
        assert_eq!(outcomes.of(&key(1)).unwrap().refused, Some("status"));
    }

    #[test]
    fn the_last_outcome_of_each_of_the_last_pages_is_kept() {
        let outcomes = Outcomes::default();
        outcomes.want();
        for round in [Some("vary"), None] {
            for number in 0..MAX + 10 {
                outcomes.note(&key(number), &format!("/{number}"), round);
            }
        }
        let all = outcomes.all();
        assert_eq!(all.len(), MAX);
        assert_eq!(all[0].target, format!("/{}", MAX + 9));
        assert!(all.iter().all(|outcome| outcome.refused.is_none()));
        assert!(outcomes.of(&key(9)).is_none());
    }

    #[test]
    fn a_long_target_is_cut_between_characters() {
        let outcomes = Outcomes::default();
        outcomes.want();
        let target = format!("/{}", "é".repeat(MAX_TARGET));
        outcomes.note(&key(1), &target, None);
        assert_eq!(outcomes.all()[0].target.len(), MAX_TARGET - 1);
    }
}
