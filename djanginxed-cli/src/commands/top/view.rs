//! What is shown, on the screen and as JSON: sums, and what happened between two looks.

use std::cmp::Reverse;

use serde::Serialize;

use super::counts::{Counts, Kind, REFUSALS};
use super::look::{Hot, Look, Slow, Told, Unreached};
use crate::memcached::Stats;

/// All of it. A number that nobody tells is none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct View {
    /// Between the two looks; rates are over them.
    pub(super) seconds: Option<f64>,
    pub(super) nginx: Option<Nginx>,
    pub(super) application: Option<Application>,
    /// Whether a page of the application's was named that tells of it.
    #[serde(skip)]
    pub(super) asks_application: bool,
    /// The most frequent first.
    pub(super) refusals: Vec<Refusal>,
    pub(super) hottest: Option<Vec<Hot>>,
    pub(super) slowest: Option<Vec<Slow>>,
    pub(super) servers: Vec<Server>,
    pub(super) unreached: Vec<Unreached>,
}

/// What nginx answers from Memcached.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Nginx {
    pub(super) hits: Count,
    /// Of bodies.
    pub(super) bytes: Count,
    /// Of the requests for pages that do not bypass the cache.
    pub(super) hit_ratio: Ratio,
}

/// What the application answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Application {
    /// How many were reached.
    pub(super) processes: usize,
    /// Requests for pages that do not bypass the cache.
    pub(super) requests: Count,
    /// Answered without a render of their own.
    pub(super) hits: Count,
    pub(super) stale: Count,
    pub(super) bypasses: Count,
    pub(super) stores: Count,
    pub(super) hit_ratio: Ratio,
    /// Seconds that a render took, on average.
    pub(super) render_seconds: Ratio,
    /// Pages that wait for Memcached, and their bytes.
    pub(super) queue_entries: Option<u64>,
    pub(super) queue_bytes: Option<u64>,
    /// Purges of changes that wait for a server to answer again.
    pub(super) pending_purges: Option<u64>,
}

/// Something that is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Count {
    pub(super) total: u64,
    pub(super) per_second: Option<f64>,
}

/// A part of 1, or an average; none where there was nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Ratio {
    /// Since counting began.
    pub(super) total: Option<f64>,
    /// Between the looks.
    pub(super) now: Option<f64>,
}

/// Why pages were not stored, or requests took no part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Refusal {
    pub(super) kind: &'static str,
    /// Empty where only their sum is told.
    pub(super) reason: String,
    #[serde(flatten)]
    pub(super) count: Count,
}

/// A Memcached server.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Server {
    pub(super) address: String,
    pub(super) reached: bool,
    /// Bytes of its items, and what they may take.
    pub(super) memory: Option<u64>,
    pub(super) memory_limit: Option<u64>,
    pub(super) items: Option<u64>,
    /// Of all lookups, nginx's and the application's.
    pub(super) hit_ratio: Ratio,
    pub(super) evictions: Option<Count>,
    pub(super) connections: Option<u64>,
    pub(super) max_connections: Option<u64>,
    /// Whether the application leaves it alone; none where nobody tells.
    pub(super) breaker_open: Option<bool>,
}

/// Two looks, and the time between.
struct Between<'a> {
    before: Option<&'a Look>,
    seconds: Option<f64>,
}

impl View {
    pub(super) fn between(before: Option<&Look>, now: &Look) -> View {
        let seconds = before.map(|before| (now.at - before.at).as_secs_f64());
        let between = Between {
            before,
            seconds: seconds.filter(|seconds| *seconds > 0.0),
        };
        let counts = now.counts();
        let fresh = before.map(|before| now.counts_since(before));
        let fresh = fresh.unwrap_or_default();
        View {
            seconds: between.seconds,
            nginx: between.nginx(now, counts.as_ref(), &fresh),
            application: counts
                .as_ref()
                .map(|counts| between.application(now, counts, &fresh)),
            asks_application: !now.processes.is_empty(),
            refusals: counts
                .as_ref()
                .map_or_else(Vec::new, |counts| between.refusals(counts, &fresh)),
            hottest: now.hottest.clone(),
            slowest: now.slowest.clone(),
            servers: between.servers(now, counts.as_ref()),
            unreached: now.unreached.clone(),
        }
    }
}

impl Between<'_> {
    fn count(&self, total: u64, fresh: u64) -> Count {
        Count {
            total,
            per_second: self.seconds.map(|seconds| fresh as f64 / seconds),
        }
    }

    fn nginx(&self, now: &Look, counts: Option<&Counts>, fresh: &Counts) -> Option<Nginx> {
        let told = now.told()?;
        let before = self.before.and_then(Look::told);
        let since = before.map_or_else(Told::default, |before| told.since(before));
        // What did not come through to the application, nginx has answered.
        let ratio = |hits: u64, counts: Option<&Counts>| part(hits, hits + counts?.asked());
        Some(Nginx {
            hits: self.count(told.hits, since.hits),
            bytes: self.count(told.bytes, since.bytes),
            hit_ratio: Ratio {
                total: ratio(told.hits, counts),
                now: ratio(since.hits, counts.map(|_| fresh)),
            },
        })
    }

    fn application(&self, now: &Look, counts: &Counts, fresh: &Counts) -> Application {
        let count = |kind| self.count(counts.all(kind), fresh.all(kind));
        let ratio = |of: &dyn Fn(&Counts) -> Option<f64>| Ratio {
            total: of(counts),
            now: of(fresh),
        };
        Application {
            processes: now.processes.iter().flatten().count(),
            requests: self.count(counts.asked(), fresh.asked()),
            hits: self.count(counts.found(), fresh.found()),
            stale: count(Kind::Stale),
            bypasses: count(Kind::Bypasses),
            stores: count(Kind::Stores),
            hit_ratio: ratio(&|counts| part(counts.found(), counts.asked())),
            render_seconds: ratio(&|counts| {
                let renders = counts.all(Kind::Renders);
                (renders > 0).then(|| counts.render_seconds / renders as f64)
            }),
            queue_entries: counts.queue.map(|(entries, _)| entries),
            queue_bytes: counts.queue.map(|(_, bytes)| bytes),
            pending_purges: now.pending_purges(),
        }
    }

    fn refusals(&self, counts: &Counts, fresh: &Counts) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        for (kind, word) in REFUSALS {
            for (reason, total) in counts.reasons(kind).filter(|(_, total)| *total > 0) {
                refusals.push(Refusal {
                    kind: word,
                    reason: reason.to_owned(),
                    count: self.count(total, fresh.one(kind, reason)),
                });
            }
        }
        refusals.sort_by_key(|refusal| Reverse(refusal.count.total));
        refusals
    }

    fn servers(&self, now: &Look, counts: Option<&Counts>) -> Vec<Server> {
        let breakers = counts.and_then(|counts| counts.breakers.as_ref());
        let servers = now.servers.iter().map(|(address, answer)| {
            let stats = answer.as_ref().ok();
            let before = self.before.and_then(|before| stats_of(before, address));
            let open = breakers.map(|all| all.get(address).copied().unwrap_or_default());
            self.server(address, stats, before, open)
        });
        servers.collect()
    }

    fn server(
        &self,
        address: &str,
        stats: Option<&Stats>,
        before: Option<&Stats>,
        breaker_open: Option<bool>,
    ) -> Server {
        let told = stats.cloned().unwrap_or_default();
        // A server that was started anew counts from 0.
        let before = before.filter(|before| told.uptime >= before.uptime);
        let before = before.cloned().unwrap_or_default();
        let since = |of: fn(&Stats) -> Option<u64>| Some(of(&told)?.saturating_sub(of(&before)?));
        let (hits, misses) = (since(|stats| stats.hits), since(|stats| stats.misses));
        let ratio =
            |hits: Option<u64>, misses: Option<u64>| part(hits?, hits?.saturating_add(misses?));
        Server {
            address: address.to_owned(),
            reached: stats.is_some(),
            memory: told.bytes,
            memory_limit: told.limit,
            items: told.items,
            hit_ratio: Ratio {
                total: ratio(told.hits, told.misses),
                now: ratio(hits, misses),
            },
            evictions: told.evictions.map(|total| Count {
                total,
                per_second: since(|stats| stats.evictions)
                    .and_then(|fresh| self.count(total, fresh).per_second),
            }),
            connections: told.connections,
            max_connections: told.max_connections,
            breaker_open,
        }
    }
}

fn stats_of<'a>(look: &'a Look, address: &str) -> Option<&'a Stats> {
    let mut servers = look.servers.iter();
    let (_, answer) = servers.find(|(known, _)| known == address)?;
    answer.as_ref().ok()
}

/// `some` of `all`; none of nothing.
fn part(some: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| some as f64 / all as f64)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::prometheus::samples;
    use super::*;
    use crate::memcached::Trouble;

    fn look(at: Instant, metrics: &str) -> Look {
        Look {
            at,
            processes: vec![Some(Counts::of_metrics(&samples(metrics, "djanginxed_")))],
            told: None,
            pending_purges: None,
            hottest: None,
            slowest: None,
            servers: Vec::new(),
            unreached: Vec::new(),
        }
    }

    fn two(before: &str, now: &str) -> (Look, Look) {
        let at = Instant::now();
        (look(at, before), look(at + Duration::from_secs(2), now))
    }

    #[test]
    fn ratios_are_of_all_and_of_what_happened_between_the_looks() {
        let (before, now) = two(
            "djanginxed_nginx_hits_total 80\ndjanginxed_hits_total 10\ndjanginxed_misses_total 10\n",
            "djanginxed_nginx_hits_total 180\ndjanginxed_hits_total 10\ndjanginxed_misses_total 10\n",
        );
        let view = View::between(Some(&before), &now);
        let nginx = view.nginx.unwrap();
        assert_eq!(nginx.hits.per_second, Some(50.0));
        assert_eq!(nginx.hit_ratio.total, Some(0.9));
        assert_eq!(nginx.hit_ratio.now, Some(1.0));
        let application = view.application.unwrap();
        assert_eq!(application.hit_ratio.total, Some(0.5));
        // Nothing came through.
        assert_eq!(application.hit_ratio.now, None);
        assert_eq!(application.requests.per_second, Some(0.0));
    }

    #[test]
    fn purges_that_wait_are_the_metrics_or_the_admin_pages() {
        let waiting = |metrics, admin| {
            let mut look = look(Instant::now(), metrics);
            look.pending_purges = admin;
            View::between(None, &look)
                .application
                .unwrap()
                .pending_purges
        };
        let metrics = "djanginxed_pending_purges{server=\"a\"} 3\n";
        assert_eq!(waiting(metrics, Some(1)), Some(3));
        assert_eq!(waiting("djanginxed_misses_total 1\n", Some(1)), Some(1));
        assert_eq!(waiting("djanginxed_misses_total 1\n", None), None);
    }

    #[test]
    fn the_first_look_has_sums_and_no_rates() {
        let (_, now) = two("", "djanginxed_skips_total{reason=\"vary\"} 3\n");
        let view = View::between(None, &now);
        assert_eq!(view.seconds, None);
        assert_eq!(
            view.refusals[0].count,
            Count {
                total: 3,
                per_second: None
            }
        );
        assert_eq!(view.nginx, None);
    }

    #[test]
    fn refusals_stand_by_their_number() {
        let (before, now) = two(
            "djanginxed_skips_total{reason=\"vary\"} 1\n",
            "djanginxed_skips_total{reason=\"vary\"} 3\ndjanginxed_bypasses_total{reason=\"cookie\"} 9\n",
        );
        let view = View::between(Some(&before), &now);
        let told: Vec<_> = (view.refusals.iter())
            .map(|one| (one.kind, one.reason.as_str(), one.count.per_second))
            .collect();
        let expected = [
            ("bypassed", "cookie", Some(4.5)),
            ("not stored", "vary", Some(1.0)),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_server_that_was_started_anew_or_is_away_has_no_rates() {
        let (mut before, mut now) = two("", "djanginxed_breaker_open{server=\"b:1\"} 1\n");
        let stats = |evictions, uptime| {
            Ok(Stats {
                evictions: Some(evictions),
                uptime: Some(uptime),
                ..Stats::default()
            })
        };
        let all = ["a:1", "b:1", "c:1"].map(str::to_owned);
        let [a, b, c] = all.clone();
        before.servers = vec![(a, stats(4, 100)), (b, stats(4, 100)), (c, stats(4, 100))];
        let [a, b, c] = all;
        now.servers = vec![
            (a, stats(8, 102)),
            (b, stats(1, 1)),
            (c, Err(Trouble::Refused)),
        ];
        let view = View::between(Some(&before), &now);
        let rates: Vec<_> = (view.servers.iter())
            .map(|server| server.evictions.map(|count| count.per_second))
            .collect();
        assert_eq!(rates, [Some(Some(2.0)), Some(None), None]);
        let open: Vec<_> = view
            .servers
            .iter()
            .map(|server| server.breaker_open)
            .collect();
        assert_eq!(open, [Some(false), Some(true), Some(false)]);
        assert!(!view.servers[2].reached);
    }

    #[test]
    fn a_process_that_was_away_counts_for_nothing_between_the_looks() {
        let (mut before, mut now) =
            two("djanginxed_misses_total 1\n", "djanginxed_misses_total 2\n");
        let other = look(before.at, "djanginxed_misses_total 1000\n").processes;
        before.processes.push(None);
        now.processes.extend(other);
        let application = View::between(Some(&before), &now).application.unwrap();
        assert_eq!(
            application.requests,
            Count {
                total: 1002,
                per_second: Some(0.5)
            }
        );
        assert_eq!(application.processes, 2);
    }
}
