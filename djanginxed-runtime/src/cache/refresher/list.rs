//! Which pages a process looks after, and when it is time to.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;

use super::Wanted;
use crate::key::PageKey;
use crate::life::Life;
use crate::sync::Arc;

/// No more pages than these are looked after.
pub(super) const MAX_PAGES: usize = 10_000;

/// Nor more than these bytes of targets and hosts.
pub(super) const MAX_BYTES: usize = 4 << 20;

/// A render that takes longer is a slow one: it has others wait for it no more than once.
pub(super) const SLOW: Duration = Duration::from_secs(1);

/// A page that nobody gives out after its time is rendered anew before its end, by a
/// tenth of its time within these bounds.
const EARLY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Where a page is stale for so long, it is early enough at its end.
const LATE_ENOUGH: Duration = Duration::from_secs(3);

/// When a page is looked at again that nobody has read: as long as it is stale, some
/// times. Where it is not, it is at its end.
pub(super) fn again(life: Life) -> Option<Duration> {
    /// So often.
    const LOOKS: u32 = 16;
    (!life.stale.is_zero()).then(|| life.fresh.max(life.stale / LOOKS))
}

/// How long before the end of its time a page is rendered anew.
pub(crate) fn lead(life: Life) -> Duration {
    if life.stale >= LATE_ENOUGH {
        return Duration::ZERO;
    }
    (life.fresh / 10).clamp(EARLY.0, EARLY.1)
}

/// A page that is looked after.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub(super) wanted: Arc<Wanted>,
    pub(super) life: Life,
    /// Whether its last render took long.
    pub(super) is_slow: bool,
    /// None while somebody looks after it.
    due: Option<Instant>,
    /// Its place among those that make room for others; none where it is read.
    spare: Option<u64>,
}

#[derive(Debug, Default)]
pub(super) struct List {
    pages: HashMap<PageKey, Watched, RandomState>,
    due: BTreeSet<(Instant, PageKey)>,
    /// Those of which nobody knows that they are read make room for others, so that who
    /// asks for many targets takes no place of what is: first those that nobody had read
    /// when their time ended, then the others in their order.
    spare: BTreeSet<(u64, PageKey)>,
    /// Pages that there ever were.
    count: u64,
    bytes: usize,
}

impl List {
    /// Looks after a page from now on, or anew; whether there is room for it and for all
    /// others.
    pub(super) fn put(
        &mut self,
        key: PageKey,
        wanted: Arc<Wanted>,
        life: Life,
        due: Instant,
        took: Duration,
    ) -> bool {
        self.count += 1;
        let known = self.remove(&key);
        let bytes = wanted.len();
        let mut has_room = true;
        while self.pages.len() >= MAX_PAGES || self.bytes + bytes > MAX_BYTES {
            has_room = false;
            match self.spare.first().copied() {
                Some((_, spare)) => self.remove(&spare),
                None => return false,
            };
        }
        let spare = match known {
            Some(known) => known.spare,
            None => Some(self.count),
        };
        self.bytes += bytes;
        self.due.insert((due, key));
        self.spare.extend(spare.map(|place| (place, key)));
        let page = Watched {
            wanted,
            life,
            is_slow: took > SLOW,
            due: Some(due),
            spare,
        };
        self.pages.insert(key, page);
        has_room
    }

    /// The page was read.
    pub(super) fn note_read(&mut self, key: &PageKey) {
        if let Some(page) = self.pages.get_mut(key)
            && let Some(place) = page.spare.take()
        {
            self.spare.remove(&(place, *key));
        }
    }

    /// Looks at a page again at `due`, if it is still looked after and nobody has said
    /// otherwise meanwhile.
    pub(super) fn put_back(&mut self, key: PageKey, due: Instant) {
        if let Some(page) = self.pages.get_mut(&key)
            && page.due.is_none()
        {
            page.due = Some(due);
            self.due.insert((due, key));
        }
    }

    /// The same for a page that nobody has read.
    pub(super) fn put_back_unread(&mut self, key: PageKey, due: Instant) {
        self.put_back(key, due);
        if let Some(page) = self.pages.get_mut(&key) {
            if let Some(place) = page.spare.replace(0) {
                self.spare.remove(&(place, key));
            }
            self.spare.insert((0, key));
        }
    }

    pub(super) fn remove(&mut self, key: &PageKey) -> Option<Watched> {
        let page = self.pages.remove(key)?;
        self.bytes -= page.wanted.len();
        if let Some(due) = page.due {
            self.due.remove(&(due, *key));
        }
        if let Some(place) = page.spare {
            self.spare.remove(&(place, *key));
        }
        Some(page)
    }

    /// Takes its leave of a page whose time has come, unless it was stored meanwhile.
    pub(super) fn remove_taken(&mut self, key: &PageKey) {
        if self.pages.get(key).is_some_and(|page| page.due.is_none()) {
            self.remove(key);
        }
    }

    pub(super) fn get(&self, key: &PageKey) -> Option<&Watched> {
        self.pages.get(key)
    }

    pub(super) fn len(&self) -> usize {
        self.pages.len()
    }

    /// When the next page's time comes.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Takes pages whose time has come, `count` at the most, the first to come first.
    pub(super) fn take_due(&mut self, now: Instant, count: usize) -> Vec<(PageKey, Watched)> {
        let mut taken = Vec::new();
        while taken.len() < count
            && let Some((due, key)) = self.due.first().copied()
            && due <= now
        {
            self.due.pop_first();
            if let Some(page) = self.pages.get_mut(&key) {
                page.due = None;
                taken.push((key, page.clone()));
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Scheme;
    use crate::vary::Values;

    const LIFE: Life = Life {
        fresh: Duration::from_secs(60),
        stale: Duration::ZERO,
        error: Duration::ZERO,
    };

    const QUICK: Duration = Duration::from_millis(1);

    fn wanted(target: &str) -> Arc<Wanted> {
        Arc::new(Wanted {
            target: target.into(),
            host: "a".into(),
            scheme: Scheme::Http,
            values: Values::default(),
        })
    }

    fn key(number: usize) -> PageKey {
        PageKey::new("", &format!("/{number}"))
    }

    #[test]
    fn pages_are_taken_when_their_time_comes_and_in_that_order() {
        let (mut list, now) = (List::default(), Instant::now());
        let after = |seconds| now + Duration::from_secs(seconds);
        for (number, due) in [(1, 30), (2, 10), (3, 20), (4, 90)] {
            assert!(list.put(key(number), wanted("/"), LIFE, after(due), QUICK));
        }
        assert_eq!(list.next_due(), Some(after(10)));
        let taken = |list: &mut List, at, count| -> Vec<_> {
            let taken = list.take_due(after(at), count).into_iter();
            taken.map(|(key, _)| key).collect()
        };
        assert_eq!(taken(&mut list, 30, 2), [key(2), key(3)]);
        assert_eq!(taken(&mut list, 30, 2), [key(1)]);
        assert!(taken(&mut list, 30, 2).is_empty());
        list.put_back(key(1), after(40));
        assert_eq!(taken(&mut list, 40, 2), [key(1)]);
        assert_eq!(list.len(), 4);
    }

    #[test]
    fn a_page_that_is_stored_meanwhile_is_looked_at_as_that_says() {
        let (mut list, now) = (List::default(), Instant::now());
        let later = now + Duration::from_secs(60);
        list.put(key(1), wanted("/"), LIFE, now, QUICK);
        assert_eq!(list.take_due(now, 9).len(), 1);
        list.put(key(1), wanted("/"), LIFE, later, QUICK);
        list.put_back(key(1), now);
        list.remove_taken(&key(1));
        assert_eq!(list.next_due(), Some(later));
        list.take_due(later, 9);
        list.remove_taken(&key(1));
        assert_eq!((list.len(), list.bytes, list.due.len()), (0, 0, 0));
    }

    #[test]
    fn the_list_is_bounded_by_pages_and_by_bytes_and_what_is_read_keeps_its_place() {
        let (mut list, now) = (List::default(), Instant::now());
        let put = |list: &mut List, number, target: &str| {
            list.put(key(number), wanted(target), LIFE, now, QUICK)
        };
        for number in 0..MAX_PAGES {
            assert!(put(&mut list, number, "/"));
        }
        list.note_read(&key(0));
        list.take_due(now, MAX_PAGES);
        list.put_back_unread(key(9), now);
        for (number, gone) in [(1, 9), (2, 1), (3, 2)] {
            assert!(!put(&mut list, MAX_PAGES + number, "/"));
            assert!(list.get(&key(gone)).is_none());
            assert_eq!((list.len(), list.spare.len()), (MAX_PAGES, MAX_PAGES - 1));
        }
        assert!(put(&mut list, 0, "/other"));
        let long = "/".repeat(MAX_BYTES / 2);
        for number in 0..9 {
            put(&mut list, MAX_PAGES + 10 + number, &long);
        }
        assert!(list.bytes <= MAX_BYTES && list.len() == 2);
        assert_eq!(list.get(&key(0)).unwrap().wanted.target.as_ref(), "/other");
        list.note_read(&key(MAX_PAGES + 18));
        assert!(!put(&mut list, 1, &long));
        assert!(list.get(&key(1)).is_none() && list.spare.is_empty());
    }

    #[test]
    fn a_page_that_nobody_has_read_is_looked_at_again_while_it_is_stale() {
        let seconds = Duration::from_secs;
        let life = |fresh, stale| Life {
            fresh: seconds(fresh),
            stale: seconds(stale),
            error: Duration::ZERO,
        };
        assert_eq!(again(life(60, 0)), None);
        assert_eq!(again(life(60, 600)), Some(seconds(60)));
        assert_eq!(again(life(60, 3600)), Some(seconds(225)));
    }

    #[test]
    fn a_page_is_rendered_anew_before_its_end_or_at_it() {
        let life = |fresh, stale| Life {
            fresh: Duration::from_secs(fresh),
            stale: Duration::from_secs(stale),
            error: Duration::ZERO,
        };
        let leads = [
            (900, 0, 30),
            (60, 0, 6),
            (5, 0, 1),
            (900, 2, 30),
            (900, 3, 0),
        ];
        for (fresh, stale, expected) in leads {
            let expected = Duration::from_secs(expected);
            assert_eq!(lead(life(fresh, stale)), expected, "{fresh} {stale}");
        }
    }
}
