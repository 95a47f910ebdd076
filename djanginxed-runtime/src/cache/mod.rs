//! [`PageCache`]: the handle that an application and its workers share.

mod apart;
mod builder;
pub(crate) mod claim;
mod kinds;
mod outcomes;
mod purge;
pub(crate) mod refresher;
pub(crate) mod refreshing;
mod store;

use std::collections::HashMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{OnceLock, Weak};
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime};

use actix_web::cookie::{Cookie, SameSite};
use actix_web::web::Bytes;

pub use self::builder::PageCacheBuilder;
pub use self::purge::Purge;

use self::apart::Apart;
use self::kinds::Kinds;
pub(crate) use self::outcomes::Outcome;
use self::outcomes::Outcomes;
use self::refresher::Refresher;
pub(crate) use self::refresher::Wanted;
use self::refreshing::Refreshing;
pub(crate) use self::store::Kept;
use self::store::Store;
use crate::budget::Budget;
use crate::coalesce::Flights;
use crate::config_error::ConfigError;
use crate::deletes::Deletes;
use crate::entry::{Entry, Found};
use crate::feed::{Feed, FeedReport, Hot};
use crate::key::{KeyRecipe, PageKey};
use crate::life::Life;
use crate::media::HTML;
use crate::observe;
use crate::page::Page;
use crate::purged::Effort;
use crate::reason::Dropped;
use crate::settings::Settings;
use crate::store::client::{Client, Look, Marker};
use crate::store::error::StoreError;
use crate::store::lookup::OnSend;
use crate::sync::Arc;
use crate::tag::{Tags, tags_of};
use crate::token::Token;
use crate::vary::Values;
use crate::writer::{Doubt, Job};

/// The caches in this process: more than one is usually a mistake.
static LIVE: AtomicUsize = AtomicUsize::new(0);

/// The cache of an application's pages.
///
/// Build it once, outside `HttpServer::new`'s closure, which runs once a worker,
/// and give it to each `App` with `app_data(pages.clone())`, or as
/// [`web::Data`](actix_web::web::Data). A clone is a handle on the same cache.
///
/// Dropping the last handle waits for up to two seconds until the pages handed
/// to the background writer are stored; [`flush`](Self::flush) does so without
/// blocking.
#[derive(Clone)]
pub struct PageCache {
    inner: Arc<Inner>,
}

/// A cache that may be gone.
#[derive(Clone)]
pub(crate) struct WeakCache(Weak<Inner>);

impl WeakCache {
    pub(crate) fn upgrade(&self) -> Option<PageCache> {
        self.0.upgrade().map(|inner| PageCache { inner })
    }
}

impl fmt::Debug for PageCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageCache")
            .field("settings", &self.inner.settings)
            .finish_non_exhaustive()
    }
}

struct Inner {
    settings: Settings,
    store: Store,
    deletes: Arc<Deletes>,
    /// For the copies of streamed bodies under way.
    collecting: Arc<Budget>,
    flights: Flights<PageKey, Landed>,
    apart: Apart,
    refreshing: Refreshing,
    /// Where pages are looked after that nginx serves.
    refresher: Option<Refresher>,
    kinds: Kinds,
    /// The tags of a page that has none of its own.
    untagged: Tags,
    outcomes: Outcomes,
    /// Whether there may be pages that stand in for errors.
    has_copies: AtomicBool,
    /// What the admin page's forms must carry, made when it is asked for.
    token: OnceLock<Token>,
    feed: Option<Feed>,
}

/// What a leader gives to those who waited for it.
#[derive(Clone, Debug)]
pub(crate) enum Landed {
    /// It was in the store.
    Found(Found),
    /// The leader rendered it.
    Rendered(Entry),
}

impl Drop for Inner {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

impl PageCache {
    /// Settings, to be [built](PageCacheBuilder::build).
    pub fn builder() -> PageCacheBuilder {
        PageCacheBuilder::new()
    }

    /// A cache with the settings of the environment; what more is to be said,
    /// [`PageCacheBuilder::from_env`] combines with it.
    ///
    /// | variable | what |
    /// |---|---|
    /// | `DJANGINXED_SERVERS` | [`memcached`](PageCacheBuilder::memcached), comma separated; unset or empty: the embedded store |
    /// | `DJANGINXED_KEY_PREFIX` | [`key_prefix`](PageCacheBuilder::key_prefix) |
    /// | `DJANGINXED_LAYOUT` | [`layout`](PageCacheBuilder::layout): `body` or `response` |
    /// | `DJANGINXED_GZIP` | [`gzip`](PageCacheBuilder::gzip): `1` or `0` |
    /// | `DJANGINXED_BYPASS_COOKIES` | [`bypass_cookie`](PageCacheBuilder::bypass_cookie), comma separated |
    /// | `DJANGINXED_BYPASS_HEADERS` | [`bypass_header`](PageCacheBuilder::bypass_header), comma separated |
    /// | `DJANGINXED_PARTS` | [`parts`](PageCacheBuilder::parts): `1` or `0` |
    /// | `DJANGINXED_HIT_FEED` | [`hit_feed`](PageCacheBuilder::hit_feed) |
    /// | `DJANGINXED_REFRESH_THROUGH` | [`refresh_through`](PageCacheBuilder::refresh_through) |
    /// | `DJANGINXED_HOSTS` | [`hosts`](PageCacheBuilder::hosts), comma separated |
    /// | `DJANGINXED_VARY` | [`vary`](PageCacheBuilder::vary), separated by semicolons: `language=en,de;mobile` |
    /// | `DJANGINXED_GROUP_SECRET` | the secret of a [`group`](crate::Vary::group) in `DJANGINXED_VARY` |
    /// | `DJANGINXED_ENABLED` | [`enabled`](PageCacheBuilder::enabled): `1` or `0` |
    ///
    /// # Errors
    /// A [`ConfigError`] that names the value that cannot be used.
    pub fn from_env() -> Result<PageCache, ConfigError> {
        PageCache::builder().from_env()?.build()
    }

    pub(crate) fn new(settings: Settings) -> PageCache {
        if LIVE.fetch_add(1, Ordering::Relaxed) > 0 {
            tracing::warn!(
                "another PageCache is alive in this process, and shares nothing with this one: \
                 build it once, outside the closure of HttpServer::new, and clone it"
            );
        }
        let deletes = Arc::new(Deletes::default());
        let store = Store::new(&settings, &deletes);
        let collecting = Arc::new(Budget::new(settings.collecting));
        let path = settings.hit_feed.as_ref().filter(|_| settings.enabled);
        let feed = path.map(|path| Feed::start(path, &settings.statuses));
        let has_copies = AtomicBool::new(!settings.stale_if_error.is_zero());
        let refresher = settings.care.clone().map(Refresher::new);
        let untagged = tags_of(&settings.key_prefix, []);
        PageCache {
            inner: Arc::new(Inner {
                settings,
                collecting,
                store,
                deletes,
                flights: Flights::new(),
                apart: Apart::new(),
                refreshing: Refreshing::default(),
                refresher,
                kinds: Kinds::default(),
                untagged,
                outcomes: Outcomes::default(),
                has_copies,
                token: OnceLock::new(),
                feed,
            }),
        }
    }

    /// The key of `target`, path and query as sent, under the default prefix:
    /// that of a text/html page. [`PageKey::with_type`] makes the others'. Where pages
    /// [vary](PageCacheBuilder::vary), that of the variant with each rule's first value.
    #[must_use]
    pub fn key(&self, target: &str) -> PageKey {
        let keys = self.keys(target);
        keys.first()
            .copied()
            .unwrap_or_else(|| self.recipe().key(target))
    }

    /// The keys of `target` in every variant that pages [vary](PageCacheBuilder::vary)
    /// by, under the default prefix and as text/html: one where they do not vary. The log
    /// warns of a target that no browser sends, such as one with an `ü` that is not encoded.
    ///
    /// ```
    /// # use djanginxed_runtime::{PageCache, PageKey, Vary};
    /// # fn main() -> Result<(), djanginxed_runtime::ConfigError> {
    /// let pages = PageCache::builder()
    ///     .key_prefix("site1")
    ///     .vary(Vary::language(["en", "de"]))
    ///     .build()?;
    /// assert_eq!(
    ///     pages.keys("/"),
    ///     [PageKey::new("site1~en", "/"), PageKey::new("site1~de", "/")],
    /// );
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn keys(&self, target: &str) -> Vec<PageKey> {
        self.warn_of_target(target);
        self.keys_under(self.recipe(), target)
    }

    /// A delete or a purge of such a target would find nothing, and say no more.
    pub(crate) fn warn_of_target(&self, target: &str) {
        let is_sent = |byte: u8| matches!(byte, b'!'..=b'~') && byte != b'#';
        if !target.starts_with('/') || !target.bytes().all(is_sent) {
            observe::unusual_target(target);
        }
    }

    /// How the keys of HTML pages under the default prefix are made.
    fn recipe(&self) -> KeyRecipe<'_> {
        let settings = self.settings();
        KeyRecipe::of(settings.layout, &settings.key_prefix, HTML).with_parts(settings.parts)
    }

    /// The cookie that puts its bearer into a [`group`](crate::Vary::group) for `life`, in
    /// whole seconds: for the path `/`, HttpOnly and SameSite=Lax. Call `set_secure(true)`
    /// on it where the site has TLS.
    ///
    /// Whoever has the cookie is in the group until its end, whatever becomes of an
    /// account meanwhile: keep the life short, and set the cookie anew now and then.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use actix_web::{HttpResponse, post};
    /// # use djanginxed_runtime::PageCache;
    /// #[post("/login")]
    /// async fn login(pages: PageCache) -> HttpResponse {
    ///     // The password was right …
    ///     let member = pages.group_cookie("group", "member", Duration::from_secs(3600));
    ///     HttpResponse::SeeOther().cookie(member).finish()
    /// }
    /// ```
    ///
    /// # Panics
    /// No such group is declared.
    #[must_use]
    #[track_caller]
    pub fn group_cookie(&self, name: &str, value: &str, life: Duration) -> Cookie<'static> {
        let rules = &self.settings().vary;
        let Some(signed) = rules.signed(name, value, life, SystemTime::now()) else {
            panic!("group {name:?} with {value:?}: declare it with Vary::group");
        };
        let seconds = i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
        Cookie::build(name.to_owned(), signed)
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .max_age(actix_web::cookie::time::Duration::seconds(seconds))
            .finish()
    }

    /// The keys of `target` in every variant.
    pub(crate) fn keys_under(&self, recipe: KeyRecipe<'_>, target: &str) -> Vec<PageKey> {
        let recipe = recipe.with_parts(self.settings().parts);
        let variants = self.settings().vary.all();
        let key = |values: &Values| recipe.with_variant(&values.to_string()).key(target);
        variants.iter().map(key).collect()
    }

    /// How many purges and deletes servers have still to make up for.
    pub(crate) fn pending_purges(&self) -> usize {
        self.inner.store.pending_purges()
    }

    /// What nginx told of its hits, where it has a feed to tell them by.
    pub(crate) fn told_by_nginx(&self, count: usize) -> Option<FeedReport> {
        self.inner.feed.as_ref().map(|feed| feed.report(count))
    }

    /// The `count` request targets that nginx answered most often in the last five to
    /// ten minutes, those first, as far as it told of its hits: empty without
    /// [`hit_feed`](PageCacheBuilder::hit_feed). Each of several processes that share
    /// a feed has the same answer, up to a second old and of up to 1,000 targets.
    ///
    /// ```
    /// # fn main() -> Result<(), djanginxed_runtime::ConfigError> {
    /// # let pages = djanginxed_runtime::PageCache::builder().build()?;
    /// for page in pages.hottest(10) {
    ///     println!("{} {}", page.hits, page.target);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn hottest(&self, count: usize) -> Vec<Hot> {
        let feed = self.inner.feed.as_ref();
        feed.map(|feed| feed.hottest(count)).unwrap_or_default()
    }

    /// Deletes a page, so that whoever asks from now on gets a new render; true
    /// if it was stored. Where pages vary, [`keys`](Self::keys) has all of its keys.
    ///
    /// A render that is under way may still answer those who asked before, but
    /// does not leave its page behind, neither in this process nor in others
    /// that share the Memcached servers.
    ///
    /// Where the key was made with a prefix that no page of this process has, and nothing
    /// is there, the log warns once; [`Purge::page`] knows the prefixes by itself.
    ///
    /// With a server that answers it takes less than a millisecond. With one that
    /// hangs it takes up to two seconds behind pages that are being stored, and
    /// `operation_timeout` while the server is skipped.
    ///
    /// # Errors
    /// The page's server could not be asked: take the page as not deleted.
    pub async fn delete(&self, key: &PageKey) -> Result<bool, StoreError> {
        self.delete_with(key, Effort::Once).await
    }

    async fn delete_with(&self, key: &PageKey, effort: Effort) -> Result<bool, StoreError> {
        let inner = &self.inner;
        let forgotten = inner.deletes.delete(key, || inner.store.forget(key));
        inner.flights.detach(key);
        let deleted = inner.store.delete(*key, forgotten, effort).await;
        if deleted == Ok(false) {
            self.warn_of_prefix(key);
        }
        deleted
    }

    /// What was not there may be under another prefix.
    fn warn_of_prefix(&self, key: &PageKey) {
        let usual = &self.settings().key_prefix;
        let is_unknown = |prefix| self.inner.kinds.is_first_unknown(prefix, usual);
        if key.prefix().is_some_and(is_unknown) {
            observe::unknown_prefix(key);
        }
    }

    /// Deletes several pages at once; how many of them were stored.
    pub(crate) async fn delete_all(&self, keys: &[PageKey]) -> Result<usize, StoreError> {
        let deleted = self.delete_each(keys, Effort::Once).await.into_iter();
        deleted.map(|was_stored| was_stored.map(usize::from)).sum()
    }

    /// Deletes pages for who does not look whether that fails: it is then made again.
    pub(crate) async fn delete_until_done(&self, keys: &[PageKey]) {
        self.delete_each(keys, Effort::UntilDone).await;
    }

    /// Deletes several pages; whether each was stored. All are under way before the first
    /// is waited for.
    async fn delete_each(&self, keys: &[PageKey], effort: Effort) -> Vec<Result<bool, StoreError>> {
        let delete = |key| Box::pin(self.delete_with(key, effort));
        let mut deletes: Vec<_> = keys.iter().map(delete).collect();
        let mut deleted: Vec<_> = keys.iter().map(|_| None).collect();
        poll_fn(|context| {
            for (delete, deleted) in deletes.iter_mut().zip(&mut deleted) {
                if deleted.is_none()
                    && let Poll::Ready(done) = delete.as_mut().poll(context)
                {
                    *deleted = Some(done);
                }
            }
            match deleted.iter().all(Option::is_some) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
        deleted.into_iter().flatten().collect()
    }

    /// Waits until every page handed to the background writer so far is stored
    /// or given up, which takes a few seconds at the most, whatever the servers
    /// do. For tests, and before a process ends.
    pub async fn flush(&self) {
        self.inner.store.flush().await;
    }

    /// Whether two handles are of the same cache.
    pub(crate) fn is(&self, other: &PageCache) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(crate) fn flights(&self) -> &Flights<PageKey, Landed> {
        &self.inner.flights
    }

    pub(crate) fn collecting(&self) -> &Arc<Budget> {
        &self.inner.collecting
    }

    pub(crate) fn deletes(&self) -> &Deletes {
        &self.inner.deletes
    }

    pub(crate) fn untagged(&self) -> Tags {
        Tags::clone(&self.inner.untagged)
    }

    /// Notes which prefix and type a page has.
    pub(crate) fn note_kind(&self, page: &Page) {
        self.inner.kinds.note(page);
    }

    /// What the admin page's forms must carry; `made` is called when it is made.
    pub(crate) fn token(&self, made: impl FnOnce()) -> &Token {
        self.inner.token.get_or_init(|| {
            made();
            Token::random()
        })
    }

    /// What became of the last pages.
    pub(crate) fn outcomes(&self) -> &Outcomes {
        &self.inner.outcomes
    }

    /// Whether visitors of `key` do not wait for each other, for now.
    pub(crate) fn is_apart(&self, key: &PageKey) -> bool {
        self.inner.apart.contains(key)
    }

    pub(crate) fn set_apart(&self, key: PageKey) {
        self.inner.apart.add(key);
    }

    /// Whether the server of `key` has failed when it was last asked.
    pub(crate) fn is_failing(&self, key: &PageKey) -> bool {
        self.inner.store.is_failing(key)
    }

    /// Looks for a page where that takes no waiting: in memory.
    pub(crate) fn at_hand(&self, key: &PageKey) -> Option<Found> {
        self.inner.store.at_hand(key)
    }

    /// Asks the store for a page, wherever it is.
    pub(crate) async fn look_up(
        &self,
        key: PageKey,
        on_send: Option<OnSend>,
    ) -> Result<Option<Found>, StoreError> {
        match self.at_hand(&key) {
            Some(found) => Ok(Some(found)),
            None => self.inner.store.far(key, on_send).await,
        }
    }

    pub(crate) fn downgrade(&self) -> WeakCache {
        WeakCache(Arc::downgrade(&self.inner))
    }

    pub(crate) fn refresher(&self) -> Option<&Refresher> {
        self.inner.refresher.as_ref()
    }

    /// Looks after a page that is stored, if it is known how to ask for it.
    pub(crate) fn watch(
        &self,
        key: PageKey,
        wanted: Option<&Arc<Wanted>>,
        life: Life,
        started: Instant,
    ) {
        if let (Some(refresher), Some(wanted)) = (self.refresher(), wanted) {
            refresher.watch(|| self.downgrade(), key, wanted, life, started);
        }
    }

    /// For who looks after pages, in one runtime.
    pub(crate) fn clients(&self) -> Vec<Client> {
        self.inner.store.clients()
    }

    /// Looks at pages without reading them.
    pub(crate) async fn looks(
        &self,
        clients: &[Client],
        keys: &[PageKey],
    ) -> Vec<Result<Option<Look>, StoreError>> {
        self.inner.store.looks(clients, keys, false).await
    }

    /// What is noted beside pages of how they are asked for, by whoever has stored them.
    pub(crate) async fn notes(&self, clients: &[Client], keys: &[PageKey]) -> Vec<Option<Bytes>> {
        self.inner.store.notes(clients, keys).await
    }

    /// Puts first what nginx answers most often, as far as it tells.
    pub(crate) fn sort_by_heat<T>(&self, pages: &mut [T], target: impl Fn(&T) -> &str) {
        const KNOWN: usize = 1000;
        if self.inner.feed.is_none() || pages.len() < 2 {
            return;
        }
        let hottest = self.hottest(KNOWN);
        let ranks = hottest.iter().enumerate();
        let ranks: HashMap<_, _> = ranks.map(|(rank, hot)| (&*hot.target, rank)).collect();
        pages.sort_by_key(|page| ranks.get(target(page)).copied().unwrap_or(KNOWN));
    }

    /// Which stale pages are being rendered anew by this process.
    pub(crate) fn refreshing(&self) -> &Refreshing {
        &self.inner.refreshing
    }

    /// Asks the store for a page that was looked up before.
    pub(crate) async fn look_again(&self, key: PageKey) -> Result<Option<Found>, StoreError> {
        self.inner.store.ask(key, None).await
    }

    /// Whether this process may render a page that others may be about to render.
    pub(crate) async fn lock(&self, key: PageKey) -> Result<bool, StoreError> {
        self.inner.store.lock(key).await
    }

    /// Keeps the lock of a page for another while.
    pub(crate) async fn keep_lock(&self, key: PageKey) {
        self.inner.store.keep_lock(key).await;
    }

    /// Lets others render a page.
    pub(crate) async fn unlock(&self, key: PageKey) {
        self.inner.store.unlock(key).await;
    }

    /// What is there of a page, for who looks after it.
    pub(crate) async fn peek(&self, key: &PageKey) -> Result<Option<Kept>, StoreError> {
        self.inner.store.peek(key).await
    }

    /// Some page stands in for errors, as its handler says or its response.
    pub(crate) fn expect_copies(&self) {
        self.inner.has_copies.store(true, Ordering::Relaxed);
    }

    /// Whether some page may stand in for errors.
    pub(crate) fn has_copies(&self) -> bool {
        self.inner.has_copies.load(Ordering::Relaxed)
    }

    /// What stands in for an error of the application, if pages do.
    pub(crate) async fn copy(&self, key: PageKey) -> Option<Entry> {
        if !self.has_copies() {
            return None;
        }
        self.inner.store.copy(key).await
    }

    /// Whether other processes may have their pages in the same store, and delete
    /// those of this one.
    pub(crate) fn has_other_users(&self) -> bool {
        self.inner.store.is_shared()
    }

    /// The last delete of a page, by whichever process, if that is known.
    pub(crate) async fn last_delete(&self, key: PageKey) -> Option<Marker> {
        self.inner.store.last_delete(key).await
    }

    /// Whether a delete of the page or a purge of one of its tags may have come after a
    /// render began, and is not the delete that was known then. What is known to be deleted
    /// is not left in the queue either; where nobody can say, the writer sees to that.
    pub(crate) async fn may_be_outdated(&self, doubt: &Doubt, known: Option<Marker>) -> bool {
        let store = &self.inner.store;
        match store.is_outdated(doubt, known).await {
            Some(true) => {
                store.forget(&doubt.key);
                true
            }
            Some(false) => false,
            None => true,
        }
    }

    /// Hands a page to the store; the visitor does not wait for it.
    pub(crate) fn store(&self, job: Job) -> Result<(), Dropped> {
        let key = job.key;
        if job.life.copy().is_some() {
            self.expect_copies();
        }
        let taken = self.inner.store.take(job);
        match taken {
            Ok(()) => self.inner.apart.remove(&key),
            Err(reason) => observe::dropped(&key, reason),
        }
        taken
    }
}
