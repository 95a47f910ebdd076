//! Pages of which it is not known whether they were deleted meanwhile.
//!
//! An exchange that broke or timed out may still be carried out: what a stopped
//! server has in its socket it stores when it goes on, perhaps after another
//! process has deleted the page. So the page's delete marker is looked at again
//! once the server answers.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Job;
use crate::deletes::{CLOCK_SLACK, Deletes, Stamp};
use crate::key::PageKey;
use crate::store::client::{MARKER_LIFE, Markers};
use crate::tag::Tags;

/// More than these are forgotten, the oldest first.
const MAX_DOUBTS: usize = 4096;

/// From this age on a render cannot tell any more whether its page was deleted
/// meanwhile: the marker may be gone.
pub(super) const MAX_RENDER: Duration = Duration::from_secs(MARKER_LIFE as u64 - 10);

#[derive(Clone, Debug)]
pub(crate) struct Doubt {
    pub(crate) key: PageKey,
    /// When the render began, by this machine's clock.
    started: Instant,
    /// When the render began, in deletes of this process.
    stamp: Stamp,
    pub(crate) tags: Tags,
    /// What the page may live from the start of its render, where it was sent.
    life: Duration,
}

impl Doubt {
    pub(super) fn of(job: &Job) -> Doubt {
        let tags = Tags::clone(&job.tags);
        Doubt {
            life: job.life.longest(),
            ..Doubt::new(job.key, job.started, job.stamp, tags)
        }
    }

    pub(crate) fn new(key: PageKey, started: Instant, stamp: Stamp, tags: Tags) -> Doubt {
        Doubt {
            key,
            started,
            stamp,
            tags,
            life: Duration::ZERO,
        }
    }

    /// Whether the page may have been deleted or purged since its render began, as the
    /// server of this number says.
    pub(crate) fn is_deleted(&self, markers: &Markers, server: usize, deletes: &Deletes) -> bool {
        let age = self.started.elapsed();
        // Of its own deletes this process knows exactly.
        let others = markers.page.filter(|marker| !marker.is_own);
        let deleted = deletes.is_deleted(&self.key, self.stamp)
            || others.is_some_and(|marker| marker.age() <= age + CLOCK_SLACK);
        let mut purged = self.is_purged(deletes);
        for (tag, marker) in self.tags.iter().zip(&markers.tags) {
            if let Some(marker) = marker.filter(|marker| !marker.is_own) {
                // Each, so that those that are new are noted.
                purged |= deletes.is_purged_elsewhere(server, *tag, marker, self.stamp, age);
            }
        }
        deleted || purged || age >= MAX_RENDER
    }

    /// How long the page may still be in its store, in whole seconds.
    pub(super) fn life(&self) -> u64 {
        self.life.saturating_sub(self.started.elapsed()).as_secs() + 1
    }

    /// Whether this process has purged the page since its render began.
    pub(crate) fn is_purged(&self, deletes: &Deletes) -> bool {
        deletes.is_purged(&self.tags, self.stamp)
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
    use crate::store::client::Marker;
    use crate::tag::{TagKey, tags_of};

    const SERVER: usize = 0;

    fn doubt(ago: u64, deletes: &Deletes) -> Doubt {
        let key = PageKey::new("", "/");
        let started = Instant::now() - Duration::from_secs(ago);
        Doubt::new(key, started, deletes.stamp(), tags_of("", ["news"]))
    }

    fn marker(age: u32, is_own: bool, number: u64) -> Option<Marker> {
        Some(Marker {
            age,
            is_own,
            number: Some(number),
        })
    }

    fn of_page(page: Option<Marker>) -> Markers {
        let tags = vec![None, None];
        Markers { page, tags }
    }

    fn of_tag(tag: Option<Marker>) -> Markers {
        Markers {
            page: None,
            tags: vec![tag, None],
        }
    }

    #[test]
    fn a_marker_younger_than_the_render_is_a_delete_of_it() {
        for of in [of_page, of_tag] {
            let deleted = |age| {
                let deletes = Deletes::default();
                let markers = of(marker(age, false, 1));
                doubt(10, &deletes).is_deleted(&markers, SERVER, &deletes)
            };
            assert!(deleted(0));
            assert!(deleted(12));
            assert!(!deleted(14));
        }
        let deletes = Deletes::default();
        assert!(!doubt(10, &deletes).is_deleted(&of_page(None), SERVER, &deletes));
    }

    #[test]
    fn of_its_own_deletes_a_process_knows_exactly() {
        let deletes = Deletes::default();
        let own = of_page(marker(0, true, 1));
        let before = doubt(10, &deletes);
        deletes.delete(&before.key, || ());
        assert!(before.is_deleted(&own, SERVER, &deletes));
        let after = doubt(0, &deletes);
        assert!(!after.is_deleted(&own, SERVER, &deletes));
    }

    #[test]
    fn of_its_own_purges_a_process_knows_exactly_and_without_a_marker() {
        let deletes = Deletes::default();
        let before = doubt(10, &deletes);
        deletes.purge(&[TagKey::new("", "other")], || ());
        for markers in [of_tag(marker(0, true, 1)), of_tag(None)] {
            assert!(!before.is_deleted(&markers, SERVER, &deletes));
        }
        deletes.purge(&[TagKey::new("", "news")], || ());
        let after = doubt(0, &deletes);
        for markers in [of_tag(marker(0, true, 1)), of_tag(None)] {
            assert!(before.is_deleted(&markers, SERVER, &deletes));
            assert!(!after.is_deleted(&markers, SERVER, &deletes));
        }
    }

    #[test]
    fn a_purge_of_another_process_that_was_seen_is_older_than_what_begins_then() {
        let deletes = Deletes::default();
        let first = of_tag(marker(1, false, 7));
        assert!(doubt(0, &deletes).is_deleted(&first, SERVER, &deletes));
        let later = doubt(0, &deletes);
        assert!(!later.is_deleted(&first, SERVER, &deletes));
        // On another server it is another marker, and so is one of another number.
        assert!(later.is_deleted(&first, SERVER + 1, &deletes));
        let second = of_tag(marker(0, false, 8));
        assert!(doubt(0, &deletes).is_deleted(&second, SERVER, &deletes));
    }

    #[test]
    fn a_render_older_than_a_marker_lives_is_taken_as_deleted() {
        let deletes = Deletes::default();
        let nothing = of_page(None);
        let deleted = |ago| doubt(ago, &deletes).is_deleted(&nothing, SERVER, &deletes);
        assert!(!deleted(580));
        assert!(deleted(591));
    }

    #[test]
    fn doubts_are_bounded_and_the_oldest_goes_first() {
        let deletes = Deletes::default();
        let mut doubts = Doubts::default();
        for _ in 0..MAX_DOUBTS {
            assert!(doubts.add(doubt(1, &deletes)).is_none());
        }
        assert!(doubts.add(doubt(1, &deletes)).is_some());
        assert_eq!(doubts.take(usize::MAX).len(), MAX_DOUBTS);
        assert!(doubts.is_empty());
    }
}
