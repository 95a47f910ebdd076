//! The servers, each with its breaker, and which of them a page is on.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::timeout;

use super::client::MAX_PIECE;
use super::client::{Client, Look, Marker, Markers, Question};
use super::counted::Received;
use super::error::StoreError;
use super::lookup;
use crate::breaker::Breaker;
use crate::entry::{Entry, Found};
use crate::expiring::Expiring;
use crate::key::PageKey;
use crate::layout::Layout;
use crate::observe;
use crate::placement::{Placement, Ring};
use crate::server::Server;
use crate::tag::TagKey;

/// One server, as all workers and the writer see it.
#[derive(Debug)]
pub(crate) struct Upstream {
    server: Server,
    address: String,
    timeout: Duration,
    /// Tells this page cache's deletes from those of others.
    owner: u64,
    layout: Layout,
    max_value: usize,
    /// What it has sent, whoever of this process asked for it.
    received: Received,
    breaker: Breaker,
    /// Told when the breaker opens: someone has to probe.
    opened: Notify,
    /// Pages known to be large, which are looked up apart from the others.
    large: Expiring<()>,
    /// Whether there has ever been one.
    any_large: AtomicBool,
}

/// A larger page is looked up apart from the others. In bytes.
const LARGE: usize = 64 << 10;

/// How many pages, and how long, are known to be large.
const MAX_LARGE: u64 = 10_000;
const LARGE_FOR: Duration = Duration::from_secs(600);

impl Upstream {
    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// A client of this server, for one runtime.
    pub(crate) fn client(&self) -> Client {
        Client::new(
            &self.address,
            self.owner,
            self.layout,
            self.max_value,
            &self.received,
        )
    }

    /// A client that reads indexes, too, which others may have added to meanwhile.
    pub(crate) fn writers_client(&self) -> Client {
        Client::new(
            &self.address,
            self.owner,
            self.layout,
            self.max_value.max(2 * MAX_PIECE),
            &self.received,
        )
    }

    /// The bound of everything a visitor could wait for.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(super) fn received(&self) -> &Received {
        &self.received
    }

    pub(crate) fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    pub(crate) fn is_large(&self, key: &PageKey) -> bool {
        self.any_large.load(Ordering::Relaxed) && self.large.get(key).is_some()
    }

    /// Notes how many bytes a page has; whether it is large.
    pub(crate) fn note_size(&self, key: &PageKey, bytes: usize) -> bool {
        let is_large = bytes > LARGE;
        if is_large {
            self.any_large.store(true, Ordering::Relaxed);
            self.large.put(*key, (), 1, Instant::now() + LARGE_FOR);
        } else if self.is_large(key) {
            self.large.remove(key);
        }
        is_large
    }

    pub(crate) async fn opened(&self) {
        self.opened.notified().await;
    }

    /// An error while the server is skipped.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        if self.breaker.is_open() {
            return Err(StoreError::Skipped {
                server: self.address.clone(),
            });
        }
        Ok(())
    }

    async fn looks(
        &self,
        client: &Client,
        keys: &[PageKey],
        marks: bool,
    ) -> Vec<Result<Option<Look>, StoreError>> {
        let all = |error: StoreError| keys.iter().map(|_| Err(error.clone())).collect();
        if keys.is_empty() {
            return Vec::new();
        }
        if let Err(skipped) = self.check() {
            return all(skipped);
        }
        let asked = async {
            match marks {
                true => client.mark(keys).await,
                false => client.looks(keys).await,
            }
        };
        let answers: Vec<Result<_, _>> = match timeout(self.timeout, asked).await {
            Ok(answers) => answers,
            Err(_) => all(StoreError::timed_out(&self.address)),
        };
        let mut failures = answers.iter().filter_map(|answer| answer.as_ref().err());
        self.note(failures.find(|error| !error.is_an_answer()));
        answers
    }

    /// Notes how an exchange went.
    pub(crate) fn note(&self, failure: Option<&StoreError>) {
        match failure {
            Some(error) if !error.is_an_answer() => {
                if self.breaker.failed() {
                    observe::breaker(&self.address, Some(error));
                    self.opened.notify_one();
                }
            }
            _ => self.breaker.succeeded(),
        }
    }
}

/// Memcached, one server or many.
#[derive(Debug)]
pub(crate) struct Memcached {
    ring: Ring,
    upstreams: Vec<Arc<Upstream>>,
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
        let owner = RandomState::new().hash_one(std::process::id());
        let upstream = |server: &Server| {
            Arc::new(Upstream {
                address: server.address(),
                server: server.clone(),
                timeout,
                owner,
                layout,
                max_value,
                received: Received::default(),
                breaker: Breaker::new(),
                opened: Notify::new(),
                large: Expiring::new(MAX_LARGE),
                any_large: AtomicBool::new(false),
            })
        };
        Memcached {
            ring: Ring::new(servers, placement),
            upstreams: servers.iter().map(upstream).collect(),
        }
    }

    pub(crate) fn upstreams(&self) -> &[Arc<Upstream>] {
        &self.upstreams
    }

    /// The number of the server that `key` is on.
    pub(crate) fn server_of(&self, key: &PageKey) -> usize {
        self.ring.server_of(key)
    }

    pub(crate) async fn get(&self, key: PageKey) -> Result<Option<Found>, StoreError> {
        let upstream = &self.upstreams[self.server_of(&key)];
        upstream.check()?;
        lookup::page(upstream, key).await
    }

    /// The copy of a page that stands in for errors.
    pub(crate) async fn copy(&self, key: PageKey) -> Result<Option<Found>, StoreError> {
        let upstream = &self.upstreams[self.server_of(&key)];
        upstream.check()?;
        lookup::copy(upstream, key).await
    }

    /// A page as who looks after it sees it: see [`Client::peek`]. It is asked for on a
    /// connection of its own.
    pub(crate) async fn peek(
        &self,
        key: &PageKey,
    ) -> Result<Option<(Entry, Option<Duration>)>, StoreError> {
        let upstream = &self.upstreams[self.server_of(key)];
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
    /// runtime that runs; marks them as deleted before that, where it `marks`.
    pub(crate) async fn looks(
        &self,
        clients: &[Client],
        keys: &[PageKey],
        marks: bool,
    ) -> Vec<Result<Option<Look>, StoreError>> {
        let mut looks: Vec<_> = keys.iter().map(|_| Ok(None)).collect();
        for (number, (upstream, client)) in self.upstreams.iter().zip(clients).enumerate() {
            let there = |at: &usize| self.server_of(&keys[*at]) == number;
            let places: Vec<_> = (0..keys.len()).filter(there).collect();
            let asked: Vec<_> = places.iter().map(|at| keys[*at]).collect();
            let answers = upstream.looks(client, &asked, marks).await;
            for (at, answer) in places.into_iter().zip(answers) {
                looks[at] = answer;
            }
        }
        looks
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
        let upstream = &self.upstreams[self.server_of(&key)];
        upstream.check()?;
        lookup::lock_of(upstream, question).await
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
        let upstream = &self.upstreams[self.server_of(&key)];
        upstream.check()?;
        let tags = tags.iter().map(|tag| Question::Purged(*tag));
        let questions = std::iter::once(Question::Marker(key)).chain(tags);
        let mut markers = lookup::markers(upstream, questions).await?.into_iter();
        Ok(Markers {
            page: markers.next().flatten(),
            tags: markers.collect(),
        })
    }
}
