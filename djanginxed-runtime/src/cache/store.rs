//! Where pages are kept: the store's two kinds, behind the same few methods.

use std::time::{Duration, Instant};

use actix_web::web::Bytes;

use crate::deletes::Deletes;
use crate::entry::{Entry, Found};
use crate::key::PageKey;
use crate::observe;
use crate::purged::{Effort, Spare};
use crate::reason::Dropped;
use crate::settings::Settings;
use crate::store::client::{Client, Look, Marker};
use crate::store::error::StoreError;
use crate::store::lookup::{self, OnSend};
use crate::store::{Memcached, Memory};
use crate::sync::Arc;
use crate::tag::{TagKey, Tags};
use crate::writer::{Doubt, Job, Outcome, Writer};

#[derive(Debug)]
pub(super) enum Store {
    Embedded(Embedded),
    Shared(Shared),
}

/// What is kept of a page, for who looks after it.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) entry: Entry,
    /// None: without an end.
    pub(crate) left: Option<Duration>,
    /// `memory`, `queue` or `memcached`.
    pub(crate) place: &'static str,
}

/// Memory of this process.
#[derive(Debug)]
pub(super) struct Embedded {
    memory: Memory,
    deletes: Arc<Deletes>,
}

/// Memcached, which other processes may use too, behind the writer's queue.
#[derive(Debug)]
pub(super) struct Shared {
    memcached: Arc<Memcached>,
    writer: Writer,
    deletes: Arc<Deletes>,
}

impl Store {
    pub(super) fn new(settings: &Settings, deletes: &Arc<Deletes>) -> Store {
        let deletes = Arc::clone(deletes);
        if settings.servers.is_empty() {
            let memory = Memory::new(settings.memory, settings.clock.clone());
            return Store::Embedded(Embedded { memory, deletes });
        }
        let memcached = Arc::new(Memcached::new(
            &settings.servers,
            settings.placement,
            settings.operation_timeout,
            settings.layout,
            settings.max_entry_size,
        ));
        let writer = Writer::new(Arc::clone(&memcached), Arc::clone(&deletes), settings);
        Store::Shared(Shared {
            memcached,
            writer,
            deletes,
        })
    }

    /// Whether the server of `key` has failed when it was last asked.
    pub(super) fn is_failing(&self, key: &PageKey) -> bool {
        match self {
            Store::Embedded(_) => false,
            Store::Shared(store) => store.memcached.upstream_of(key).breaker().is_failing(),
        }
    }

    /// Looks for a page where that takes no waiting: in memory.
    pub(super) fn at_hand(&self, key: &PageKey) -> Option<Found> {
        let found = match self {
            Store::Embedded(store) => store.memory.get(key),
            Store::Shared(_) => None,
        };
        if found.is_some() {
            observe::hit("memory");
        }
        found
    }

    /// Asks where that takes waiting: in the writer's queue, and in Memcached.
    pub(super) async fn far(
        &self,
        key: PageKey,
        on_send: Option<OnSend>,
    ) -> Result<Option<Found>, StoreError> {
        if let Store::Shared(store) = self
            && let Some(found) = store.queued(key).await
        {
            observe::hit("queue");
            return Ok(Some(found));
        }
        let found = self.ask(key, on_send).await;
        match &found {
            Ok(Some(_)) => observe::hit("memcached"),
            _ => observe::miss(),
        }
        found
    }

    /// The same for who has asked before, which is not counted.
    pub(super) async fn ask(
        &self,
        key: PageKey,
        on_send: Option<OnSend>,
    ) -> Result<Option<Found>, StoreError> {
        match self {
            Store::Embedded(_) => Ok(None),
            Store::Shared(store) => store.ask(key, on_send).await,
        }
    }

    /// What stands in for an error of the application. A server that cannot be asked has
    /// nothing.
    pub(super) async fn copy(&self, key: PageKey) -> Option<Entry> {
        match self {
            Store::Embedded(store) => store.memory.copy(&key),
            Store::Shared(store) => store.copy(key).await,
        }
    }

    /// What is there of a page, without being taken for a visitor.
    pub(super) async fn peek(&self, key: &PageKey) -> Result<Option<Kept>, StoreError> {
        let kept = |place| {
            move |(entry, left): (Entry, Duration)| Kept {
                entry,
                left: Some(left),
                place,
            }
        };
        match self {
            Store::Embedded(store) => Ok(store.memory.peek(key).map(kept("memory"))),
            Store::Shared(store) => {
                if let Some(queued) = store.writer.peek(key) {
                    return Ok(Some(kept("queue")(queued)));
                }
                let found = store.memcached.peek(key).await?;
                Ok(found.map(|(entry, left)| Kept {
                    entry,
                    left,
                    place: "memcached",
                }))
            }
        }
    }

    /// Takes a page; the visitor does not wait for it.
    pub(super) fn take(&self, job: Job) -> Result<(), Dropped> {
        match self {
            Store::Embedded(store) => store.take(job),
            Store::Shared(store) => store.writer.store(job),
        }
    }

    /// For who looks after pages, in one runtime.
    pub(super) fn clients(&self) -> Vec<Client> {
        match self {
            Store::Embedded(_) => Vec::new(),
            Store::Shared(store) => store.memcached.clients(),
        }
    }

    /// Looks at pages without reading them; notes them as deleted before, where it
    /// `marks`, though they are still there.
    pub(super) async fn looks(
        &self,
        clients: &[Client],
        keys: &[PageKey],
        marks: bool,
    ) -> Vec<Result<Option<Look>, StoreError>> {
        match self {
            Store::Embedded(store) => keys.iter().map(|key| Ok(store.memory.look(key))).collect(),
            Store::Shared(store) if marks => store.mark(clients, keys).await,
            Store::Shared(store) => store.memcached.looks(clients, keys, None).await,
        }
    }

    /// What is noted beside pages of how they are asked for; nothing of pages that are in
    /// this process alone.
    pub(super) async fn notes(&self, clients: &[Client], keys: &[PageKey]) -> Vec<Option<Bytes>> {
        match self {
            Store::Embedded(_) => keys.iter().map(|_| None).collect(),
            Store::Shared(store) => {
                let notes = store.memcached.notes(clients, keys).await.into_iter();
                notes.map(Result::unwrap_or_default).collect()
            }
        }
    }

    /// Takes a page away where that takes no waiting; whether it was there.
    pub(super) fn forget(&self, key: &PageKey) -> bool {
        match self {
            Store::Embedded(store) => store.memory.remove(key),
            Store::Shared(store) => {
                store.writer.forget(key);
                false
            }
        }
    }

    /// How many purges and deletes servers have still to make up for.
    pub(super) fn pending_purges(&self) -> usize {
        match self {
            Store::Embedded(_) => 0,
            Store::Shared(store) => store.writer.pending_purges(),
        }
    }

    /// Deletes what [`forget`](Self::forget) did not reach; whether there was a page
    /// here or there.
    pub(super) async fn delete(
        &self,
        key: PageKey,
        forgotten: bool,
        effort: Effort,
    ) -> Result<bool, StoreError> {
        match self {
            Store::Embedded(_) => {
                observe::deleted(&key, &Ok(forgotten));
                Ok(forgotten)
            }
            Store::Shared(store) => store.writer.delete(key, effort).await,
        }
    }

    /// Takes pages with one of these tags away where that takes no waiting; how many were
    /// stored, and which were spared.
    pub(super) fn forget_tagged(&self, tags: &[TagKey], spare: Spare) -> (usize, Vec<PageKey>) {
        match self {
            Store::Embedded(store) => store.memory.remove_tagged(tags, spare),
            Store::Shared(store) => {
                store.writer.forget_tagged(tags);
                (0, Vec::new())
            }
        }
    }

    /// Deletes what [`forget_tagged`](Self::forget_tagged) did not reach; what came of it
    /// at each server.
    pub(super) async fn purge(
        &self,
        tags: &[TagKey],
        spare: Spare,
        effort: Effort,
    ) -> Vec<Result<Outcome, StoreError>> {
        match self {
            Store::Embedded(_) => Vec::new(),
            Store::Shared(store) => store.writer.purge(tags, spare, effort).await,
        }
    }

    pub(super) async fn flush(&self) {
        match self {
            Store::Embedded(_) => {}
            Store::Shared(store) => store.writer.flush().await,
        }
    }

    /// Whether this process may render a page that others may be about to render.
    pub(super) async fn lock(&self, key: PageKey) -> Result<bool, StoreError> {
        match self {
            Store::Embedded(_) => Ok(true),
            Store::Shared(store) => store.memcached.lock(key).await,
        }
    }

    /// Keeps others from it for another while.
    pub(super) async fn keep_lock(&self, key: PageKey) {
        if let Store::Shared(store) = self {
            let _ = store.memcached.keep_lock(key).await;
        }
    }

    /// Lets others render it. A lock that cannot be given back ends by itself.
    pub(super) async fn unlock(&self, key: PageKey) {
        if let Store::Shared(store) = self {
            let _ = store.memcached.unlock(key).await;
        }
    }

    /// Whether other processes may have their pages in the same store, and delete
    /// those of this one.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Store::Shared(_))
    }

    /// Whether a page was deleted or purged since its render began; `known` is the last
    /// delete before that. `None` where its server does not say.
    pub(super) async fn is_outdated(&self, doubt: &Doubt, known: Option<Marker>) -> Option<bool> {
        match self {
            Store::Embedded(_) => Some(false),
            Store::Shared(store) => store.is_outdated(doubt, known).await,
        }
    }

    /// The last delete of a page. A server that cannot be asked knows of none.
    pub(super) async fn last_delete(&self, key: PageKey) -> Option<Marker> {
        match self {
            Store::Embedded(_) => None,
            Store::Shared(store) => store.memcached.marker(key).await.unwrap_or_default(),
        }
    }
}

impl Embedded {
    fn take(&self, job: Job) -> Result<(), Dropped> {
        let (key, stamp, bytes) = (job.key, job.stamp, job.entry.len());
        let tags = Tags::clone(&job.tags);
        let put = || {
            self.memory
                .put(key, job.entry, job.tags, job.started, job.life)
        };
        match self.deletes.unless_deleted(&key, &tags, stamp, put) {
            Some(true) => {
                observe::stored(&key, bytes);
                Ok(())
            }
            Some(false) => Err(Dropped::TooLarge),
            None => Err(Dropped::Deleted),
        }
    }
}

impl Shared {
    /// A page in the writer's queue, unless it may have been deleted since its render began.
    async fn queued(&self, key: PageKey) -> Option<Found> {
        let (found, doubt) = self.writer.pending(&key)?;
        let is_outdated = Box::pin(self.is_outdated(&doubt, None)).await;
        (is_outdated == Some(false)).then_some(found)
    }

    async fn is_outdated(&self, doubt: &Doubt, known: Option<Marker>) -> Option<bool> {
        let markers = self.memcached.markers(doubt.key, &doubt.tags).await;
        let mut markers = markers.ok()?;
        let known = known.and_then(|marker| marker.number);
        let is_new = |marker: &Marker| marker.number.is_none() || marker.number != known;
        markers.page = markers.page.filter(is_new);
        let server = self.memcached.server_of(&doubt.key);
        Some(doubt.is_deleted(&markers, server, &self.deletes))
    }

    /// Notes pages as deleted that are still there, and looks at them.
    async fn mark(
        &self,
        clients: &[Client],
        keys: &[PageKey],
    ) -> Vec<Result<Option<Look>, StoreError>> {
        keys.iter().for_each(|key| self.writer.forget(key));
        let marks = self.memcached.marks();
        let mark = marks.begin();
        let looks = self.memcached.looks(clients, keys, Some(mark)).await;
        // A render that began before the marker was there may have read what is older.
        keys.iter().for_each(|key| self.deletes.delete(key, || ()));
        marks.end_if_answered(mark, &looks);
        looks
    }

    async fn copy(&self, key: PageKey) -> Option<Entry> {
        if self.memcached.upstream_of(&key).owes() {
            // It may be of before a change, as what is looked up there.
            return None;
        }
        let copy = self.memcached.copy(key).await.unwrap_or_default();
        copy.map(|found| found.entry)
    }

    async fn ask(
        &self,
        key: PageKey,
        on_send: Option<OnSend>,
    ) -> Result<Option<Found>, StoreError> {
        let upstream = self.memcached.upstream_of(&key);
        if upstream.owes() {
            // A page is there that a change of this process has made old, perhaps this one.
            return Ok(None);
        }
        let asked = Instant::now();
        let answer = lookup::page(upstream, key, on_send).await;
        observe::looked_up(&key, asked.elapsed(), answer.as_ref().err());
        if answer.is_err() {
            // A failing server is probed from the writer's thread.
            self.writer.ensure_started();
        }
        answer
    }
}
