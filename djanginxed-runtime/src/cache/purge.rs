//! Purging: deleting all pages that something concerns.

use super::PageCache;
use crate::key::{KeyRecipe, PageKey};
use crate::observe;
use crate::store::error::StoreError;
use crate::tag::{TagKey, checked};

/// What is to be purged: given to [`PageCache::purge`].
#[derive(Clone, Debug)]
#[must_use = "it does nothing until it is given to `PageCache::purge`"]
pub struct Purge {
    what: What,
    prefix: Option<String>,
    content_type: Option<String>,
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

    /// Deletes all of the pages at once, those that are read too. So does a purge without
    /// it today.
    pub fn hard(self) -> Purge {
        self
    }
}

/// What came of a purge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Purged {
    /// Pages that were there and are deleted.
    pub deleted: u64,
    /// Pages that were rendered anew in their place: none today.
    pub replaced: u64,
    /// Pages that could not be deleted, as far as they are known.
    pub in_doubt: u64,
    /// What failed, one error a server at the most: pages of it that nobody could list
    /// may be left, too.
    pub failures: Vec<StoreError>,
}

impl Purged {
    /// Whether no page is left; otherwise purge again when the servers are back.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.in_doubt == 0 && self.failures.is_empty()
    }

    fn add(&mut self, deleted: u64, in_doubt: u64, failure: Option<StoreError>) {
        self.deleted += deleted;
        self.in_doubt += in_doubt;
        self.failures.extend(failure);
    }
}

impl PageCache {
    /// Deletes all pages that have a tag, or those of a target, or everything; so that
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
    /// # Errors
    /// [`StoreError::NotATag`], or no server could be asked: take nothing as purged.
    /// Where only some could be, [`Purged::failures`] says so.
    pub async fn purge(&self, purge: Purge) -> Result<Purged, StoreError> {
        let prefix = &self.settings().key_prefix;
        let purged = match &purge.what {
            What::Tags(tags) => {
                if let Some(wrong) = tags.iter().find(|tag| checked(tag).is_err()) {
                    return Err(StoreError::NotATag { tag: wrong.clone() });
                }
                let tags: Vec<_> = tags.iter().map(|tag| TagKey::new(prefix, tag)).collect();
                self.purge_tags(&tags).await
            }
            What::Page(target) => self.purge_keys(self.keys_of(target, &purge)).await,
            What::Everything => self.purge_tags(&[TagKey::everything(prefix)]).await,
        };
        observe::purged(&purge.what, &purged);
        purged
    }

    async fn purge_tags(&self, tags: &[TagKey]) -> Result<Purged, StoreError> {
        let inner = &self.inner;
        let forgotten = inner
            .deletes
            .purge(tags, || inner.store.forget_tagged(tags));
        let mut purged = Purged {
            deleted: forgotten as u64,
            ..Purged::default()
        };
        let outcomes = inner.store.purge(tags).await;
        // Who looked a page up before it was deleted is not to share it now.
        inner.deletes.purge(tags, || ());
        let is_hopeless = !outcomes.is_empty() && outcomes.iter().all(Result::is_err);
        for outcome in outcomes {
            match outcome {
                Ok(outcome) => purged.add(outcome.deleted, outcome.in_doubt, outcome.failure),
                Err(failure) if is_hopeless => return Err(failure),
                Err(failure) => purged.add(0, 0, Some(failure)),
            }
        }
        Ok(purged)
    }

    async fn purge_keys(&self, keys: Vec<PageKey>) -> Result<Purged, StoreError> {
        let answers = self.delete_each(&keys).await;
        let is_hopeless = !answers.is_empty() && answers.iter().all(Result::is_err);
        let mut purged = Purged::default();
        for answer in answers {
            match answer {
                Ok(there) => purged.add(there.into(), 0, None),
                Err(failure) if is_hopeless => return Err(failure),
                Err(failure) => purged.add(0, 1, Some(failure)),
            }
        }
        Ok(purged)
    }

    /// The keys that the page of `target` may have.
    fn keys_of(&self, target: &str, purge: &Purge) -> Vec<PageKey> {
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

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            What::Tags(tags) => write!(f, "tags {}", tags.join(", ")),
            What::Page(target) => write!(f, "page {target}"),
            What::Everything => f.write_str("everything"),
        }
    }
}
