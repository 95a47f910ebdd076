//! The servers, and which of them a page is on.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use tokio::time::timeout;

use super::client::{Client, Look, Marker, Markers, Question};
use super::error::StoreError;
use super::lookup;
use super::marks::{Mark, Marks};
use super::upstream::Upstream;
use crate::entry::{Entry, Found};
use crate::key::PageKey;
use crate::layout::Layout;
use crate::placement::{Placement, Ring};
use crate::server::Server;
use crate::tag::TagKey;

/// So many pages a server is asked for at once, within its timeout.
const AT_ONCE: usize = 1000;

/// Memcached, one server or many.
#[derive(Debug)]
pub(crate) struct Memcached {
    ring: Ring,
    upstreams: Vec<Arc<Upstream>>,
    marks: Arc<Marks>,
}

impl Memcached {
    /// `max_value`: larger values are not read, in bytes.
    pub(crate) fn new(
        servers: &[Server],
        placement: Placement,
        timeout: Duration,
        layout: Layout,
        max_value: usize,
    ) -> Memcached {
        let marks = Arc::new(Marks::new(RandomState::new().hash_one(std::process::id())));
        let upstream =
            |server: &Server| Arc::new(Upstream::new(server, timeout, &marks, layout, max_value));
        Memcached {
            ring: Ring::new(servers, placement),
            upstreams: servers.iter().map(upstream).collect(),
            marks,
        }
    }

    pub(crate) fn upstreams(&self) -> &[Arc<Upstream>] {
        &self.upstreams
    }

    /// The markers that this process makes.
    pub(crate) fn marks(&self) -> &Marks {
        &self.marks
    }

    /// The number of the server that `key` is on.
    pub(crate) fn server_of(&self, key: &PageKey) -> usize {
        self.ring.server_of(key)
    }

    /// The server that `key` is on.
    pub(crate) fn upstream_of(&self, key: &PageKey) -> &Arc<Upstream> {
        &self.upstreams[self.server_of(key)]
    }

    /// The copy of a page that stands in for errors.
    pub(crate) async fn copy(&self, key: PageKey) -> Result<Option<Found>, StoreError> {
        lookup::copy(self.upstream_of(&key), key).await
    }

    /// A page as who looks after it sees it: see [`Client::peek`]. It is asked for on a
    /// connection of its own.
    pub(crate) async fn peek(
        &self,
        key: &PageKey,
    ) -> Result<Option<(Entry, Option<Duration>)>, StoreError> {
        let upstream = self.upstream_of(key);
        let client = upstream.client();
        let timed_out = |_| StoreError::timed_out(upstream.address());
        let asked = timeout(upstream.timeout(), client.peek(key));
        asked.await.map_err(timed_out)?
    }

    /// Clients of all servers, for one runtime.
    pub(crate) fn clients(&self) -> Vec<Client> {
        self.upstreams.iter().map(|one| one.client()).collect()
    }

    /// Looks at pages without reading them, with [`clients`](Self::clients) of the
    /// runtime that runs; marks them as deleted before that, where there is a mark.
    pub(crate) async fn looks(
        &self,
        clients: &[Client],
        keys: &[PageKey],
        mark: Option<Mark>,
    ) -> Vec<Result<Option<Look>, StoreError>> {
        let look = async |client: &Client, keys: &[PageKey]| match mark {
            Some(mark) => client.mark(keys, mark).await,
            None => client.looks(keys).await,
        };
        self.ask_each(clients, keys, look).await
    }

    /// What is noted beside pages of how they are asked for, likewise.
    pub(crate) async fn notes(
        &self,
        clients: &[Client],
        keys: &[PageKey],
    ) -> Vec<Result<Option<Bytes>, StoreError>> {
        let notes = async |client: &Client, keys: &[PageKey]| client.notes(keys).await;
        self.ask_each(clients, keys, notes).await
    }

    /// Asks each page's server for it.
    async fn ask_each<T>(
        &self,
        clients: &[Client],
        keys: &[PageKey],
        ask: impl AsyncFn(&Client, &[PageKey]) -> Vec<Result<Option<T>, StoreError>>,
    ) -> Vec<Result<Option<T>, StoreError>> {
        let mut all: Vec<_> = keys.iter().map(|_| Ok(None)).collect();
        for (number, (upstream, client)) in self.upstreams.iter().zip(clients).enumerate() {
            let there = |at: &usize| self.server_of(&keys[*at]) == number;
            let places: Vec<_> = (0..keys.len()).filter(there).collect();
            for places in places.chunks(AT_ONCE) {
                let asked: Vec<_> = places.iter().map(|at| keys[*at]).collect();
                let answers = upstream.answers(asked.len(), ask(client, &asked)).await;
                for (at, answer) in places.iter().zip(answers) {
                    all[*at] = answer;
                }
            }
        }
        all
    }

    /// Takes the lock of a page, so that no other process renders it meanwhile; false
    /// where another has it.
    pub(crate) async fn lock(&self, key: PageKey) -> Result<bool, StoreError> {
        self.lock_of(key, Question::Lock(key)).await
    }

    /// Lets the lock live on.
    pub(crate) async fn keep_lock(&self, key: PageKey) -> Result<bool, StoreError> {
        self.lock_of(key, Question::KeepLock(key)).await
    }

    /// Gives the lock back.
    pub(crate) async fn unlock(&self, key: PageKey) -> Result<bool, StoreError> {
        self.lock_of(key, Question::Unlock(key)).await
    }

    async fn lock_of(&self, key: PageKey, question: Question) -> Result<bool, StoreError> {
        lookup::lock_of(self.upstream_of(&key), question).await
    }

    /// The delete marker of a page.
    pub(crate) async fn marker(&self, key: PageKey) -> Result<Option<Marker>, StoreError> {
        Ok(self.markers(key, &[]).await?.page)
    }

    /// The delete markers of a page and of its tags.
    pub(crate) async fn markers(
        &self,
        key: PageKey,
        tags: &[TagKey],
    ) -> Result<Markers, StoreError> {
        let upstream = self.upstream_of(&key);
        let tags = tags.iter().map(|tag| Question::Purged(*tag));
        let questions = std::iter::once(Question::Marker(key)).chain(tags);
        let mut markers = lookup::markers(upstream, questions).await?.into_iter();
        Ok(Markers {
            page: markers.next().flatten(),
            tags: markers.collect(),
        })
    }
}
