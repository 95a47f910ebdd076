//! A bounded map from page keys to what does not live for ever.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use hashlink::LinkedHashMap;

use crate::clock::Clock;
use crate::key::PageKey;
use crate::sync::{Mutex, MutexGuard, lock};
use crate::tag::TagKey;

/// Workers that ask at the same moment seldom meet in one shard.
const SHARDS: usize = 16;

/// Values of a weight of the caller's choice. Beyond the bound the one goes that
/// was not asked for the longest, whatever shard it is in. A value whose time is
/// over is never given out; it goes when it is asked for, or in its turn.
#[derive(Debug)]
pub(crate) struct Expiring<V> {
    shards: Vec<Mutex<Shard<V>>>,
    hasher: RandomState,
    bound: u64,
    weight: AtomicU64,
    clock: Clock,
}

#[derive(Debug)]
struct Shard<V> {
    /// In the order in which they were asked for, the longest ago first.
    values: LinkedHashMap<PageKey, Held<V>, RandomState>,
    /// Which of them have a tag.
    tagged: HashMap<TagKey, HashSet<PageKey, RandomState>, RandomState>,
}

impl<V> Default for Shard<V> {
    fn default() -> Self {
        Shard {
            values: LinkedHashMap::default(),
            tagged: HashMap::default(),
        }
    }
}

impl<V: Tagged> Shard<V> {
    fn insert(&mut self, key: PageKey, held: Held<V>) -> Option<Held<V>> {
        let older = self.remove(&key);
        for tag in held.value.tags() {
            self.tagged.entry(*tag).or_default().insert(key);
        }
        self.values.insert(key, held);
        older
    }

    fn remove(&mut self, key: &PageKey) -> Option<Held<V>> {
        let held = self.values.remove(key)?;
        self.untag(key, &held);
        Some(held)
    }

    fn pop_front(&mut self) -> Option<Held<V>> {
        let (key, held) = self.values.pop_front()?;
        self.untag(&key, &held);
        Some(held)
    }

    fn untag(&mut self, key: &PageKey, held: &Held<V>) {
        for tag in held.value.tags() {
            if let Some(keys) = self.tagged.get_mut(tag) {
                keys.remove(key);
                if keys.is_empty() {
                    self.tagged.remove(tag);
                }
            }
        }
    }
}

/// What may be removed by a tag.
pub(crate) trait Tagged {
    fn tags(&self) -> &[TagKey];
}

impl Tagged for () {
    fn tags(&self) -> &[TagKey] {
        &[]
    }
}

#[derive(Debug)]
struct Held<V> {
    value: V,
    weight: u64,
    expires: Instant,
    asked: Instant,
    /// Whether anybody has asked for it.
    is_asked: bool,
}

impl<V: Clone + Tagged> Expiring<V> {
    pub(crate) fn new(bound: u64) -> Expiring<V> {
        Expiring::by(Clock::default(), bound)
    }

    /// Whose time is that of `clock`.
    pub(crate) fn by(clock: Clock, bound: u64) -> Expiring<V> {
        Expiring {
            clock,
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::default(),
            bound,
            weight: AtomicU64::new(0),
        }
    }

    fn shard(&self, key: &PageKey) -> MutexGuard<'_, Shard<V>> {
        lock(&self.shards[self.hasher.hash_one(key) as usize % SHARDS])
    }

    pub(crate) fn get(&self, key: &PageKey) -> Option<V> {
        let now = self.clock.now();
        let mut shard = self.shard(key);
        let held = shard.values.to_back(key)?;
        if held.expires <= now {
            self.forget(shard.remove(key));
            return None;
        }
        held.asked = now;
        held.is_asked = true;
        Some(held.value.clone())
    }

    /// Takes a value in the place of an older one of its key; whether there is
    /// room for it at all.
    pub(crate) fn put(&self, key: PageKey, value: V, weight: u64, expires: Instant) -> bool {
        if weight > self.bound {
            self.forget(self.shard(&key).remove(&key));
            return false;
        }
        let held = Held {
            value,
            weight,
            expires,
            asked: self.clock.now(),
            is_asked: false,
        };
        self.weight.fetch_add(weight, Ordering::Relaxed);
        let older = self.shard(&key).insert(key, held);
        self.forget(older);
        while self.weight.load(Ordering::Relaxed) > self.bound {
            self.evict();
        }
        true
    }

    /// A value, and until when it is one, without having asked for it.
    pub(crate) fn peek(&self, key: &PageKey) -> Option<(V, Duration)> {
        let shard = self.shard(key);
        let held = shard.values.get(key)?;
        let left = held.expires.checked_duration_since(self.clock.now())?;
        (!left.is_zero()).then(|| (held.value.clone(), left))
    }

    /// Whether anybody has asked for a value since it was put; `None` where it is none.
    pub(crate) fn is_asked(&self, key: &PageKey) -> Option<bool> {
        let shard = self.shard(key);
        let held = shard.values.get(key)?;
        (held.expires > self.clock.now()).then_some(held.is_asked)
    }

    pub(crate) fn remove(&self, key: &PageKey) -> Option<V> {
        let held = self.shard(key).remove(key);
        self.forget_alive(held)
    }

    /// The keys of what has one of `tags`.
    pub(crate) fn tagged(&self, tags: &[TagKey]) -> Vec<PageKey> {
        let keys = |shard: &Mutex<Shard<V>>| {
            let shard = lock(shard);
            let of_tag = tags.iter().filter_map(|tag| shard.tagged.get(tag));
            let keys: HashSet<PageKey, RandomState> = of_tag.flatten().copied().collect();
            keys
        };
        self.shards.iter().flat_map(keys).collect()
    }

    /// All keys.
    pub(crate) fn keys(&self) -> Vec<PageKey> {
        let keys = |shard: &Mutex<Shard<V>>| -> Vec<_> {
            lock(shard).values.iter().map(|(key, _)| *key).collect()
        };
        self.shards.iter().flat_map(keys).collect()
    }

    fn forget_alive(&self, removed: Option<Held<V>>) -> Option<V> {
        let is_alive = |held: &Held<V>| held.expires > self.clock.now();
        let alive = removed.as_ref().is_some_and(is_alive);
        self.forget(removed).filter(|_| alive)
    }

    /// Takes the weight of what was removed off the whole.
    fn forget(&self, removed: Option<Held<V>>) -> Option<V> {
        let Held { value, weight, .. } = removed?;
        self.weight.fetch_sub(weight, Ordering::Relaxed);
        Some(value)
    }

    fn evict(&self) {
        let asked =
            |shard: &&Mutex<Shard<V>>| lock(shard).values.front().map(|(_, held)| held.asked);
        let oldest = (self.shards.iter())
            .filter_map(|shard| Some((asked(&shard)?, shard)))
            .min_by_key(|(asked, _)| *asked);
        if let Some((_, shard)) = oldest {
            let evicted = lock(shard).pop_front();
            self.forget(evicted);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    impl Tagged for usize {
        fn tags(&self) -> &[TagKey] {
            &[]
        }
    }

    const MINUTE: Duration = Duration::from_secs(60);

    fn key(number: usize) -> PageKey {
        PageKey::new("", &format!("/{number}"))
    }

    fn put(values: &Expiring<usize>, number: usize, weight: u64) -> bool {
        values.put(key(number), number, weight, Instant::now() + MINUTE)
    }

    fn filled(bound: u64, numbers: Range<usize>) -> Expiring<usize> {
        let values = Expiring::new(bound);
        for number in numbers {
            assert!(put(&values, number, 1));
        }
        values
    }

    fn held(values: &Expiring<usize>, numbers: Range<usize>) -> usize {
        numbers
            .filter(|number| values.get(&key(*number)) == Some(*number))
            .count()
    }

    #[test]
    fn a_value_whose_time_is_over_is_not_given_out_and_makes_room() {
        let values = filled(100, 0..0);
        values.put(key(1), 1, 1, Instant::now());
        assert_eq!(values.remove(&key(1)), None);
        values.put(key(1), 2, 1, Instant::now());
        assert_eq!(values.get(&key(1)), None);
        assert_eq!(values.weight.load(Ordering::Relaxed), 0);
        put(&values, 1, 1);
        assert_eq!(values.get(&key(1)), Some(1));
        assert_eq!(values.remove(&key(1)), Some(1));
        assert_eq!(values.get(&key(1)), None);
    }

    #[test]
    fn the_bound_is_used_up_to_its_end_and_not_exceeded() {
        let values = filled(1000, 0..1000);
        assert_eq!(held(&values, 0..1000), 1000);
        for number in 0..1500 {
            put(&values, number, 100);
            assert!(values.weight.load(Ordering::Relaxed) <= 1000);
        }
        assert_eq!(held(&values, 1490..1500), 10);
    }

    #[test]
    fn a_full_map_lets_go_of_what_was_not_asked_for_the_longest() {
        let values = filled(100, 0..100);
        assert_eq!(held(&values, 0..50), 50);
        for number in 100..150 {
            put(&values, number, 1);
        }
        assert_eq!(held(&values, 50..100), 0);
        assert_eq!(held(&values, 0..50) + held(&values, 100..150), 100);
    }

    #[test]
    fn what_was_asked_for_often_and_is_not_any_more_makes_room() {
        let values = filled(100, 0..100);
        for _ in 0..10 {
            assert_eq!(held(&values, 0..100), 100);
        }
        for number in 100..200 {
            put(&values, number, 1);
        }
        assert_eq!(held(&values, 100..200), 100);
    }

    #[test]
    fn what_is_heavier_than_the_bound_is_refused_and_takes_its_older_value_along() {
        let values = filled(100, 0..10);
        assert!(put(&values, 10, 90));
        assert!(!put(&values, 3, 101));
        assert_eq!(values.get(&key(3)), None, "an older value");
        assert_eq!(held(&values, 0..11), 10);
        assert!(put(&values, 3, 100));
        assert_eq!(held(&values, 0..11), 1);
    }

    #[test]
    fn the_weight_stays_right_whoever_comes_between() {
        let values = filled(50, 0..0);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let values = &values;
                scope.spawn(move || {
                    for step in 0..20_000 {
                        let number = (step * (thread + 3)) % 97;
                        match step % 5 {
                            0 => drop(values.remove(&key(number))),
                            1 | 2 => drop(values.get(&key(number))),
                            _ => drop(put(values, number, number as u64 % 7 + 1)),
                        }
                    }
                });
            }
        });
        let weights = values.shards.iter().flat_map(|shard| {
            let shard = lock(shard);
            shard
                .values
                .values()
                .map(|held| held.weight)
                .collect::<Vec<_>>()
        });
        let weight = values.weight.load(Ordering::Relaxed);
        assert_eq!(weights.sum::<u64>(), weight);
        assert!((1..=50).contains(&weight));
    }
}
