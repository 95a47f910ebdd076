//! One server's share of the writer.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::{sleep, timeout};

use super::doubts::{Doubt, Doubts, MAX_RENDER};
use super::queue::{Delete, Sending, Work};
use super::{Drop, Shared};
use crate::entry::Entry;
use crate::observe;
use crate::server::warn_if_several;
use crate::store::client::{Client, Outgoing, Stored};
use crate::store::error::StoreError;
use crate::store::memcached::Upstream;

/// The bounds of one batch.
const MAX_BATCH_BYTES: usize = 1 << 20;
const MAX_BATCH_PAGES: usize = 256;

/// A whole batch may take longer than a visitor would wait.
const BATCH_TIMEOUT: Duration = Duration::from_secs(2);

/// How often a lane with doubts looks whether it can settle them.
const SETTLE_PAUSE: Duration = Duration::from_secs(1);

/// Runs every lane until the queue is closed and drained.
pub(super) fn run_all(shared: &Arc<Shared>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            observe::no_writer(&error);
            shared.queue.abandon();
            return;
        }
    };
    runtime.block_on(async {
        let mut lanes = tokio::task::JoinSet::new();
        for (number, upstream) in shared.memcached.upstreams().iter().enumerate() {
            let lane = Lane {
                shared: Arc::clone(shared),
                upstream: Arc::clone(upstream),
                number,
                client: None,
                resolved: false,
                doubts: Doubts::default(),
            };
            lanes.spawn(lane.run());
        }
        while let Some(ended) = lanes.join_next().await {
            if let Err(panic) = ended {
                observe::no_writer(&panic);
                shared.queue.abandon();
            }
        }
    });
}

struct Lane {
    shared: Arc<Shared>,
    upstream: Arc<Upstream>,
    number: usize,
    client: Option<Client>,
    /// Whether the server's name has been looked at.
    resolved: bool,
    doubts: Doubts,
}

impl Lane {
    async fn run(mut self) {
        let upstream = Arc::clone(&self.upstream);
        tokio::select! {
            () = self.work() => {}
            () = probe_for_ever(&upstream) => {}
        }
    }

    async fn work(&mut self) {
        loop {
            let work = self
                .shared
                .queue
                .next(self.number, MAX_BATCH_BYTES, MAX_BATCH_PAGES);
            match work {
                Work::Deletes(deletes) => self.delete(deletes).await,
                Work::Pages(pages) => self.send(pages).await,
                Work::Nothing => self.rest().await,
                Work::Over => return,
            }
        }
    }

    /// Waits for work, and settles doubts meanwhile.
    async fn rest(&mut self) {
        let work = self.shared.queue.work(self.number);
        if self.doubts.is_empty() {
            work.await;
        } else if timeout(SETTLE_PAUSE, work).await.is_err() {
            self.settle().await;
        }
    }

    async fn client(&mut self) -> Result<Client, StoreError> {
        if self.client.is_none() {
            self.resolve().await;
            self.client = Some(Client::connect(self.upstream.address(), BATCH_TIMEOUT, 1).await?);
        }
        self.client.clone().ok_or(StoreError::NoWriter)
    }

    /// A name that is several servers to nginx is one to the application.
    async fn resolve(&mut self) {
        if self.resolved {
            return;
        }
        if let Ok(addresses) = lookup_host(self.upstream.address()).await {
            self.resolved = true;
            warn_if_several(self.upstream.server(), &addresses.collect::<Vec<_>>());
        }
    }

    /// Asks the server for something, within a bound, and notes how it went.
    async fn ask<T, F>(&mut self, exchange: impl FnOnce(Client) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let asked = timeout(BATCH_TIMEOUT, async {
            let client = self.client().await?;
            exchange(client).await
        });
        let answer = asked
            .await
            .unwrap_or_else(|_| Err(StoreError::timed_out(self.upstream.address())));
        self.upstream.note(answer.as_ref().err());
        if answer.is_err() {
            self.client = None;
        }
        answer
    }

    /// Deletes pages one after the other. Once the server has not answered in
    /// time, those who wait for the rest do not wait for it again.
    async fn delete(&mut self, deletes: Vec<Delete>) {
        let mut hung = None;
        for Delete { key, sender } in deletes {
            let answer = match hung.clone() {
                Some(error) => Err(error),
                None => {
                    self.ask(|client| async move { client.delete(&key).await })
                        .await
                }
            };
            if let Err(error @ StoreError::TimedOut { .. }) = &answer {
                hung = Some(error.clone());
            }
            observe::deleted(&key, &answer);
            // The caller may have given up.
            let _ = sender.send(answer);
        }
    }

    async fn send(&mut self, pages: Vec<Sending>) {
        let mut pages = self.ready(pages);
        while !pages.is_empty() {
            let done = match self.upstream.check() {
                Ok(()) => self.send_some(&pages).await,
                Err(skipped) => {
                    for (page, _) in &pages {
                        observe::store_failed(&page.job.key, &skipped);
                    }
                    pages.len()
                }
            };
            for (page, _) in pages.drain(..done) {
                self.shared.queue.done(&page);
            }
        }
    }

    /// The pages still worth sending, in the form in which they are stored.
    fn ready(&self, pages: Vec<Sending>) -> Vec<(Sending, Outgoing)> {
        let mut ready = Vec::with_capacity(pages.len());
        for page in pages {
            match self.outgoing(&page) {
                Ok(outgoing) => ready.push((page, outgoing)),
                Err(reason) => {
                    observe::dropped(&page.job.key, reason);
                    self.shared.queue.done(&page);
                }
            }
        }
        ready
    }

    fn outgoing(&self, page: &Sending) -> Result<Outgoing, Drop> {
        let job = &page.job;
        let left = job.left().filter(|_| job.started.elapsed() < MAX_RENDER);
        let left = left.ok_or(Drop::Expired)?;
        let deletes = &self.shared.deletes;
        deletes
            .unless_deleted(&job.key, job.stamp, || ())
            .ok_or(Drop::Deleted)?;
        let entry = self.packed(job.entry.clone());
        if entry.bytes().len() > self.shared.max_entry_size {
            return Err(Drop::TooLarge);
        }
        Ok(Outgoing {
            key: job.key,
            entry,
            // Memcached lets an item live for up to a second less.
            life: left.as_secs().max(1),
        })
    }

    fn packed(&self, entry: Entry) -> Entry {
        if self.shared.gzip {
            entry.packed()
        } else {
            entry
        }
    }

    /// Sends as many pages as the server takes in one exchange; how many of
    /// them are done with, which is at least one.
    async fn send_some(&mut self, pages: &[(Sending, Outgoing)]) -> usize {
        let outgoing: Vec<_> = pages.iter().map(|(_, outgoing)| outgoing.clone()).collect();
        let answers = self
            .ask(|client| async move {
                let answers = client.put(&outgoing).await;
                match answers.first() {
                    // Nothing was stored: as a whole, the exchange failed.
                    Some(Err(error)) if !error.is_an_answer() => Err(error.clone()),
                    _ => Ok(answers),
                }
            })
            .await;
        match answers {
            Ok(answers) if !answers.is_empty() => self.sent(pages, answers).await,
            Ok(_) => pages.len(),
            Err(error) => {
                for (page, _) in pages {
                    self.failed(page, &error);
                }
                pages.len()
            }
        }
    }

    /// Notes what became of pages; of how many it is known.
    async fn sent(
        &mut self,
        pages: &[(Sending, Outgoing)],
        answers: Vec<Result<Stored, StoreError>>,
    ) -> usize {
        let count = answers.len();
        let mut deleted = Vec::new();
        for ((page, outgoing), answer) in pages.iter().zip(answers) {
            match answer {
                Ok(stored) => {
                    observe::stored(&outgoing.key, outgoing.entry.bytes().len());
                    let doubt = doubt(page);
                    if doubt.may_be_deleted(stored.deleted_ago) {
                        deleted.push(doubt);
                    }
                }
                Err(error) => {
                    if !error.is_an_answer() {
                        self.upstream.note(Some(&error));
                    }
                    self.failed(page, &error);
                }
            }
        }
        self.remove(deleted).await;
        count
    }

    fn failed(&mut self, page: &Sending, error: &StoreError) {
        observe::store_failed(&page.job.key, error);
        if !error.is_an_answer() {
            self.doubt(doubt(page));
        }
    }

    fn doubt(&mut self, doubt: Doubt) {
        if let Some(forgotten) = self.doubts.add(doubt) {
            observe::doubt_forgotten(&forgotten.key);
        }
    }

    /// Removes again what was deleted since its render began; until that has
    /// worked, it is in doubt.
    async fn remove(&mut self, deleted: Vec<Doubt>) {
        if deleted.is_empty() {
            return;
        }
        let keys: Vec<_> = deleted.iter().map(|doubt| doubt.key).collect();
        for key in &keys {
            observe::dropped(key, Drop::Deleted);
        }
        let removed = self
            .ask(|client| async move { client.remove(&keys).await })
            .await;
        if removed.is_err() {
            for doubt in deleted {
                self.doubt(doubt);
            }
        }
    }

    /// Looks at the delete markers of pages in doubt, where the server answers.
    async fn settle(&mut self) {
        if self.upstream.check().is_err() {
            return;
        }
        let doubts = self.doubts.oldest(MAX_BATCH_PAGES);
        let keys: Vec<_> = doubts.iter().map(|doubt| doubt.key).collect();
        let ages = self
            .ask(|client| async move { client.deleted_ago(&keys).await })
            .await;
        let Ok(ages) = ages else { return };
        self.doubts.settled(doubts.len());
        let deleted = doubts
            .into_iter()
            .zip(ages)
            .filter_map(|(doubt, ago)| doubt.may_be_deleted(ago).then_some(doubt));
        let deleted = deleted.collect();
        self.remove(deleted).await;
    }
}

fn doubt(page: &Sending) -> Doubt {
    Doubt {
        key: page.job.key,
        started: page.job.started,
    }
}

/// Probes the server each time its breaker has opened, until it answers.
async fn probe_for_ever(upstream: &Upstream) {
    loop {
        upstream.opened().await;
        while upstream.breaker().is_open() {
            sleep(upstream.breaker().next_pause(jitter())).await;
            if probe(upstream).await.is_ok() {
                upstream.breaker().close();
                observe::breaker(upstream.address(), None);
            }
        }
    }
}

/// A new client for each probe: the server's address may have changed.
async fn probe(upstream: &Upstream) -> Result<(), StoreError> {
    let probed = timeout(upstream.timeout(), async {
        let client = Client::connect(upstream.address(), upstream.timeout(), 1).await?;
        client.probe().await
    });
    probed
        .await
        .unwrap_or_else(|_| Err(StoreError::timed_out(upstream.address())))
}

/// A number from 0 to 1 that differs between processes and moments.
fn jitter() -> f64 {
    use std::hash::BuildHasher;
    let random = std::hash::RandomState::new().hash_one(0_u8);
    (random >> 32) as f64 / f64::from(u32::MAX)
}
