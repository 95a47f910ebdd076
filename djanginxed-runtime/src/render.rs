//! Steps 5 to 8: a render, from its start, when the page's life begins, to its
//! store.

use std::time::{Duration, Instant, SystemTime};

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;

use crate::cache::PageCache;
use crate::deletes::Stamp;
use crate::entry::{Entry, max_body};
use crate::key::PageKey;
use crate::observe;
use crate::page::Page;
use crate::policy::{self, Decision};
use crate::reason::{Dropped, Reason};
use crate::writer::{Doubt, Job};

/// A page that is being rendered.
pub(crate) struct Render {
    pages: PageCache,
    page: Page,
    key: PageKey,
    target: String,
    started: Instant,
    stamp: Stamp,
}

/// A page as others may have it, and since when it may have been deleted.
pub(crate) type Fresh = (Entry, Doubt);

impl Render {
    pub(crate) fn start(pages: &PageCache, page: Page, key: PageKey, target: &str) -> Render {
        Render {
            pages: pages.clone(),
            page,
            key,
            target: target.to_owned(),
            started: Instant::now(),
            stamp: pages.deletes().stamp(&key),
        }
    }

    pub(crate) fn pages(&self) -> &PageCache {
        &self.pages
    }

    /// The largest body that may be collected, in bytes.
    pub(crate) fn limit(&self) -> usize {
        let settings = self.pages.settings();
        max_body(settings.max_entry_size, settings.gzip)
    }

    /// Judges a response by its head: how long it may be stored, if at all.
    pub(crate) fn judge(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<Duration, Reason> {
        observe::rendered(self.started.elapsed());
        let declared = &self.pages.settings().headers;
        match policy::decide(status, headers, &self.page, declared, SystemTime::now()) {
            Decision::Store(life) => {
                policy::private_losses(headers, declared).for_each(observe::field_lost);
                Ok(life)
            }
            Decision::Skip(reason) => {
                self.skipped(headers, reason);
                Err(reason)
            }
        }
    }

    /// Judges a response by its body, whole.
    pub(crate) fn judge_body(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), Reason> {
        let judged = policy::decide_body(headers, body, &self.page, self.limit());
        judged.inspect_err(|reason| self.skipped(headers, *reason))
    }

    /// Notes that nothing is stored.
    pub(crate) fn skipped(&self, headers: &HeaderMap, reason: Reason) {
        let declared = &self.pages.settings().headers;
        let lost = (reason == Reason::Header)
            .then(|| policy::refused_loss(headers, declared))
            .flatten();
        match lost {
            Some((name, value)) => observe::skip_for_field(&self.target, name, value),
            None => observe::skip(&self.target, reason.word()),
        }
    }

    /// Hands the page to the store.
    pub(crate) fn store(&self, entry: Entry, life: Duration) -> Result<(), Dropped> {
        self.pages.store(Job {
            key: self.key,
            entry,
            started: self.started,
            life,
            stamp: self.stamp,
        })
    }

    /// Since when the page may have been deleted.
    pub(crate) fn doubt(&self) -> Doubt {
        Doubt::new(self.key, self.started, self.stamp)
    }
}
