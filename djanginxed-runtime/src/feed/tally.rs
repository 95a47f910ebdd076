//! How many hits, and the hottest targets in bounded memory.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::Hot;
use super::line::Hit;
use super::report::FeedReport;

/// Hits are counted in windows of this length, of which the last two are told.
const WINDOW: Duration = Duration::from_secs(300);

/// A window tells apart at least so many targets.
const TARGETS: usize = 1_024;

/// What was told since the process reads.
#[derive(Debug)]
pub(super) struct Tally {
    since: Instant,
    hits: u64,
    bytes: u64,
    refused: u64,
    began: Instant,
    now: Frequent,
    before: Frequent,
}

impl Tally {
    pub(super) fn new(now: Instant) -> Tally {
        Tally {
            since: now,
            hits: 0,
            bytes: 0,
            refused: 0,
            began: now,
            now: Frequent::default(),
            before: Frequent::default(),
        }
    }

    pub(super) fn add(&mut self, hit: &Hit<'_>, now: Instant) {
        self.turn(now);
        let times = u64::from(hit.stands_for);
        self.hits = self.hits.saturating_add(times);
        self.bytes = self.bytes.saturating_add(hit.bytes.saturating_mul(times));
        if let Some(target) = hit.target {
            self.now.add(target, times);
        }
    }

    pub(super) fn refuse(&mut self) {
        self.refused = self.refused.saturating_add(1);
    }

    fn turn(&mut self, now: Instant) {
        let past = now.saturating_duration_since(self.began);
        if past >= WINDOW {
            self.before = std::mem::take(&mut self.now);
            if past >= 2 * WINDOW {
                self.before = Frequent::default();
            }
            self.began = now;
        }
    }

    /// The targets with the most hits, those first.
    pub(super) fn hottest(&self, count: usize, now: Instant) -> Vec<Hot> {
        let past = now.saturating_duration_since(self.began);
        let mut hits: HashMap<&str, u64> = HashMap::new();
        let windows = [(&self.now, 2 * WINDOW), (&self.before, WINDOW)];
        for (window, _) in windows.iter().filter(|(_, end)| past < *end) {
            for (target, count) in &window.counts {
                *hits.entry(target).or_default() += count;
            }
        }
        let mut hottest: Vec<_> = hits.into_iter().collect();
        hottest.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        hottest.truncate(count);
        let hot = |(target, hits): (&str, u64)| Hot {
            target: target.to_owned(),
            hits,
        };
        hottest.into_iter().map(hot).collect()
    }

    pub(super) fn report(&self, count: usize, now: Instant) -> FeedReport {
        FeedReport {
            hits: self.hits,
            bytes: self.bytes,
            refused: self.refused,
            seconds: now.saturating_duration_since(self.since).as_secs(),
            hottest: self.hottest(count, now),
        }
    }
}

/// The frequent items of a stream, after Misra and Gries: no count is too high,
/// and none is too low by more than the total over [`TARGETS`].
#[derive(Debug, Default)]
struct Frequent {
    counts: HashMap<Box<str>, u64>,
}

impl Frequent {
    fn add(&mut self, target: &str, times: u64) {
        if let Some(count) = self.counts.get_mut(target) {
            *count += times;
            return;
        }
        self.counts.insert(target.into(), times);
        if self.counts.len() > 2 * TARGETS {
            self.shrink();
        }
    }

    /// Takes from each count what the `TARGETS`-th has, which half of them do
    /// not survive: so it happens once in so many new targets.
    fn shrink(&mut self) {
        let mut counts: Vec<u64> = self.counts.values().copied().collect();
        let (_, less, _) = counts.select_nth_unstable_by(TARGETS, |a, b| b.cmp(a));
        let less = *less;
        self.counts.retain(|_, count| {
            *count = count.saturating_sub(less);
            *count > 0
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hit(target: &str) -> Hit<'_> {
        Hit {
            stands_for: 10,
            status: 200,
            bytes: 7,
            target: Some(target),
        }
    }

    #[test]
    fn a_datagram_counts_for_as_many_hits_as_it_stands_for() {
        let now = Instant::now();
        let mut tally = Tally::new(now);
        for target in ["/a", "/b", "/a"] {
            tally.add(&hit(target), now);
        }
        tally.refuse();
        let report = tally.report(1, now + Duration::from_secs(9));
        assert_eq!((report.hits, report.bytes, report.refused), (30, 210, 1));
        assert_eq!(report.seconds, 9);
        let [hot] = &report.hottest[..] else {
            panic!("{report:?}");
        };
        assert_eq!((hot.target.as_str(), hot.hits), ("/a", 20));
    }

    #[test]
    fn what_was_hot_is_forgotten_after_ten_minutes() {
        let start = Instant::now();
        let minutes = |count: u64| start + Duration::from_secs(60 * count);
        let targets = |tally: &Tally, at| -> Vec<String> {
            let hottest = tally.hottest(9, at).into_iter();
            hottest.map(|hot| hot.target).collect()
        };
        let mut tally = Tally::new(start);
        tally.add(&hit("/a"), start);
        assert_eq!(targets(&tally, minutes(4)), ["/a"]);
        tally.add(&hit("/b"), minutes(6));
        assert_eq!(targets(&tally, minutes(6)), ["/a", "/b"]);
        // Also where nobody asks for anything any more.
        assert_eq!(targets(&tally, minutes(12)), ["/b"]);
        assert!(targets(&tally, minutes(16)).is_empty());
        tally.add(&hit("/c"), minutes(30));
        assert_eq!(targets(&tally, minutes(30)), ["/c"]);
        assert_eq!(tally.report(0, minutes(30)).hits, 30);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn counts_are_never_too_high_and_hardly_too_low(seed: u32, skew in 1_u32..4) {
            let mut frequent = Frequent::default();
            let mut truth: HashMap<String, u64> = HashMap::new();
            let mut chance = seed;
            let total = 40_000_u64;
            for _ in 0..total {
                chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let part = f64::from(chance >> 8) / f64::from(1 << 24);
                let target = format!("/{}", (20_000.0 * part.powi(skew.cast_signed() * 2)) as u64);
                frequent.add(&target, 1);
                *truth.entry(target).or_default() += 1;
                prop_assert!(frequent.counts.len() <= 2 * TARGETS);
            }
            for (target, count) in &truth {
                let told = frequent.counts.get(target.as_str()).copied().unwrap_or(0);
                prop_assert!(told <= *count);
                prop_assert!(count - told <= total / TARGETS as u64, "{} {} {}", target, count, told);
            }
        }
    }
}
