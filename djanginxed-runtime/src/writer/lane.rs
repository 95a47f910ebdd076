//! One server's share of the writer.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::Works;
use super::doubts::{Doubt, Doubts, MAX_RENDER};
use super::purging::{Progress, Purging};
use super::queue::{Delete, Sending, Work};
use crate::entry::Entry;
use crate::observe;
use crate::reason::Dropped;
use crate::server::warn_if_several;
use crate::store::client::{Client, MAX_PIECE, Outgoing, Taken};
use crate::store::error::StoreError;
use crate::store::index::Piece;
use crate::store::upstream::Upstream;
use crate::tag::Tags;

/// The bounds of one batch.
const MAX_BATCH_BYTES: usize = 1 << 20;
const MAX_BATCH_PAGES: usize = 256;

/// A whole batch may take longer than a visitor would wait.
const BATCH_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a lane lets pages gather, so that it is not woken for each of them:
/// on a small machine that takes time from those who render.
const GATHER: Duration = Duration::from_millis(5);

/// More pieces of indexes than these are not remembered as packed.
const MAX_PACKED: usize = 4096;

/// How often a lane with doubts looks whether it can settle them.
const SETTLE_PAUSE: Duration = Duration::from_secs(1);

/// Runs every lane until the queue is closed and drained.
pub(super) fn run_all(shared: &Arc<Works>) {
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
                client: upstream.writers_client(),
                upstream: Arc::clone(upstream),
                number,
                resolved: false,
                doubts: Doubts::default(),
                purging: VecDeque::new(),
                packed: HashMap::new(),
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
    shared: Arc<Works>,
    upstream: Arc<Upstream>,
    number: usize,
    client: Client,
    /// Whether the server's name has been looked at.
    resolved: bool,
    doubts: Doubts,
    /// Purges under way, in their order.
    purging: VecDeque<Purging>,
    /// How many bytes the larger pieces of indexes had when they were packed.
    packed: HashMap<Piece, usize>,
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
                Work::Purge(purge) => self.purging.push_back(Purging::new(purge)),
                Work::Pages(pages) => {
                    self.send(pages).await;
                    if self.purging.is_empty() {
                        self.gather().await;
                    }
                }
                Work::Nothing if !self.purging.is_empty() => {}
                Work::Nothing => self.rest().await,
                Work::Over if self.purging.is_empty() => return,
                Work::Over => {}
            }
            self.purge().await;
        }
    }

    /// Waits for work, and settles doubts meanwhile.
    async fn rest(&mut self) {
        let work = self.shared.queue.work(self.number);
        if self.doubts.is_empty() {
            work.await;
        } else if timeout(SETTLE_PAUSE, work).await.is_err() {
            return self.settle().await;
        }
        self.gather().await;
    }

    async fn gather(&self) {
        // It is over when someone is in a hurry, or after its time.
        let _ = timeout(GATHER, self.shared.queue.hurry(self.number)).await;
    }

    /// A name that is several servers to nginx is one to the application.
    async fn resolve(&mut self) {
        if self.resolved || self.upstream.server().is_socket() {
            return;
        }
        let addresses = timeout(BATCH_TIMEOUT, lookup_host(self.upstream.address())).await;
        if let Ok(Ok(addresses)) = addresses {
            self.resolved = true;
            warn_if_several(self.upstream.server(), &addresses.collect::<Vec<_>>());
        }
    }

    /// Waits for `count` answers, within a bound, and notes how it went.
    async fn answers<T>(
        &self,
        bound: Duration,
        count: usize,
        exchange: impl Future<Output = Vec<Result<T, StoreError>>>,
    ) -> Vec<Result<T, StoreError>> {
        let timed_out = || Err(StoreError::timed_out(self.upstream.address()));
        let answers = timeout(bound, exchange).await;
        let answers = answers.unwrap_or_else(|_| (0..count).map(|_| timed_out()).collect());
        let mut failures = answers.iter().filter_map(|answer| answer.as_ref().err());
        self.upstream
            .note(failures.find(|error| !error.is_an_answer()));
        answers
    }

    /// Deletes are tried while the server is skipped, too, but not for long.
    fn bound(&self) -> Duration {
        match self.upstream.check() {
            Ok(()) => BATCH_TIMEOUT,
            Err(_) => self.upstream.timeout(),
        }
    }

    async fn delete(&mut self, deletes: Vec<Delete>) {
        let bound = self.bound();
        let keys: Vec<_> = deletes.iter().map(|delete| delete.key).collect();
        let exchange = self.client.delete(&keys);
        let answers = self.answers(bound, keys.len(), exchange).await;
        for (delete, answer) in deletes.into_iter().zip(answers) {
            observe::deleted(&delete.key, &answer);
            // The caller may have given up.
            let _ = delete.sender.send(answer);
        }
    }

    /// Goes on with the first purge by one exchange: others are not to wait for all of a
    /// large one.
    async fn purge(&mut self) {
        let Some(mut purging) = self.purging.pop_front() else {
            return;
        };
        let step = timeout(self.bound(), purging.step(&self.client)).await;
        let step = step.unwrap_or_else(|_| Err(StoreError::timed_out(self.upstream.address())));
        self.upstream.note(step.as_ref().err());
        if !matches!(step, Ok(Progress::Some)) {
            // A render that began before the marker was there may have read what is older.
            self.shared.deletes.purge(purging.tags(), || ());
        }
        match step {
            Ok(Progress::Done) => purging.end(None),
            Ok(Progress::Marked | Progress::Some) => self.purging.push_back(purging),
            Err(failure) => purging.end(Some(failure)),
        }
    }

    async fn send(&mut self, pages: Vec<Sending>) {
        let pages = self.packed(pages).await;
        let pages = self.ready(pages);
        if pages.is_empty() {
            return;
        }
        match self.upstream.check() {
            Ok(()) => self.store(&pages).await,
            Err(skipped) => {
                for (page, _) in &pages {
                    observe::store_failed(&page.job.key, &skipped);
                }
            }
        }
        let sent = pages.iter().map(|(page, _)| page);
        self.shared.queue.done(sent);
    }

    /// The pages with their entries in the form in which they are stored. Packing
    /// takes long, so a thread of its own does it; deletes do not wait for that.
    async fn packed(&mut self, pages: Vec<Sending>) -> Vec<(Sending, Entry)> {
        let plain = |page: Sending| {
            let entry = page.job.entry.clone();
            (page, entry)
        };
        if !self.shared.gzip {
            return pages.into_iter().map(plain).collect();
        }
        let entries = pages.iter().map(|page| page.job.entry.clone()).collect();
        let shared = Arc::clone(&self.shared);
        let mut packing = pin!(pack(&shared.packers, entries));
        let packed = loop {
            tokio::select! {
                packed = &mut packing => break packed,
                deletes = shared.queue.deletes(self.number) => self.delete(deletes).await,
            }
        };
        match packed {
            Some(entries) => pages.into_iter().zip(entries).collect(),
            // What is not packed is right as well.
            None => pages.into_iter().map(plain).collect(),
        }
    }

    /// The pages still worth sending.
    fn ready(&self, pages: Vec<(Sending, Entry)>) -> Vec<(Sending, Outgoing)> {
        let mut ready = Vec::with_capacity(pages.len());
        for (page, entry) in pages {
            match self.outgoing(&page, entry) {
                Ok(outgoing) => ready.push((page, outgoing)),
                Err(reason) => {
                    observe::dropped(&page.job.key, reason);
                    self.shared.queue.done([&page]);
                }
            }
        }
        ready
    }

    fn outgoing(&self, page: &Sending, entry: Entry) -> Result<Outgoing, Dropped> {
        let job = &page.job;
        let left = job.left().filter(|_| job.started.elapsed() < MAX_RENDER);
        let left = left.ok_or(Dropped::Expired)?;
        let deletes = &self.shared.deletes;
        deletes
            .unless_deleted(&job.key, &job.tags, job.stamp, || ())
            .ok_or(Dropped::Deleted)?;
        let stored = entry.stored();
        if stored.len() > self.shared.max_entry_size {
            return Err(Dropped::TooLarge);
        }
        Ok(Outgoing {
            key: job.key,
            stored: Some(stored),
            stale: job.life.stale,
            copy: job.copy_left().map(|left| left.as_secs().max(1)),
            // Memcached lets an item live for up to a second less.
            life: left.as_secs().max(1),
            tags: Tags::clone(&job.tags),
        })
    }

    async fn store(&mut self, pages: &[(Sending, Outgoing)]) {
        self.resolve().await;
        let exchange = self.client.put(pages.iter().map(|(_, outgoing)| outgoing));
        let answers = self.answers(BATCH_TIMEOUT, pages.len(), exchange).await;
        let mut outdated = Vec::new();
        let mut large = HashMap::new();
        for ((page, outgoing), answer) in pages.iter().zip(answers) {
            match answer {
                Ok(taken) => {
                    let bytes = outgoing.stored.as_ref().map_or(0, |stored| stored.len());
                    observe::stored(&outgoing.key, bytes);
                    self.upstream.note_size(&outgoing.key, bytes);
                    outdated.extend(self.unless_kept(Doubt::of(&page.job), &taken));
                    large.extend(taken.large);
                }
                Err(error) => {
                    observe::store_failed(&outgoing.key, &error);
                    if !error.is_an_answer() {
                        self.doubt(Doubt::of(&page.job));
                    }
                }
            }
        }
        self.remove(outdated).await;
        self.pack(large).await;
    }

    /// A page that is to be removed again, and why.
    fn unless_kept(&self, doubt: Doubt, taken: &Taken) -> Option<(Doubt, Dropped)> {
        let deletes = &self.shared.deletes;
        if doubt.is_deleted(&taken.markers, self.number, deletes) {
            Some((doubt, Dropped::Deleted))
        } else if !taken.is_listed {
            Some((doubt, Dropped::Unlisted))
        } else {
            None
        }
    }

    /// Packs the pieces of indexes that have grown to twice their size since they were.
    async fn pack(&mut self, large: HashMap<Piece, usize>) {
        for (piece, bytes) in large {
            let before = self.packed.get(&piece).copied().unwrap_or_default();
            if bytes < before.saturating_mul(2) && bytes < MAX_PIECE {
                continue;
            }
            let exchange = async { vec![self.client.pack(piece).await] };
            let packed = self.answers(BATCH_TIMEOUT, 1, exchange).await.pop();
            // Who is asked in vain by others who add to it is asked again, but not soon.
            let packed = packed.and_then(Result::ok).flatten().unwrap_or(bytes);
            if self.packed.len() == MAX_PACKED {
                self.packed.clear();
            }
            self.packed.insert(piece, packed);
        }
    }

    fn doubt(&mut self, doubt: Doubt) {
        if let Some(forgotten) = self.doubts.add(doubt) {
            observe::doubt_forgotten(&forgotten.key);
        }
    }

    /// Removes again what was deleted since its render began, or no purge would find;
    /// until that has worked, it is in doubt.
    async fn remove(&mut self, outdated: Vec<(Doubt, Dropped)>) {
        if outdated.is_empty() {
            return;
        }
        let keys: Vec<_> = outdated.iter().map(|(doubt, _)| doubt.key).collect();
        for (doubt, reason) in &outdated {
            observe::dropped(&doubt.key, *reason);
        }
        let exchange = self.client.remove(&keys);
        let removed = self.answers(BATCH_TIMEOUT, keys.len(), exchange).await;
        for ((doubt, _), removed) in outdated.into_iter().zip(removed) {
            if removed.is_err() {
                self.doubt(doubt);
            }
        }
    }

    /// Where the server answers again: sees that pages in doubt are in the indexes of
    /// their tags, and looks at the deletes that concern them.
    async fn settle(&mut self) {
        if self.upstream.check().is_err() {
            return;
        }
        let doubts = self.doubts.take(MAX_BATCH_PAGES);
        let listing = |doubt: &Doubt| Outgoing {
            key: doubt.key,
            stored: None,
            life: doubt.life(),
            stale: Duration::ZERO,
            copy: None,
            tags: Tags::clone(&doubt.tags),
        };
        let listings: Vec<_> = doubts.iter().map(listing).collect();
        let exchange = self.client.put(listings.iter());
        let answers = self.answers(BATCH_TIMEOUT, doubts.len(), exchange).await;
        let mut outdated = Vec::new();
        for (doubt, answer) in doubts.into_iter().zip(answers) {
            match answer {
                Ok(taken) => outdated.extend(self.unless_kept(doubt, &taken)),
                Err(_) => self.doubt(doubt),
            }
        }
        self.remove(outdated).await;
    }
}

/// Packs entries in a thread that does nothing else, one of a few; `None` if it
/// panicked. The runtime's other such threads resolve names, for which neither
/// deletes nor probes are to wait.
async fn pack(packers: &Semaphore, entries: Vec<Entry>) -> Option<Vec<Entry>> {
    let _one = packers.acquire().await.ok()?;
    let pack = || entries.into_iter().map(Entry::packed).collect();
    tokio::task::spawn_blocking(pack).await.ok()
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

/// A new connection for each probe: the server's address may have changed.
async fn probe(upstream: &Upstream) -> Result<(), StoreError> {
    let client = upstream.client();
    let probed = timeout(upstream.timeout(), client.probe()).await;
    probed.unwrap_or_else(|_| Err(StoreError::timed_out(upstream.address())))
}

/// A number from 0 to 1 that differs between processes and moments.
fn jitter() -> f64 {
    use std::hash::BuildHasher;
    let random = std::hash::RandomState::new().hash_one(0_u8);
    (random >> 32) as f64 / f64::from(u32::MAX)
}
