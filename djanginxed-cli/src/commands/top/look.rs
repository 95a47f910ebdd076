//! What was counted up to one moment.

use std::time::Instant;

use serde::{Deserialize, Deserializer, Serialize};

use super::counts::{Counts, Kind};
use crate::memcached::{Stats, Trouble};
use crate::output::escaped;

/// What all sources said.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) at: Instant,
    /// A place for each source that counts; none in it: it is not reached.
    pub(super) processes: Vec<Option<Counts>>,
    pub(super) told: Option<Told>,
    /// Of the process of the admin page.
    pub(super) pending_purges: Option<u64>,
    pub(super) hottest: Option<Vec<Hot>>,
    pub(super) slowest: Option<Vec<Slow>>,
    pub(super) servers: Vec<(String, Result<Stats, Trouble>)>,
    pub(super) unreached: Vec<Unreached>,
}

/// What nginx told of its hits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Told {
    pub(super) hits: u64,
    pub(super) bytes: u64,
}

/// A page, and how often nginx answered with it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Hot {
    #[serde(deserialize_with = "shown")]
    pub(super) target: String,
    /// In the last five to ten minutes.
    pub(super) hits: u64,
}

/// A page, and how long its last render took.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Slow {
    #[serde(deserialize_with = "shown")]
    pub(super) target: String,
    pub(super) milliseconds: u64,
}

/// A target, fit for a terminal.
fn shown<'de, D: Deserializer<'de>>(target: D) -> Result<String, D::Error> {
    let target = String::deserialize(target)?;
    Ok(escaped(&target).into_owned())
}

/// Something that was named and says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Unreached {
    pub(super) what: String,
    pub(super) why: String,
}

impl Look {
    /// Of all processes that are reached; none where none is.
    pub(super) fn counts(&self) -> Option<Counts> {
        let mut reached = self.processes.iter().flatten();
        let mut sum = reached.next()?.clone();
        reached.for_each(|counts| sum.join(counts));
        Some(sum)
    }

    /// The same since `before`, of those that were reached then, too.
    pub(super) fn counts_since(&self, before: &Look) -> Counts {
        let mut sum = Counts::default();
        for pair in self.processes.iter().zip(&before.processes) {
            if let (Some(now), Some(then)) = pair {
                sum.join(&now.since(then));
            }
        }
        sum
    }

    /// Purges that wait: of all processes, as metrics have them once one has waited, or as
    /// was told.
    pub(super) fn pending_purges(&self) -> Option<u64> {
        let counted = self.counts().and_then(|counts| counts.pending_purges);
        counted.or(self.pending_purges)
    }

    /// nginx's hits: as metrics have them, which are of all machines, or as was told.
    pub(super) fn told(&self) -> Option<Told> {
        let counts = self.counts().filter(|counts| counts.knows(Kind::NginxHits));
        let counted = counts.map(|counts| Told {
            hits: counts.all(Kind::NginxHits),
            bytes: counts.all(Kind::NginxBytes),
        });
        counted.or(self.told)
    }
}

impl Told {
    /// Since `before`; a process that was started anew counts from 0.
    pub(super) fn since(self, before: Told) -> Told {
        let difference = |now: u64, then: u64| now.checked_sub(then).unwrap_or(now);
        Told {
            hits: difference(self.hits, before.hits),
            bytes: difference(self.bytes, before.bytes),
        }
    }
}
