//! One server's share of the writer.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::queue::{Delete, Sending, Work};
use super::{Drop, Shared};
use crate::entry::Entry;
use crate::observe;
use crate::store::client::{Client, MARKER_LIFE, Outgoing};
use crate::store::error::StoreError;
use crate::store::memcached::Upstream;

/// The bounds of one batch.
const MAX_BATCH_BYTES: usize = 1 << 20;
const MAX_BATCH_PAGES: usize = 256;

/// A whole batch may take longer than a visitor would wait.
const BATCH_TIMEOUT: Duration = Duration::from_secs(2);

/// Memcached's clock counts whole seconds, and so does the marker's age.
const CLOCK_SLACK: u64 = 2;

/// A render that took longer, with its time in the queue, cannot tell any more
/// whether its page was deleted meanwhile: the marker may be gone.
const MAX_RENDER: Duration = Duration::from_secs(MARKER_LIFE as u64 - 10);

/// How often a page that was deleted meanwhile is deleted again.
const REMOVE_TRIES: u32 = 3;

/// Runs every lane until the queue is closed and drained.
pub(super) fn run_all(shared: &Arc<Shared>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            observe::no_writer(&error);
            shared.queue.close();
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
            };
            lanes.spawn(lane.run());
        }
        while lanes.join_next().await.is_some() {}
    });
}

struct Lane {
    shared: Arc<Shared>,
    upstream: Arc<Upstream>,
    number: usize,
    client: Option<Client>,
}

impl Lane {
    async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let upstream = Arc::clone(&self.upstream);
        tokio::select! {
            () = self.work() => {}
            () = probe_for_ever(&upstream) => {}
        }
        drop(shared);
    }

    async fn work(&mut self) {
        loop {
            match self
                .shared
                .queue
                .next(self.number, MAX_BATCH_BYTES, MAX_BATCH_PAGES)
            {
                Work::Deletes(deletes) => self.delete(deletes).await,
                Work::Pages(pages) => self.send(pages).await,
                Work::Nothing => self.shared.queue.work(self.number).await,
                Work::Over => return,
            }
        }
    }

    async fn client(&mut self) -> Result<Client, StoreError> {
        if self.client.is_none() {
            self.client = Some(Client::connect(self.upstream.address(), BATCH_TIMEOUT, 1).await?);
        }
        self.client.clone().ok_or(StoreError::NoWriter)
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

    async fn delete(&mut self, deletes: Vec<Delete>) {
        for Delete { key, sender } in deletes {
            let answer = self
                .ask(|client| async move { client.delete(&key).await })
                .await;
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
            Ok(answers) if !answers.is_empty() => {
                let sent = pages.iter().zip(&answers);
                for ((page, outgoing), answer) in sent {
                    match answer {
                        Ok(stored) => {
                            observe::stored(&outgoing.key, outgoing.entry.bytes().len());
                            self.remove_if_deleted(page, stored.deleted_ago).await;
                        }
                        Err(error) => observe::store_failed(&outgoing.key, error),
                    }
                }
                answers.len()
            }
            Ok(_) => pages.len(),
            Err(error) => {
                for (_, outgoing) in pages {
                    observe::store_failed(&outgoing.key, &error);
                }
                pages.len()
            }
        }
    }

    /// Deletes a page again whose render began before another process deleted
    /// it: by Memcached's own clock, the marker is younger than the render.
    async fn remove_if_deleted(&mut self, page: &Sending, deleted_ago: Option<u32>) {
        let rendering = page.job.started.elapsed().as_secs() + CLOCK_SLACK;
        if deleted_ago.is_none_or(|ago| u64::from(ago) > rendering) {
            return;
        }
        let key = page.job.key;
        observe::dropped(&key, Drop::Deleted);
        for pause in 1..=REMOVE_TRIES {
            let removed = self
                .ask(|client| async move { client.remove(&[key]).await })
                .await;
            match removed {
                Ok(()) => return,
                Err(error) if pause == REMOVE_TRIES => observe::not_removed(&key, &error),
                Err(_) => sleep(Duration::from_millis(100) * pause).await,
            }
        }
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
