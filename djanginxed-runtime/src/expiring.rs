//! A bounded map from page keys to what does not live for ever.

use std::time::Instant;

use foldhash::fast::RandomState;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};

use crate::key::PageKey;

/// More than these would not be asked for at the same time.
const MAX_SHARDS: u64 = 64;

/// A shard has room for this many of the heaviest values: its share of the
/// bound is its own, and what is heavier than that finds no room.
const HEAVIEST_IN_A_SHARD: u64 = 8;

/// What the map may hold, in a weight of the caller's choice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) total: u64,
    /// The heaviest value that must find room, if the total allows it.
    pub(crate) heaviest: u64,
    pub(crate) usual: u64,
}

/// Beyond its bounds, what is least asked for goes. A value whose time is over
/// is never given out; it goes when it is asked for or its place is needed.
#[derive(Debug)]
pub(crate) struct Expiring<V: Clone> {
    values: Cache<PageKey, Held<V>, ByWeight, RandomState>,
}

#[derive(Clone, Debug)]
struct Held<V> {
    value: V,
    weight: u64,
    expires: Instant,
}

impl<V> Held<V> {
    fn is_over(&self) -> bool {
        self.expires <= Instant::now()
    }
}

#[derive(Clone, Debug)]
struct ByWeight;

impl<V> Weighter<PageKey, Held<V>> for ByWeight {
    fn weight(&self, _: &PageKey, held: &Held<V>) -> u64 {
        held.weight
    }
}

impl<V: Clone> Expiring<V> {
    pub(crate) fn new(bounds: Bounds) -> Expiring<V> {
        let shard = bounds.heaviest.saturating_mul(HEAVIEST_IN_A_SHARD).max(1);
        let usual = bounds.total / bounds.usual.max(1);
        let options = OptionsBuilder::new()
            .weight_capacity(bounds.total)
            .estimated_items_capacity(usual.try_into().unwrap_or(usize::MAX))
            .shards((bounds.total / shard).clamp(1, MAX_SHARDS) as usize)
            .build()
            .expect("the options that have no default are given");
        let hasher = RandomState::default();
        Expiring {
            values: Cache::with_options(options, ByWeight, hasher, DefaultLifecycle::default()),
        }
    }

    pub(crate) fn get(&self, key: &PageKey) -> Option<V> {
        let held = self.values.get(key)?;
        if held.is_over() {
            self.values.remove_if(key, Held::is_over);
            return None;
        }
        Some(held.value)
    }

    pub(crate) fn put(&self, key: PageKey, value: V, weight: u64, expires: Instant) {
        let held = Held {
            value,
            weight,
            expires,
        };
        self.values.insert(key, held);
    }

    pub(crate) fn remove(&self, key: &PageKey) -> Option<V> {
        let (_, held) = self.values.remove(key)?;
        (!held.is_over()).then_some(held.value)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn keys(count: usize) -> impl Iterator<Item = PageKey> {
        (0..count).map(|number| PageKey::new("", &format!("/{number}")))
    }

    fn filled(bounds: Bounds, count: usize, weight: u64) -> Expiring<usize> {
        let values = Expiring::new(bounds);
        for (number, key) in keys(count).enumerate() {
            values.put(key, number, weight, Instant::now() + MINUTE);
        }
        values
    }

    fn held(values: &Expiring<usize>, count: usize) -> usize {
        keys(count).filter(|key| values.get(key).is_some()).count()
    }

    #[test]
    fn a_value_whose_time_is_over_is_not_given_out_and_makes_room() {
        let values = filled(BOUNDS, 0, 0);
        let key = PageKey::new("", "/");
        values.put(key, 1, 1, Instant::now());
        assert_eq!(values.remove(&key), None);
        values.put(key, 2, 1, Instant::now());
        assert_eq!(values.get(&key), None);
        assert_eq!(values.values.len(), 0);
        values.put(key, 3, 1, Instant::now() + MINUTE);
        assert_eq!(values.get(&key), Some(3));
        assert_eq!(values.remove(&key), Some(3));
        assert_eq!(values.get(&key), None);
    }

    const BOUNDS: Bounds = Bounds {
        total: 64 << 20,
        heaviest: 1_000_000,
        usual: 10_000,
    };

    #[test]
    fn the_heaviest_values_find_room_in_the_smallest_of_maps() {
        for total in [1_100_000, 9_000_000, 64 << 20, 1 << 40] {
            let values = filled(Bounds { total, ..BOUNDS }, 1, BOUNDS.heaviest);
            assert_eq!(held(&values, 1), 1, "of {total}");
        }
    }

    #[test]
    fn what_is_too_heavy_replaces_nothing_and_leaves_nothing() {
        let bounds = Bounds {
            total: 1000,
            heaviest: 100,
            usual: 10,
        };
        let values = filled(bounds, 10, 10);
        let [key] = keys(1).collect::<Vec<_>>()[..] else {
            panic!("one key");
        };
        values.put(key, 77, 2000, Instant::now() + MINUTE);
        assert_eq!(values.get(&key), None, "an older value");
        assert_eq!(held(&values, 10), 9);
    }

    #[test]
    fn a_full_map_keeps_what_is_asked_for() {
        let values = filled(BOUNDS, 0, 0);
        let favourite = PageKey::new("", "/favourite");
        values.put(favourite, 7, 10_000, Instant::now() + MINUTE);
        for (number, key) in keys(50_000).enumerate() {
            values.put(key, number, 10_000, Instant::now() + MINUTE);
            assert_eq!(values.get(&favourite), Some(7), "after {number}");
        }
        let held = held(&values, 50_000);
        assert!((5000..=6711).contains(&held), "{held} values");
        assert!(values.values.weight() <= BOUNDS.total);
    }
}
