//! Purging: deleting all pages that something concerns.

use std::fmt;

use super::PageCache;
use super::refresher;
use crate::key::{KeyRecipe, PageKey};
use crate::observe;
use crate::purged::{Effort, Purged, Spare};
use crate::store::client::{Client, Look};
use crate::store::error::StoreError;
use crate::tag::{TagKey, checked};

/// What is to be purged: given to [`PageCache::purge`].
#[derive(Clone, Debug)]
#[must_use = "it does nothing until it is given to `PageCache::purge`"]
pub struct Purge {
    what: What,
    prefix: Option<String>,
    content_type: Option<String>,
    is_hard: bool,
}

#[derive(Clone, Debug)]
enum What {
    Tags(Vec<String>),
    Page(String),
    Everything,
}

impl Purge {
    /// All pages that have this tag, by `tags = […]` of the attribute, by
    /// [`CachedPage::tag`](crate::CachedPage::tag), or by a middleware's
    /// [`tags`](crate::ScopeCache::tags).
    pub fn tag(tag: impl Into<String>) -> Purge {
        Purge::tags([tag])
    }

    /// All pages that have one of these tags.
    pub fn tags(tags: impl IntoIterator<Item = impl Into<String>>) -> Purge {
        Purge::of(What::Tags(tags.into_iter().map(Into::into).collect()))
    }

    /// The page of this target, path and query as sent: under the cache's default prefix
    /// and as text/html, and under each prefix and type of a page that this process has
    /// been asked for, in every variant. A process that has not yet been asked for a page
    /// with another prefix does not know of it: then say it by [`prefix`](Self::prefix)
    /// and [`content_type`](Self::content_type).
    pub fn page(target: impl Into<String>) -> Purge {
        Purge::of(What::Page(target.into()))
    }

    /// All pages of this cache, those with prefixes of their own included. What others
    /// keep on the same servers stays.
    pub fn everything() -> Purge {
        Purge::of(What::Everything)
    }

    fn of(what: What) -> Purge {
        Purge {
            what,
            prefix: None,
            content_type: None,
            is_hard: false,
        }
    }

    /// Of a [`page`](Self::page): only under this prefix. Of anything else it says
    /// nothing.
    pub fn prefix(self, prefix: impl Into<String>) -> Purge {
        Purge {
            prefix: Some(prefix.into()),
            ..self
        }
    }

    /// Of a [`page`](Self::page): only the one whose handler names this content type. Of
    /// anything else it says nothing.
    pub fn content_type(self, content_type: impl Into<String>) -> Purge {
        Purge {
            content_type: Some(content_type.into()),
            ..self
        }
    }

    /// Deletes all of the pages at once, those that are read too. So does every purge
    /// without [`refresh_through`](crate::PageCacheBuilder::refresh_through).
    pub fn hard(self) -> Purge {
        Purge {
            is_hard: true,
            ..self
        }
    }
}

impl PageCache {
    /// Takes away all pages that have a tag, or those of a target, or everything; so that
    /// whoever asks from now on gets a new render.
    ///
    /// ```
    /// use djanginxed_runtime::{PageCache, Purge, StoreError};
    ///
    /// async fn article_changed(pages: &PageCache, id: u32) -> Result<(), StoreError> {
    ///     let purged = pages.purge(Purge::tag(format!("article:{id}"))).await?;
    ///     if !purged.is_complete() {
    ///         // Some server does not answer: see `purged.failures`, and try again later.
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// Renders under way leave no page behind that is older than the purge, neither in
    /// this process nor in others that share the Memcached servers, and nobody who asks
    /// afterwards is answered with one. docs/purging.md says how, and what remains.
    ///
    /// With servers that answer it takes a millisecond or so and 10 to 20 more for each
    /// 1,000 pages; with one that hangs, up to two seconds behind pages that are being
    /// stored. The purge goes on where the returned future is dropped.
    ///
    /// With [`refresh_through`](crate::PageCacheBuilder::refresh_through) nobody waits for
    /// pages that are read: those that somebody has read since they were stored, by whatever
    /// process, are given out until this one has rendered them anew, the hottest first, and
    /// are deleted like the others where that is not done within
    /// [`purge_deadline`](crate::PageCacheBuilder::purge_deadline).
    /// [`Purge::hard`] deletes all at once.
    ///
    /// # Errors
    /// [`StoreError::NotATag`], or no server could be asked: take nothing as purged.
    /// Where only some could be, [`Purged::failures`] says so.
    pub async fn purge(&self, purge: Purge) -> Result<Purged, StoreError> {
        self.purge_with(purge, Effort::Once).await
    }

    /// The same for who does not look whether it fails: what servers fail to do they are
    /// asked again for, when they answer again.
    pub(crate) async fn purge_until_done(&self, purge: Purge) -> Result<Purged, StoreError> {
        self.purge_with(purge, Effort::UntilDone).await
    }

    async fn purge_with(&self, purge: Purge, effort: Effort) -> Result<Purged, StoreError> {
        let purged = self.carry_out(&purge, effort).await;
        observe::purged(&purge.what, &purged);
        purged
    }

    async fn carry_out(&self, purge: &Purge, effort: Effort) -> Result<Purged, StoreError> {
        let prefix = &self.settings().key_prefix;
        let what = match &purge.what {
            What::Tags(tags) => {
                if let Some(wrong) = tags.iter().find(|tag| checked(tag).is_err()) {
                    return Err(StoreError::NotATag { tag: wrong.clone() });
                }
                refresher::What::Tags(tags.iter().map(|tag| TagKey::new(prefix, tag)).collect())
            }
            What::Page(target) => refresher::What::Keys(self.keys_of(target, purge)),
            What::Everything => refresher::What::Tags(vec![TagKey::everything(prefix)]),
        };
        match (self.refresher(), what) {
            (Some(refresher), what) if !purge.is_hard => {
                refresher.replace(|| self.downgrade(), what, effort).await
            }
            (_, refresher::What::Keys(keys)) => self.purge_keys(&keys, effort).await,
            (_, refresher::What::Tags(tags)) => {
                let purged = self.purge_tags(&tags, Spare::Nothing, effort).await;
                purged.map(|(purged, _)| purged)
            }
        }
    }

    /// Purges what has these tags, but for pages that somebody has read: they are still
    /// there, and in the index.
    pub(crate) async fn purge_sparing(
        &self,
        tags: &[TagKey],
        effort: Effort,
    ) -> Result<(Purged, Vec<PageKey>), StoreError> {
        self.purge_tags(tags, Spare::WhatIsRead, effort).await
    }

    async fn purge_tags(
        &self,
        tags: &[TagKey],
        spare: Spare,
        effort: Effort,
    ) -> Result<(Purged, Vec<PageKey>), StoreError> {
        let inner = &self.inner;
        let forget = || inner.store.forget_tagged(tags, spare);
        let (forgotten, mut spared) = inner.deletes.purge(tags, forget);
        let mut purged = Purged {
            deleted: forgotten as u64,
            ..Purged::default()
        };
        let outcomes = inner.store.purge(tags, spare, effort).await;
        // Who looked a page up before it was deleted is not to share it now.
        inner.deletes.purge(tags, || ());
        let is_hopeless = !outcomes.is_empty() && outcomes.iter().all(Result::is_err);
        for outcome in outcomes {
            match outcome {
                Ok(outcome) => {
                    purged.add(outcome.deleted, outcome.in_doubt, outcome.failure);
                    spared.extend(outcome.spared);
                }
                Err(failure) if is_hopeless => return Err(failure),
                Err(failure) => purged.add(0, 0, Some(failure)),
            }
        }
        spared.sort_unstable();
        spared.dedup();
        Ok((purged, spared))
    }

    async fn purge_keys(&self, keys: &[PageKey], effort: Effort) -> Result<Purged, StoreError> {
        self.delete_counted(keys, effort).await.of(keys.len())
    }

    /// Deletes pages; what came of it.
    pub(crate) async fn delete_counted(&self, keys: &[PageKey], effort: Effort) -> Purged {
        let mut purged = Purged::default();
        for answer in self.delete_each(keys, effort).await {
            match answer {
                Ok(there) => purged.add(there.into(), 0, None),
                Err(failure) => purged.add(0, 1, Some(failure)),
            }
        }
        purged
    }

    /// Notes pages as deleted that are still there; what is there of them. A render that
    /// began before leaves no page behind.
    pub(crate) async fn mark(
        &self,
        clients: &[Client],
        keys: &[PageKey],
    ) -> Vec<Result<Option<Look>, StoreError>> {
        for key in keys {
            self.inner.deletes.delete(key, || ());
            self.inner.flights.detach(key);
        }
        self.inner.store.looks(clients, keys, true).await
    }

    /// The keys that the page of `target` may have.
    fn keys_of(&self, target: &str, purge: &Purge) -> Vec<PageKey> {
        self.warn_of_target(target);
        let settings = self.settings();
        let said = (purge.prefix.as_deref(), purge.content_type.as_deref());
        let kinds = match said {
            (None, None) => self.inner.kinds.all(&settings.key_prefix),
            (prefix, content_type) => vec![(
                prefix.unwrap_or(&settings.key_prefix).to_owned(),
                content_type.unwrap_or("text/html").to_owned(),
            )],
        };
        let variants = |(prefix, content_type): &(String, String)| {
            let recipe = KeyRecipe::of(settings.layout, prefix, content_type);
            self.keys_under(recipe, target)
        };
        let mut keys: Vec<_> = kinds.iter().flat_map(variants).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Tags(tags) => write!(f, "tags {}", tags.join(", ")),
            What::Page(target) => write!(f, "page {target}"),
            What::Everything => f.write_str("everything"),
        }
    }
}
