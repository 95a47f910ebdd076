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

/// How many bytes of a page's tags are kept.
const MAX_TAGS: usize = 16 << 10;

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
    /// Of a page that is stored, as many as are kept.
    pub(crate) tags: Vec<String>,
    /// Whether it has more.
    pub(crate) has_more_tags: bool,
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
        tags: impl FnOnce() -> Vec<String>,
    ) {
        if self.wanted.load(Ordering::Relaxed) {
            let mut tags = tags();
            let has_more_tags = cut_tags(&mut tags);
            self.keep(Outcome {
                key: *key,
                target: cut(target).to_owned(),
                refused,
                at: SystemTime::now(),
                took,
                tags,
                has_more_tags,
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

    /// Those whose last render took the longest, these first; without what `djanginxed check`
    /// has asked for.
    pub(crate) fn slowest(&self, count: usize) -> Vec<Outcome> {
        let mut all = self.all();
        all.retain(|outcome| !is_of_a_check(&outcome.target));
        all.sort_by_key(|outcome| Reverse(outcome.took));
        all.truncate(count);
        all
    }
}

/// Whether a target is one that `djanginxed check` makes: with a parameter of its own, or of
/// a page that would not know it, with characters percent-encoded that no browser encodes.
fn is_of_a_check(target: &str) -> bool {
    let is_needless = |rest: &str| {
        let byte = rest
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    };
    target.contains("djanginxed-check") || target.split('%').skip(1).any(is_needless)
}

/// The beginning of a target that is too long to be kept.
fn cut(target: &str) -> &str {
    let longest = target.len().min(MAX_TARGET);
    let end = (0..=longest)
        .rev()
        .find(|end| target.is_char_boundary(*end));
    &target[..end.unwrap_or_default()]
}

/// Leaves out those that are too many to be kept; whether there are such.
fn cut_tags(tags: &mut Vec<String>) -> bool {
    let (mut bytes, all) = (0, tags.len());
    tags.retain(|tag| {
        bytes += tag.len();
        bytes <= MAX_TAGS
    });
    tags.len() < all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> PageKey {
        PageKey::new("", &format!("/{number}"))
    }

    #[test]
    fn what_a_check_asks_for_is_not_among_the_slowest() {
        let outcomes = Outcomes::default();
        outcomes.want();
        let visitors = ["/caf%C3%A9?q=a%20b%2Fc", "/100%", "/topics/1"];
        let checks = ["/a?djanginxed-check=1f-2", "/%74opics/1", "/topic%73/%31"];
        for (number, target) in visitors.iter().chain(&checks).enumerate() {
            outcomes.note(&key(number), target, None, Duration::ZERO, Vec::new);
        }
        let slowest = outcomes.slowest(10);
        assert!(
            slowest
                .iter()
                .all(|one| visitors.contains(&one.target.as_str()))
        );
        assert_eq!(slowest.len(), visitors.len());
        assert_eq!(outcomes.all().len(), visitors.len() + checks.len());
    }

    #[test]
    fn nothing_is_kept_until_somebody_wants_to_look() {
        let outcomes = Outcomes::default();
        outcomes.note(&key(1), "/1", Some("status"), Duration::ZERO, Vec::new);
        assert!(outcomes.all().is_empty());
        outcomes.want();
        outcomes.note(&key(1), "/1", Some("status"), Duration::ZERO, Vec::new);
        assert_eq!(outcomes.of(&key(1)).unwrap().refused, Some("status"));
    }

    #[test]
    fn the_last_outcome_of_each_of_the_last_pages_is_kept() {
        let outcomes = Outcomes::default();
        outcomes.want();
        for round in [Some("vary"), None] {
            for number in 0..MAX + 10 {
                let took = Duration::from_millis(number as u64 % 100);
                outcomes.note(&key(number), &format!("/{number}"), round, took, Vec::new);
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
        outcomes.note(&key(1), &target, None, Duration::ZERO, Vec::new);
        assert_eq!(outcomes.all()[0].target.len(), MAX_TARGET - 1);
    }

    #[test]
    fn tags_are_kept_up_to_a_limit() {
        let outcomes = Outcomes::default();
        outcomes.want();
        let tags = |count: usize| move || vec!["t".repeat(1024); count];
        outcomes.note(&key(1), "/1", None, Duration::ZERO, tags(16));
        outcomes.note(&key(2), "/2", None, Duration::ZERO, tags(17));
        let kept = |number| outcomes.of(&key(number)).unwrap();
        assert_eq!((kept(1).tags.len(), kept(1).has_more_tags), (16, false));
        assert_eq!((kept(2).tags.len(), kept(2).has_more_tags), (16, true));
    }
}
