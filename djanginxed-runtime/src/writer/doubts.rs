//! Pages of which it is not known whether they were deleted meanwhile.
//!
//! An exchange that broke or timed out may still be carried out: what a stopped
//! server has in its socket it stores when it goes on, perhaps after another
//! process has deleted the page. So the page's delete marker is looked at again
//! once the server answers.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::key::PageKey;
use crate::store::client::MARKER_LIFE;

/// More than these are forgotten, the oldest first.
const MAX_DOUBTS: usize = 4096;

/// Memcached's clock counts whole seconds, and so does the marker's age.
const CLOCK_SLACK: u64 = 2;

/// From this age on a render cannot tell any more whether its page was deleted
/// meanwhile: the marker may be gone.
pub(super) const MAX_RENDER: Duration = Duration::from_secs(MARKER_LIFE as u64 - 10);

#[derive(Clone, Copy, Debug)]
pub(super) struct Doubt {
    pub(super) key: PageKey,
    /// When the render began.
    pub(super) started: Instant,
}

impl Doubt {
    /// Whether the page may have been deleted since its render began, given
    /// the age of its delete marker in seconds, by Memcached's own clock.
    pub(super) fn may_be_deleted(&self, deleted_ago: Option<u32>) -> bool {
        let age = self.started.elapsed();
        let since = |ago| u64::from(ago) <= age.as_secs() + CLOCK_SLACK;
        age >= MAX_RENDER || deleted_ago.is_some_and(since)
    }
}

#[derive(Debug, Default)]
pub(super) struct Doubts(VecDeque<Doubt>);

impl Doubts {
    /// Notes a doubt; the one that is forgotten for it, if any.
    pub(super) fn add(&mut self, doubt: Doubt) -> Option<Doubt> {
        let forgotten = (self.0.len() == MAX_DOUBTS).then(|| self.0.pop_front());
        self.0.push_back(doubt);
        forgotten.flatten()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The oldest doubts, `count` at the most.
    pub(super) fn oldest(&self, count: usize) -> Vec<Doubt> {
        self.0.iter().take(count).copied().collect()
    }

    /// The oldest `count` are settled.
    pub(super) fn settled(&mut self, count: usize) {
        self.0.drain(..count.min(self.0.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubt(ago: u64) -> Doubt {
        Doubt {
            key: PageKey::new("", "/"),
            started: Instant::now() - Duration::from_secs(ago),
        }
    }

    #[test]
    fn a_marker_younger_than_the_render_is_a_delete_of_it() {
        assert!(doubt(10).may_be_deleted(Some(0)));
        assert!(doubt(10).may_be_deleted(Some(12)));
        assert!(!doubt(10).may_be_deleted(Some(14)));
        assert!(!doubt(10).may_be_deleted(None));
    }

    #[test]
    fn a_render_older_than_a_marker_lives_is_taken_as_deleted() {
        assert!(!doubt(580).may_be_deleted(None));
        assert!(doubt(591).may_be_deleted(None));
    }

    #[test]
    fn doubts_are_bounded_and_the_oldest_goes_first() {
        let mut doubts = Doubts::default();
        for _ in 0..MAX_DOUBTS {
            assert!(doubts.add(doubt(1)).is_none());
        }
        assert!(doubts.add(doubt(1)).is_some());
        assert_eq!(doubts.oldest(usize::MAX).len(), MAX_DOUBTS);
        doubts.settled(MAX_DOUBTS);
        assert!(doubts.is_empty());
    }
}
