//! [`PageCache`]: the handle that an application and its workers share.

use std::fmt;
use std::future::{Ready, ready};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::error::ErrorInternalServerError;
use actix_web::{FromRequest, HttpRequest, web};

use crate::budget::Budget;
use crate::coalesce::Flights;
use crate::config::{ConfigError, PageCacheBuilder, Settings};
use crate::deletes::Deletes;
use crate::entry::Entry;
use crate::expiring::Expiring;
use crate::key::PageKey;
use crate::observe;
use crate::store::client::Marker;
use crate::store::error::StoreError;
use crate::store::{Memcached, Memory};
use crate::sync::Arc;
use crate::writer::{self, Doubt, Job, Writer};

/// How long, and how many, keys whose response was not for others do not
/// coalesce.
const APART: Duration = Duration::from_secs(10);
const MAX_APART: u64 = 10_000;

/// The caches in this process: more than one is usually a mistake.
static LIVE: AtomicUsize = AtomicUsize::new(0);

/// The cache of an application's pages.
///
/// Build it once, outside `HttpServer::new`'s closure, which runs once a worker,
/// and give it to each `App` with `app_data(pages.clone())`, or as
/// [`web::Data`]. A clone is a handle on the same cache.
///
/// Dropping the last handle waits for up to two seconds until the pages handed
/// to the background writer are stored; [`flush`](Self::flush) does so without
/// blocking.
#[derive(Clone)]
pub struct PageCache {
    inner: Arc<Inner>,
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
    flights: Flights<PageKey, Shared>,
    /// Keys whose visitors do not wait for each other.
    apart: Expiring<()>,
    /// Whether there has ever been one.
    any_apart: AtomicBool,
}

#[derive(Debug)]
enum Store {
    Memory(Memory),
    Memcached {
        memcached: Arc<Memcached>,
        writer: Writer,
    },
}

/// What a leader gives to those who waited for it.
#[derive(Clone, Debug)]
pub(crate) enum Shared {
    /// It was in the store.
    Found(Entry),
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
    /// | `DJANGINXED_GZIP` | [`gzip`](PageCacheBuilder::gzip): `1` or `0` |
    /// | `DJANGINXED_BYPASS_COOKIES` | [`bypass_cookie`](PageCacheBuilder::bypass_cookie), comma separated |
    /// | `DJANGINXED_BYPASS_HEADERS` | [`bypass_header`](PageCacheBuilder::bypass_header), comma separated |
    /// | `DJANGINXED_HOSTS` | [`hosts`](PageCacheBuilder::hosts), comma separated |
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
        let deletes = Arc::new(Deletes::new());
        let store = Store::new(&settings, &deletes);
        let collecting = Arc::new(Budget::new(settings.collecting));
        PageCache {
            inner: Arc::new(Inner {
                settings,
                collecting,
                store,
                deletes,
                flights: Flights::new(),
                apart: Expiring::new(MAX_APART),
                any_apart: AtomicBool::new(false),
            }),
        }
    }

    /// The cache of the application, or of the nearest scope, that `request` was
    /// routed by.
    pub(crate) fn of(request: &HttpRequest) -> Option<&PageCache> {
        let found = PageCache::find(request);
        found.map_err(|unknown| unknown.log(request)).ok()
    }

    fn find(request: &HttpRequest) -> Result<&PageCache, Unknown> {
        let plain = request.app_data::<PageCache>();
        let data = request.app_data::<web::Data<PageCache>>();
        match (plain, data.map(|data| &***data)) {
            (Some(plain), Some(data)) if !Arc::ptr_eq(&plain.inner, &data.inner) => {
                Err(Unknown::TwoWays)
            }
            (plain, data) => plain.or(data).ok_or(Unknown::Missing),
        }
    }

    /// The key of `target`, path and query as sent, under the default prefix:
    /// that of a text/html page. [`PageKey::with_type`] makes the others'.
    #[must_use]
    pub fn key(&self, target: &str) -> PageKey {
        PageKey::new(&self.settings().key_prefix, target)
    }

    /// Deletes a page, so that whoever asks from now on gets a new render; true
    /// if it was stored.
    ///
    /// A render that is under way may still answer those who asked before, but
    /// does not leave its page behind, neither in this process nor in others
    /// that share the Memcached servers.
    ///
    /// With a server that answers it takes less than a millisecond. With one that
    /// hangs it takes up to two seconds behind pages that are being stored, and
    /// `operation_timeout` while the server is skipped.
    ///
    /// # Errors
    /// The page's server could not be asked: take the page as not deleted.
    pub async fn delete(&self, key: &PageKey) -> Result<bool, StoreError> {
        let inner = &self.inner;
        let removed = inner.deletes.delete(key, || match &inner.store {
            Store::Memory(memory) => memory.remove(key),
            Store::Memcached { writer, .. } => {
                writer.forget(key);
                false
            }
        });
        inner.flights.detach(key);
        match &inner.store {
            Store::Memory(_) => {
                observe::deleted(key, &Ok(removed));
                Ok(removed)
            }
            Store::Memcached { writer, .. } => writer.delete(*key).await,
        }
    }

    /// Waits until every page handed to the background writer so far is stored
    /// or given up, which takes a few seconds at the most, whatever the servers
    /// do. For tests, and before a process ends.
    pub async fn flush(&self) {
        if let Store::Memcached { writer, .. } = &self.inner.store {
            writer.flush().await;
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(crate) fn flights(&self) -> &Flights<PageKey, Shared> {
        &self.inner.flights
    }

    pub(crate) fn collecting(&self) -> &Arc<Budget> {
        &self.inner.collecting
    }

    pub(crate) fn deletes(&self) -> &Deletes {
        &self.inner.deletes
    }

    /// Whether visitors of `key` do not wait for each other, for now.
    pub(crate) fn is_apart(&self, key: &PageKey) -> bool {
        self.inner.any_apart.load(Ordering::Relaxed) && self.inner.apart.get(key).is_some()
    }

    pub(crate) fn set_apart(&self, key: PageKey) {
        self.inner.apart.put(key, (), 1, Instant::now() + APART);
        self.inner.any_apart.store(true, Ordering::Relaxed);
    }

    pub(crate) fn set_together(&self, key: &PageKey) {
        if self.is_apart(key) {
            self.inner.apart.remove(key);
        }
    }

    /// Looks for a page where that takes no waiting: in memory, or in the
    /// writer's queue.
    pub(crate) fn at_hand(&self, key: &PageKey) -> Option<Entry> {
        let (found, store) = match &self.inner.store {
            Store::Memory(memory) => (memory.get(key), "memory"),
            Store::Memcached { writer, .. } => (writer.pending(key), "queue"),
        };
        if found.is_some() {
            observe::hit(store);
        }
        found
    }

    /// Asks the store for a page, wherever it is; a failure is a miss.
    pub(crate) async fn look_up(&self, key: PageKey) -> Option<Entry> {
        if let Some(entry) = self.at_hand(&key) {
            return Some(entry);
        }
        let found = match &self.inner.store {
            Store::Memory(_) => None,
            Store::Memcached { memcached, writer } => {
                let asked = Instant::now();
                let answer = memcached.get(key).await;
                observe::looked_up(&key, asked.elapsed(), answer.as_ref().err());
                if answer.is_err() {
                    // A failing server is probed from the writer's thread.
                    writer.ensure_started();
                }
                answer.unwrap_or_default()
            }
        };
        match &found {
            Some(_) => observe::hit("memcached"),
            None => observe::miss(),
        }
        found
    }

    /// Whether other processes may have their pages in the same store, and delete
    /// those of this one.
    pub(crate) fn has_other_users(&self) -> bool {
        matches!(self.inner.store, Store::Memcached { .. })
    }

    /// The last delete of a page that another process made. A server that cannot be
    /// asked knows of none.
    pub(crate) async fn deleted_elsewhere(&self, key: PageKey) -> Option<Marker> {
        let Store::Memcached { memcached, .. } = &self.inner.store else {
            return None;
        };
        let marker = memcached.marker(key).await.unwrap_or_default();
        // Of deletes of this one its flights know.
        marker.filter(|marker| !marker.is_own)
    }

    /// Whether such a delete came after a render began, and is not the one that was
    /// known then; if so, the page is not left in the queue either.
    pub(crate) async fn is_outdated(&self, doubt: Doubt, known: Option<Marker>) -> bool {
        let marker = self.deleted_elsewhere(doubt.key).await;
        let number = |marker: Option<Marker>| marker.and_then(|marker| marker.number);
        let is_new = number(marker).is_none() || number(marker) != number(known);
        let outdated = is_new && doubt.if_deleted(marker, self.deletes()).is_some();
        if outdated && let Store::Memcached { writer, .. } = &self.inner.store {
            writer.forget(&doubt.key);
        }
        outdated
    }

    /// Hands a page to the store; the visitor does not wait for it.
    pub(crate) fn store(&self, job: Job) -> Result<(), writer::Drop> {
        let key = job.key;
        let taken = match &self.inner.store {
            Store::Memory(memory) => {
                let (stamp, bytes) = (job.stamp, job.entry.bytes().len());
                let put = || memory.put(key, job.entry, job.started + job.life);
                match self.deletes().unless_deleted(&key, stamp, put) {
                    Some(true) => {
                        observe::stored(&key, bytes);
                        Ok(())
                    }
                    Some(false) => Err(writer::Drop::TooLarge),
                    None => Err(writer::Drop::Deleted),
                }
            }
            Store::Memcached { writer, .. } => writer.store(job),
        };
        if let Err(reason) = taken {
            observe::dropped(&key, reason);
        }
        taken
    }
}

/// Why it is not known which cache is a request's.
#[derive(Clone, Copy, Debug, thiserror::Error)]
enum Unknown {
    #[error("its application has no PageCache: add `.app_data(pages.clone())` to the App")]
    Missing,
    /// actix-web does not tell which of two types of data is nearer.
    #[error(
        "it has two caches, one as PageCache and one as web::Data<PageCache>, and which is \
         nearer cannot be told: give both to app_data in the same way"
    )]
    TwoWays,
}

impl Unknown {
    /// Once each, since every request of the page would say it.
    fn log(self, request: &HttpRequest) {
        static MISSING: Once = Once::new();
        static TWO_WAYS: Once = Once::new();
        let once = match self {
            Unknown::Missing => &MISSING,
            Unknown::TwoWays => &TWO_WAYS,
        };
        once.call_once(|| {
            let route = request.match_pattern();
            tracing::error!(route, "a page is not cached, because {self}");
        });
    }
}

/// A handler's own handle, to delete pages: given to the application or to a scope
/// with `app_data`, whether as it is or as [`web::Data`].
impl FromRequest for PageCache {
    type Error = actix_web::Error;
    type Future = Ready<Result<PageCache, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = PageCache::find(request).cloned();
        ready(found.map_err(|unknown| {
            let route = request.match_pattern();
            tracing::error!(route, "a handler gets no PageCache, because {unknown}");
            ErrorInternalServerError("no PageCache")
        }))
    }
}

impl Store {
    fn new(settings: &Settings, deletes: &Arc<Deletes>) -> Store {
        if settings.servers.is_empty() {
            return Store::Memory(Memory::new(settings.memory));
        }
        let memcached = Arc::new(Memcached::new(
            &settings.servers,
            settings.placement,
            settings.operation_timeout,
            settings.max_entry_size,
        ));
        let writer = Writer::new(
            Arc::clone(&memcached),
            Arc::clone(deletes),
            settings.queue,
            settings.gzip,
            settings.max_entry_size,
        );
        Store::Memcached { memcached, writer }
    }
}
