//! Pages of which it is not known whether they were deleted meanwhile.
//!
//! An exchange that broke or timed out may still be carried out: what a stopped
//! server has in its socket it stores when it goes on, perhaps after another
//! process has deleted the page. So the page's delete marker is looked at again
//! once the server answers.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Job;
use crate::deletes::{Deletes, Stamp};
use crate::key::PageKey;
use crate::store::client::{MARKER_LIFE, Marker};

/// More than these are forgotten, the oldest first.
const MAX_DOUBTS: usize = 4096;

/// Memcached's clock counts whole seconds, and so does the marker's age.
const CLOCK_SLACK: u64 = 2;

/// From this age on a render cannot tell any more whether its page was deleted
/// meanwhile: the marker may be gone.
pub(super) const MAX_RENDER: Duration = Duration::from_secs(MARKER_LIFE as u64 - 10);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Doubt {
    pub(crate) key: PageKey,
    /// When the render began, by this machine's clock.
    started: Instant,
    /// When the render began, in deletes of this process.
    stamp: Stamp,
}

impl Doubt {
    pub(super) fn of(job: &Job) -> Doubt {
        Doubt::new(job.key, job.started, job.stamp)
    }

    pub(crate) fn new(key: PageKey, started: Instant, stamp: Stamp) -> Doubt {
        Doubt {
            key,
            started,
            stamp,
        }
    }

    /// The doubt, if the page may have been deleted since its render began.
    pub(crate) fn if_deleted(self, marker: Option<Marker>, deletes: &Deletes) -> Option<Doubt> {
        let age = self.started.elapsed();
        let deleted = match marker {
            // Of its own deletes this process knows exactly.
            Some(marker) if marker.is_own => {
                let undeleted = deletes.unless_deleted(&self.key, self.stamp, || ());
                undeleted.is_none()
            }
            Some(marker) => u64::from(marker.age) <= age.as_secs() + CLOCK_SLACK,
            None => false,
        };
        (deleted || age >= MAX_RENDER).then_some(self)
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

    /// Takes the oldest, `count` at the most.
    pub(super) fn take(&mut self, count: usize) -> Vec<Doubt> {
        let count = count.min(self.0.len());
        self.0.drain(..count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubt(ago: u64, deletes: &Deletes) -> Doubt {
        let key = PageKey::new("", "/");
        Doubt {
            key,
            started: Instant::now() - Duration::from_secs(ago),
            stamp: deletes.stamp(&key),
        }
    }

    fn others(age: u32) -> Option<Marker> {
        Some(Marker {
            age,
            is_own: false,
            number: Some(1),
        })
    }

    #[test]
    fn a_marker_younger_than_the_render_is_a_delete_of_it() {
        let deletes = Deletes::new();
        let deleted = |marker| doubt(10, &deletes).if_deleted(marker, &deletes).is_some();
        assert!(deleted(others(0)));
        assert!(deleted(others(12)));
        assert!(!deleted(others(14)));
        assert!(!deleted(None));
    }

    #[test]
    fn of_its_own_deletes_a_process_knows_exactly() {
        let deletes = Deletes::new();
        let own = Some(Marker {
            age: 0,
            is_own: true,
            number: Some(1),
        });
        let before = doubt(10, &deletes);
        deletes.delete(&before.key, || ());
        assert!(before.if_deleted(own, &deletes).is_some());
        let after = doubt(0, &deletes);
        assert!(after.if_deleted(own, &deletes).is_none());
    }

    #[test]
    fn a_render_older_than_a_marker_lives_is_taken_as_deleted() {
        let deletes = Deletes::new();
        let deleted = |ago| doubt(ago, &deletes).if_deleted(None, &deletes).is_some();
        assert!(!deleted(580));
        assert!(deleted(591));
    }

    #[test]
    fn doubts_are_bounded_and_the_oldest_goes_first() {
        let deletes = Deletes::new();
        let mut doubts = Doubts::default();
        for _ in 0..MAX_DOUBTS {
            assert!(doubts.add(doubt(1, &deletes)).is_none());
        }
        assert!(doubts.add(doubt(1, &deletes)).is_some());
        assert_eq!(doubts.take(usize::MAX).len(), MAX_DOUBTS);
        assert!(doubts.is_empty());
    }
}
