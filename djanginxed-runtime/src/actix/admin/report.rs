//! What the admin page shows, for people and for programs.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::Serialize;

use super::order::{Asked, Named};
use crate::cache::{Kept, Outcome, PageCache};
use crate::counts;
use crate::feed::FeedReport;
use crate::purged::Purged;
use crate::settings::Settings;

/// How many of the hottest and of the slowest pages are listed.
const LISTED: usize = 20;

/// All that is shown.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// What came of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) said: Option<String>,
    /// What came of a purge.
    #[serde(skip_serializing_if = "Option::is_none")]
    purged: Option<PurgedPages>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) page: Option<Page>,
    pub(super) store: String,
    pub(super) layout: String,
    /// Of pages that name none.
    pub(super) key_prefix: String,
    pub(super) enabled: bool,
    /// Whether pages that are read are rendered anew by requests to itself.
    refreshes: bool,
    /// Purges and deletes of changes that servers have failed to carry out, and are asked
    /// for again when they answer.
    pub(super) pending_purges: usize,
    /// The last pages that were not stored, the last first.
    pub(super) refused: Vec<Refused>,
    /// Of the last pages that were rendered, those that took the longest.
    pub(super) slowest: Vec<Slow>,
    /// Of the last five to ten minutes, where nginx tells of its hits.
    pub(super) hottest: Vec<Warm>,
    /// What nginx told of its hits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nginx: Option<Told>,
    /// By this process since it has an admin page.
    pub(super) counted: BTreeMap<&'static str, u64>,
    pub(super) token: String,
}

/// As [`Purged`].
#[derive(Debug, Serialize)]
struct PurgedPages {
    deleted: u64,
    replaced: u64,
    in_doubt: u64,
    failures: Vec<String>,
}

/// A page whose last render was not stored.
#[derive(Debug, Serialize)]
pub(super) struct Refused {
    pub(super) target: String,
    pub(super) key: String,
    pub(super) reason: &'static str,
    pub(super) seconds_ago: u64,
}

/// A page, and how long its last render took.
#[derive(Debug, Serialize)]
pub(super) struct Slow {
    pub(super) target: String,
    pub(super) milliseconds: u64,
}

/// A page, and how often nginx was asked for it.
#[derive(Debug, Serialize)]
pub(super) struct Warm {
    pub(super) target: String,
    pub(super) hits: u64,
}

/// What nginx told of its hits, to whichever process of this machine reads it.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    pub(super) hits: u64,
    /// Of bodies.
    pub(super) bytes: u64,
    /// Datagrams that were not nginx's.
    pub(super) refused: u64,
    /// For how long that process reads.
    pub(super) seconds: u64,
}

/// A look at one page.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    #[serde(flatten)]
    pub(super) asked: Option<Asked>,
    pub(super) key: String,
    /// None: the store cannot be asked.
    pub(super) stored: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<String>,
    #[serde(flatten)]
    pub(super) entry: Option<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_refusal: Option<Refused>,
    /// Those that it was stored with the last time; none: this process has not stored it of
    /// late, and Memcached does not keep them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tags: Option<Vec<String>>,
}

/// What is stored.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    /// `memory`, `queue` (on its way to Memcached) or `memcached`.
    pub(super) place: &'static str,
    /// Seconds; none: it does not expire.
    pub(super) expires_in: Option<u64>,
    /// Bytes, as stored.
    pub(super) size: usize,
    pub(super) gzip: bool,
    /// Of a whole response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) fields: Vec<(String, String)>,
}

impl Report {
    pub(super) fn of(pages: &PageCache) -> Report {
        let settings = pages.settings();
        let refused = pages.outcomes().all().into_iter();
        let slowest = pages.outcomes().slowest(LISTED).into_iter();
        let told = pages.told_by_nginx(LISTED);
        Report {
            said: None,
            purged: None,
            page: None,
            store: settings.store_name().to_string(),
            layout: settings.layout.to_string(),
            key_prefix: settings.key_prefix.clone(),
            enabled: settings.enabled,
            refreshes: pages.refresher().is_some(),
            pending_purges: pages.pending_purges(),
            refused: refused.filter_map(Refused::of).collect(),
            slowest: slowest.map(Slow::of).collect(),
            hottest: told.iter().flat_map(Warm::of).collect(),
            nginx: told.as_ref().map(Told::of),
            counted: counts::all().collect(),
            token: pages.token(|| {}).digits().to_owned(),
        }
    }

    pub(super) fn said(self, said: String) -> Report {
        Report {
            said: Some(said),
            ..self
        }
    }

    /// With what came of a purge, in words too.
    pub(super) fn with_purged(self, purged: &Purged) -> Report {
        let failures: Vec<_> = purged.failures.iter().map(ToString::to_string).collect();
        let Purged {
            deleted, replaced, ..
        } = purged;
        let mut said = format!("Purged: {deleted} deleted, {replaced} rendered anew");
        if !purged.is_complete() {
            let (in_doubt, failures) = (purged.in_doubt, failures.join("; "));
            said += &format!(
                ", {in_doubt} failed. Some may be left: purge again when the servers answer. {failures}"
            );
        }
        let purged = PurgedPages {
            deleted: *deleted,
            replaced: *replaced,
            in_doubt: purged.in_doubt,
            failures,
        };
        Report {
            purged: Some(purged),
            ..self.said(said + ".")
        }
    }

    pub(super) async fn with_page(self, pages: &PageCache, page: Named) -> Report {
        let found = pages.peek(&page.key).await;
        let outcome = pages.outcomes().of(&page.key);
        let is_stored = matches!(found, Ok(Some(_)));
        let page = Page {
            asked: page.asked,
            key: page.key.to_string(),
            stored: found.as_ref().ok().map(Option::is_some),
            failure: found.as_ref().err().map(ToString::to_string),
            entry: found
                .ok()
                .flatten()
                .map(|kept| Entry::of(&kept, pages.settings())),
            tags: outcome.as_ref().filter(|_| is_stored).and_then(tags_of),
            last_refusal: outcome.and_then(Refused::of),
        };
        Report {
            page: Some(page),
            ..self
        }
    }
}

impl Page {
    /// Its target, where that is known.
    pub(super) fn target(&self) -> Option<&str> {
        let asked = self.asked.as_ref().map(|asked| &asked.target);
        let refused = || self.last_refusal.as_ref().map(|refused| &refused.target);
        asked.or_else(refused).map(String::as_str)
    }
}

/// The tags of a page that was stored; the last says where there are more.
fn tags_of(outcome: &Outcome) -> Option<Vec<String>> {
    let mut tags = outcome.tags.clone();
    tags.extend(outcome.has_more_tags.then(|| "…".to_owned()));
    outcome.refused.is_none().then_some(tags)
}

impl Refused {
    fn of(outcome: Outcome) -> Option<Refused> {
        let ago = SystemTime::now().duration_since(outcome.at);
        Some(Refused {
            reason: outcome.refused?,
            target: outcome.target,
            key: outcome.key.to_string(),
            seconds_ago: ago.unwrap_or_default().as_secs(),
        })
    }
}

impl Slow {
    fn of(outcome: Outcome) -> Slow {
        Slow {
            target: outcome.target,
            milliseconds: u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl Warm {
    fn of(told: &FeedReport) -> impl Iterator<Item = Warm> {
        told.hottest.iter().map(|hot| Warm {
            target: hot.target.clone(),
            hits: hot.hits,
        })
    }
}

impl Told {
    fn of(told: &FeedReport) -> Told {
        Told {
            hits: told.hits,
            bytes: told.bytes,
            refused: told.refused,
            seconds: told.seconds,
        }
    }
}

impl Entry {
    fn of(kept: &Kept, settings: &Settings) -> Entry {
        let stored = kept.entry.stored(settings.cache_status);
        let head = kept.entry.head();
        let fields = head.iter().flat_map(|head| head.fields());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Entry {
            place: kept.place,
            expires_in: kept.left.map(|left| left.as_secs()),
            size: stored.len(),
            gzip: kept.entry.is_packed(),
            status: head.map(|head| head.status().as_u16()),
            fields: fields
                .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
                .collect(),
        }
    }
}
