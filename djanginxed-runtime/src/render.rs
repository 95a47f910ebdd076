//! Steps 5 to 8: a render, from its start, when the page's life begins, to its
//! store.

use std::time::{Instant, SystemTime};

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Bytes;

use crate::cache::{PageCache, Wanted};
use crate::deletes::Stamp;
use crate::entry::{Entry, Head, max_body};
use crate::etag;
use crate::grant::Grant;
use crate::key::PageKey;
use crate::layout::Layout;
use crate::life::Life;
use crate::media::Html;
use crate::notes::Notes;
use crate::observe;
use crate::page::Page;
use crate::personal::{self, MAX_INCLUDES, Stored, has_markers};
use crate::policy::{self, Decision, Terms};
use crate::reason::{Dropped, Reason};
use crate::sync::{Arc, Mutex, lock};
use crate::tag::{Tags, tags_of};
use crate::writer::{Doubt, Job};

/// A page that is being rendered.
#[derive(Debug)]
pub(crate) struct Render {
    pages: PageCache,
    page: Page,
    key: PageKey,
    target: String,
    /// How to ask for it again, where it is looked after.
    wanted: Option<Arc<Wanted>>,
    started: Instant,
    stamp: Stamp,
    /// What the handler says of it, until the body's end.
    notes: Option<Arc<Mutex<Notes>>>,
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
            wanted: None,
            started: pages.settings().clock.now(),
            stamp: pages.deletes().stamp(),
            notes: None,
        }
    }

    pub(crate) fn note(&mut self, notes: Option<Arc<Mutex<Notes>>>) {
        self.notes = notes;
    }

    pub(crate) fn want(&mut self, wanted: Option<Wanted>) {
        self.wanted = wanted.map(Arc::new);
    }

    pub(crate) fn target(&self) -> &str {
        &self.target
    }

    /// How long the page may live of `life`, as the handler says.
    fn noted(&self, life: Life) -> Result<Life, Reason> {
        match &self.notes {
            Some(notes) => Ok(Life {
                fresh: lock(notes).judge(life.fresh)?,
                ..life
            }),
            None => Ok(life),
        }
    }

    /// The tags that it has by now.
    pub(crate) fn tags(&self) -> Tags {
        match &self.notes {
            Some(notes) => tags_of(&self.pages.settings().key_prefix, lock(notes).tags()),
            None => self.pages.untagged(),
        }
    }

    fn tag_names(&self) -> Vec<String> {
        let Some(notes) = &self.notes else {
            return Vec::new();
        };
        lock(notes).tags().map(str::to_owned).collect()
    }

    pub(crate) fn pages(&self) -> &PageCache {
        &self.pages
    }

    /// The largest body that may be collected, in bytes.
    pub(crate) fn limit(&self) -> usize {
        let settings = self.pages.settings();
        max_body(settings.max_entry_size, settings.gzip)
    }

    fn terms(&self) -> Terms<'_> {
        Terms {
            page: &self.page,
            settings: self.pages.settings(),
        }
    }

    /// Judges a response by its head: how long it may be stored, if at all.
    pub(crate) fn judge(&self, status: StatusCode, headers: &HeaderMap) -> Result<Life, Reason> {
        observe::rendered(self.started.elapsed());
        let settings = self.pages.settings();
        match policy::decide(status, headers, self.terms(), SystemTime::now()) {
            Decision::Store(life) => {
                let life = self
                    .noted(life)
                    .inspect_err(|reason| self.skipped(headers, *reason))?;
                if settings.layout == Layout::Body {
                    let lost = policy::private_losses(headers, &settings.headers);
                    lost.for_each(observe::field_lost);
                }
                Ok(life)
            }
            Decision::Skip(reason) => {
                self.skipped(headers, reason);
                Err(reason)
            }
        }
    }

    /// Judges a response by its body, whole, and makes an entry of it.
    pub(crate) fn entry(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Entry, Reason> {
        self.noted(Life::UNBOUNDED)
            .and_then(|_| self.with_commands(headers, body))
            .and_then(|(body, has_parts)| {
                policy::decide_body(status, headers, &body, self.terms(), self.limit())?;
                let entry = match self.pages.settings().layout {
                    Layout::Body => Entry::new(None, body),
                    Layout::Response => {
                        let head = self.head(status, headers, (!has_parts).then_some(&body));
                        Entry::new(Some(head.ok_or(Reason::TooLarge)?), body)
                    }
                };
                Ok(if has_parts { entry.plain() } else { entry })
            })
            .inspect_err(|reason| self.skipped(headers, *reason))
    }

    /// The body as nginx reads it, and whether it has parts.
    fn with_commands(&self, headers: &HeaderMap, body: Bytes) -> Result<(Bytes, bool), Reason> {
        let settings = self.pages.settings();
        if personal::are_used() && policy::has_own_marker(headers, &settings.headers) {
            return Err(Reason::Header);
        }
        let html = Html::of(headers);
        if settings.parts && html != Html::No {
            let stored = Stored::of(&body);
            let has_parts = stored.parts > 0;
            // Parts that nginx does not look for would stay commands.
            return match stored.includes > MAX_INCLUDES || has_parts && html != Html::Yes {
                true => Err(Reason::Parts),
                false => Ok((stored.text.into(), has_parts)),
            };
        }
        if personal::are_used() && has_markers(&body) {
            observe::parts_off(&self.target);
            return Err(Reason::Parts);
        }
        Ok((body, false))
    }

    /// What hits say before the body: the end-to-end fields of the response, what it
    /// grants in absolute terms, the declared headers, and an entity tag.
    /// A page with parts, which is given without its body, is for each visitor's eyes
    /// alone, and another one each time.
    fn head(&self, status: StatusCode, headers: &HeaderMap, body: Option<&Bytes>) -> Option<Head> {
        let is_grant = |name: &HeaderName| matches!(*name, header::CACHE_CONTROL | header::EXPIRES);
        let of_bytes = |name: &HeaderName| matches!(*name, header::ETAG | header::LAST_MODIFIED);
        let grant = match body {
            Some(_) => Grant::of(headers, SystemTime::now()),
            None => Grant::personal(),
        };
        // What has a nonce in it is nginx's to write.
        let is_constant = |value: &HeaderValue| !personal::mentions(value.as_bytes());
        let declared = self.pages.settings().headers.iter();
        let declared = declared
            .filter(|(_, value)| is_constant(value))
            .filter(|(name, value)| !headers.get_all(name).any(|own| own == value));
        let etag = body.filter(|body| !headers.contains_key(header::ETAG) && !body.is_empty());
        let etag = etag.and_then(|body| etag::of(body));
        let kept = Head::end_to_end(headers)
            .filter(|(name, value)| !is_grant(name) && is_constant(value))
            .filter(|(name, _)| body.is_some() || !of_bytes(name));
        let kept = kept.map(|(name, value)| (name.clone(), value.clone()));
        let controls = grant.cache_control.into_iter();
        let controls = controls.map(|line| (header::CACHE_CONTROL, line));
        let expires = grant.expires.map(|date| (header::EXPIRES, date));
        let fields = kept
            .chain(controls)
            .chain(expires)
            .chain(declared.cloned())
            .chain(etag.map(|tag| (header::ETAG, tag)));
        Head::new(status, fields)
    }

    /// Notes that nothing is stored.
    pub(crate) fn skipped(&self, headers: &HeaderMap, reason: Reason) {
        let noted = Some(reason.word());
        self.pages.outcomes().note(
            &self.key,
            &self.target,
            noted,
            self.started.elapsed(),
            Vec::new,
        );
        let declared = &self.pages.settings().headers;
        let lost = (reason == Reason::Header)
            .then(|| policy::refused_loss(headers, declared))
            .flatten();
        match lost {
            Some((name, value)) => observe::skip_for_field(&self.target, name, value),
            None => observe::skip(&self.target, reason.word()),
        }
    }

    /// Hands the page to the store, with its [`tags`](Self::tags).
    pub(crate) fn store(&self, entry: Entry, life: Life, tags: Tags) -> Result<(), Dropped> {
        let life = self.noted(life).unwrap_or(life);
        let taken = self.pages.store(Job {
            key: self.key,
            entry,
            started: self.started,
            life,
            stamp: self.stamp,
            tags,
            note: self.note_for_others(),
        });
        if taken.is_ok() {
            observe::handed_over(&self.target, &self.key);
            let wanted = self.wanted.as_ref();
            self.pages.watch(self.key, wanted, life, self.started);
        }
        let refused = taken.err().map(Dropped::word);
        let (took, tags) = (self.started.elapsed(), || self.tag_names());
        self.pages
            .outcomes()
            .note(&self.key, &self.target, refused, took, tags);
        taken
    }

    /// How other processes ask for the page.
    fn note_for_others(&self) -> Option<Bytes> {
        let wanted = self.wanted.as_ref();
        let wanted = wanted.filter(|_| self.pages.has_other_users())?;
        let prefix = self.page.prefix(self.pages.settings());
        let media_type = self.page.media_type();
        Some(wanted.note(prefix, media_type, self.started.elapsed()))
    }

    /// Whether the page's server has failed when it was last asked.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.pages.is_failing(&self.key)
    }

    /// Since when the page may have been deleted.
    pub(crate) fn doubt(&self, tags: Tags) -> Doubt {
        Doubt::new(self.key, self.started, self.stamp, tags)
    }
}
