//! One server with its breaker, shared by all who ask it.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::timeout;

use super::client::{Client, MAX_PIECE};
use super::counted::Received;
use super::error::StoreError;
use super::marks::Marks;
use crate::breaker::Breaker;
use crate::expiring::Expiring;
use crate::key::PageKey;
use crate::layout::Layout;
use crate::observe;
use crate::server::Server;
use crate::sync::Arc;

/// One server, as all workers and the writer see it.
#[derive(Debug)]
pub(crate) struct Upstream {
    server: Server,
    address: String,
    timeout: Duration,
    /// Tells this page cache's deletes from those of others.
    marks: Arc<Marks>,
    layout: Layout,
    max_value: usize,
    /// What it has sent, whoever of this process asked for it.
    received: Received,
    breaker: Breaker,
    /// Whether it has still to purge what a change of this process has made old.
    owes: AtomicBool,
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
    pub(super) fn new(
        server: &Server,
        timeout: Duration,
        marks: &Arc<Marks>,
        layout: Layout,
        max_value: usize,
    ) -> Upstream {
        Upstream {
            address: server.address(),
            server: server.clone(),
            timeout,
            marks: Arc::clone(marks),
            layout,
            max_value,
            received: Received::default(),
            breaker: Breaker::new(),
            owes: AtomicBool::new(false),
            opened: Notify::new(),
            large: Expiring::new(MAX_LARGE),
            any_large: AtomicBool::new(false),
        }
    }

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
            &self.marks,
            self.layout,
            self.max_value,
            &self.received,
        )
    }

    /// A client that reads indexes, too, which others may have added to meanwhile.
    pub(crate) fn writers_client(&self) -> Client {
        Client::new(
            &self.address,
            &self.marks,
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

    pub(crate) fn owes(&self) -> bool {
        self.owes.load(Ordering::Acquire)
    }

    pub(crate) fn set_owes(&self, owes: bool) {
        self.owes.store(owes, Ordering::Release);
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

    /// Waits for `count` answers, as long as a lookup may take; asks nothing of a server
    /// that is skipped.
    pub(super) async fn answers<T>(
        &self,
        count: usize,
        exchange: impl Future<Output = Vec<Result<T, StoreError>>>,
    ) -> Vec<Result<T, StoreError>> {
        match self.check() {
            Ok(()) => self.within(self.timeout, count, exchange).await,
            Err(skipped) => (0..count).map(|_| Err(skipped.clone())).collect(),
        }
    }

    /// Waits for `count` answers, within `bound`, and notes how it went.
    pub(crate) async fn within<T>(
        &self,
        bound: Duration,
        count: usize,
        exchange: impl Future<Output = Vec<Result<T, StoreError>>>,
    ) -> Vec<Result<T, StoreError>> {
        let timed_out = || Err(StoreError::timed_out(&self.address));
        let answers = timeout(bound, exchange).await;
        let answers = answers.unwrap_or_else(|_| (0..count).map(|_| timed_out()).collect());
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
