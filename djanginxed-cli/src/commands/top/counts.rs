//! What the application has counted, by kind and reason.

use std::collections::BTreeMap;

use super::prometheus::Sample;

/// What is counted.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Kind {
    NginxHits,
    NginxBytes,
    Hits,
    Misses,
    Collapsed,
    Stale,
    Stores,
    Bypasses,
    Skips,
    Dropped,
    StoreFailures,
    LookupFailures,
    Renders,
}

/// Each with the metric that it comes from, that metric's label, and its name on the
/// admin page.
const KNOWN: [(Kind, &str, &str, &str); 13] = [
    (Kind::NginxHits, "djanginxed_nginx_hits_total", "", ""),
    (Kind::NginxBytes, "djanginxed_nginx_hit_bytes_total", "", ""),
    (Kind::Hits, "djanginxed_hits_total", "", "hits"),
    (Kind::Misses, "djanginxed_misses_total", "", "misses"),
    (
        Kind::Collapsed,
        "djanginxed_collapsed_total",
        "",
        "collapsed",
    ),
    (Kind::Stale, "djanginxed_stale_hits_total", "", ""),
    (Kind::Stores, "djanginxed_stores_total", "", "stores"),
    (
        Kind::Bypasses,
        "djanginxed_bypasses_total",
        "reason",
        "bypasses",
    ),
    (Kind::Skips, "djanginxed_skips_total", "reason", "skips"),
    (
        Kind::Dropped,
        "djanginxed_dropped_total",
        "reason",
        "dropped",
    ),
    (
        Kind::StoreFailures,
        "djanginxed_store_failures_total",
        "kind",
        "store_failures",
    ),
    (
        Kind::LookupFailures,
        "djanginxed_lookup_failures_total",
        "kind",
        "lookup_failures",
    ),
    (Kind::Renders, "djanginxed_render_seconds_count", "", ""),
];

/// What a page was refused by, which is told by its reason.
pub(super) const REFUSALS: [(Kind, &str); 5] = [
    (Kind::Bypasses, "bypassed"),
    (Kind::Skips, "not stored"),
    (Kind::Dropped, "dropped"),
    (Kind::StoreFailures, "store failed"),
    (Kind::LookupFailures, "lookup failed"),
];

/// Of one process, or of several.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counts {
    numbers: BTreeMap<(Kind, String), u64>,
    /// Of all renders.
    pub(super) render_seconds: f64,
    /// Pages that wait for Memcached, and their bytes.
    pub(super) queue: Option<(u64, u64)>,
    /// Purges of changes that wait for a server to answer again.
    pub(super) pending_purges: Option<u64>,
    /// Servers whose breaker has ever opened: whether it is open now. None: nobody
    /// tells of breakers.
    pub(super) breakers: Option<BTreeMap<String, bool>>,
}

impl Counts {
    pub(super) fn of_metrics(samples: &[Sample]) -> Counts {
        let mut counts = Counts {
            breakers: Some(BTreeMap::new()),
            ..Counts::default()
        };
        for sample in samples {
            counts.take(sample);
        }
        counts
    }

    /// The admin page tells no reasons.
    pub(super) fn of_admin(counted: &BTreeMap<String, u64>) -> Counts {
        let mut counts = Counts::default();
        for (kind, _, _, name) in KNOWN {
            if let Some(number) = counted.get(name) {
                counts.add(kind, String::new(), *number);
            }
        }
        counts
    }

    fn take(&mut self, sample: &Sample) {
        if let Some((kind, _, label, _)) = KNOWN.iter().find(|known| known.1 == sample.name) {
            self.add(
                *kind,
                sample.label(label).unwrap_or_default(),
                sample.count(),
            );
            return;
        }
        match sample.name.as_str() {
            "djanginxed_render_seconds_sum" => self.render_seconds += sample.value.max(0.0),
            "djanginxed_queue_entries" => self.queue.get_or_insert_default().0 += sample.count(),
            "djanginxed_queue_bytes" => self.queue.get_or_insert_default().1 += sample.count(),
            "djanginxed_pending_purges" => self.add_pending(sample.count()),
            "djanginxed_breaker_open" => {
                let server = sample.label("server").unwrap_or_default();
                let breakers = self.breakers.get_or_insert_default();
                *breakers.entry(server).or_default() |= sample.value > 0.0;
            }
            _ => {}
        }
    }

    fn add(&mut self, kind: Kind, reason: String, number: u64) {
        let sum = self.numbers.entry((kind, reason)).or_default();
        *sum = sum.saturating_add(number);
    }

    pub(super) fn add_pending(&mut self, purges: u64) {
        let sum = self.pending_purges.get_or_insert_default();
        *sum = sum.saturating_add(purges);
    }

    /// Adds another process's.
    pub(super) fn join(&mut self, other: &Counts) {
        for ((kind, reason), number) in &other.numbers {
            self.add(*kind, reason.clone(), *number);
        }
        self.render_seconds += other.render_seconds;
        if let Some((entries, bytes)) = other.queue {
            let queue = self.queue.get_or_insert_default();
            *queue = (
                queue.0.saturating_add(entries),
                queue.1.saturating_add(bytes),
            );
        }
        if let Some(purges) = other.pending_purges {
            self.add_pending(purges);
        }
        for (server, open) in other.breakers.iter().flatten() {
            let breakers = self.breakers.get_or_insert_default();
            *breakers.entry(server.clone()).or_default() |= open;
        }
        if other.breakers.is_some() {
            self.breakers.get_or_insert_default();
        }
    }

    /// What was counted since `before`; a process that was started anew counts from 0.
    pub(super) fn since(&self, before: &Counts) -> Counts {
        let is_new = self
            .numbers
            .iter()
            .any(|(key, now)| before.numbers.get(key).is_some_and(|then| now < then));
        if is_new {
            return self.clone();
        }
        let mut counts = self.clone();
        for (key, number) in &mut counts.numbers {
            *number -= before.numbers.get(key).copied().unwrap_or_default();
        }
        counts.render_seconds = (self.render_seconds - before.render_seconds).max(0.0);
        counts
    }

    /// How many of a kind, for whatever reason.
    pub(super) fn all(&self, kind: Kind) -> u64 {
        let numbers = self.reasons(kind).map(|(_, number)| number);
        numbers.fold(0, u64::saturating_add)
    }

    pub(super) fn one(&self, kind: Kind, reason: &str) -> u64 {
        let mut reasons = self.reasons(kind);
        let found = reasons.find(|(known, _)| *known == reason);
        found.map(|(_, number)| number).unwrap_or_default()
    }

    pub(super) fn reasons(&self, kind: Kind) -> impl Iterator<Item = (&str, u64)> {
        let numbers = self.numbers.iter();
        let of_kind = numbers.filter(move |((known, _), _)| *known == kind);
        of_kind.map(|((_, reason), number)| (reason.as_str(), *number))
    }

    /// Whether it was ever counted.
    pub(super) fn knows(&self, kind: Kind) -> bool {
        self.reasons(kind).next().is_some()
    }

    /// Requests for pages that the application answered, and could have answered from
    /// the cache.
    pub(super) fn asked(&self) -> u64 {
        // Where it does not look pages up, nothing is missed.
        let rendered = match self.all(Kind::Misses) {
            0 => self.all(Kind::Renders),
            misses => misses,
        };
        self.found().saturating_add(rendered)
    }

    /// Those that it answered without a render of their own.
    pub(super) fn found(&self) -> u64 {
        self.all(Kind::Hits)
            .saturating_add(self.all(Kind::Collapsed))
    }
}

#[cfg(test)]
mod tests {
    use super::super::prometheus::samples;
    use super::*;

    fn counts(text: &str) -> Counts {
        Counts::of_metrics(&samples(text, "djanginxed_"))
    }

    #[test]
    fn metrics_become_counts_by_kind_and_reason() {
        let counts = counts(
            "djanginxed_hits_total{store=\"memory\"} 2\ndjanginxed_hits_total{store=\"queue\"} 3\n\
            djanginxed_misses_total 4\ndjanginxed_skips_total{reason=\"vary\"} 5\n\
            djanginxed_render_seconds_sum 0.5\ndjanginxed_queue_entries 7\n\
            djanginxed_breaker_open{server=\"a:1\"} 1\ndjanginxed_breaker_open{server=\"b:1\"} 0\n",
        );
        assert_eq!((counts.found(), counts.asked()), (5, 9));
        assert_eq!(counts.one(Kind::Skips, "vary"), 5);
        assert_eq!(counts.queue, Some((7, 0)));
        let breakers: Vec<_> = counts.breakers.iter().flatten().collect();
        assert_eq!(
            breakers,
            [(&"a:1".to_owned(), &true), (&"b:1".to_owned(), &false)]
        );
        assert!(!counts.knows(Kind::NginxHits));
    }

    #[test]
    fn without_lookups_renders_are_what_came_through() {
        let counts = counts("djanginxed_render_seconds_count 4\n");
        assert_eq!((counts.found(), counts.asked()), (0, 4));
    }

    #[test]
    fn a_process_that_was_started_anew_counts_from_nothing() {
        let before = counts("djanginxed_misses_total 10\ndjanginxed_stores_total 1\n");
        let later = counts("djanginxed_misses_total 12\ndjanginxed_stores_total 1\n");
        assert_eq!(later.since(&before).all(Kind::Misses), 2);
        let anew = counts("djanginxed_misses_total 3\ndjanginxed_stores_total 2\n");
        assert_eq!(anew.since(&before).all(Kind::Misses), 3);
        assert_eq!(anew.since(&before).all(Kind::Stores), 2);
    }

    #[test]
    fn several_processes_are_one_application() {
        let text = "djanginxed_misses_total 10\ndjanginxed_queue_bytes 5\ndjanginxed_breaker_open{server=\"a\"} 0\n\
            djanginxed_pending_purges{server=\"a\"} 2\ndjanginxed_pending_purges{server=\"b\"} 3\n";
        let mut sum = counts(text);
        sum.join(&Counts::default());
        assert_eq!(sum.pending_purges, Some(5));
        sum.join(&counts(&text.replace(" 0\n", " 1\n")));
        assert_eq!(sum.pending_purges, Some(10));
        assert_eq!(sum.all(Kind::Misses), 20);
        assert_eq!(sum.queue, Some((0, 10)));
        assert_eq!(sum.breakers.unwrap().get("a"), Some(&true));
    }
}
