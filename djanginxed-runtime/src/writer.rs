//! Step 8: hand the entry to the background writer: the visitor never waits
//! for a store.
//!
//! The writer is a thread with a runtime and connections of its own. Each
//! server has a *lane*: a queue and a task that sends what is queued as one
//! batch. A page stays readable in the queue until its server has it, so that
//! between the end of its render and the end of its store nobody renders it
//! again.

mod doubts;
mod lane;
mod owed;
mod purging;
mod queue;
mod unmarked;

use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use tokio::sync::{Semaphore, oneshot};

use crate::deletes::{Deletes, Stamp};
use crate::entry::{Entry, Found};
use crate::key::PageKey;
use crate::life::Life;
use crate::observe;
use crate::purged::{Effort, Spare};
use crate::reason::Dropped;
use crate::settings::Settings;
use crate::store::Memcached;
use crate::store::error::StoreError;
use crate::sync::{Mutex, lock};
use crate::tag::{TagKey, Tags};
use owed::{Debt, Owed};
use purging::Asked;
use queue::{Delete, Queue};

pub(crate) use doubts::Doubt;
pub(crate) use owed::Added;
pub(crate) use purging::Outcome;

/// How long dropping the last handle waits for what is queued.
const SHUTDOWN: Duration = Duration::from_secs(2);

/// A page to store.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) key: PageKey,
    pub(crate) entry: Entry,
    /// When the render began, from which its life is counted.
    pub(crate) started: Instant,
    pub(crate) life: Life,
    /// What was known of deletes when the render began.
    pub(crate) stamp: Stamp,
    pub(crate) tags: Tags,
    /// For other processes, how the page is asked for.
    pub(crate) note: Option<Bytes>,
}

impl Job {
    /// The time left to live, if any.
    fn left(&self) -> Option<Duration> {
        self.life
            .whole()
            .checked_sub(self.started.elapsed())
            .filter(|left| !left.is_zero())
    }

    /// The time left to the copy that stands in for errors.
    fn copy_left(&self) -> Option<Duration> {
        self.life.copy()?.checked_sub(self.started.elapsed())
    }

    fn found(&self) -> Found {
        Found {
            entry: self.entry.clone(),
            freshness: self.life.freshness(self.started, Instant::now()),
        }
    }
}

/// What the lanes work with.
#[derive(Debug)]
struct Works {
    queue: Queue,
    memcached: Arc<Memcached>,
    deletes: Arc<Deletes>,
    gzip: bool,
    /// Whether answers say what they are.
    cache_status: bool,
    /// Who may pack pages at this moment.
    packers: Semaphore,
    max_entry_size: usize,
    /// What each server is to be asked again for.
    owed: Vec<Mutex<Owed>>,
}

impl Works {
    /// Changes what the server of this number owes, or looks at it.
    fn owed<T>(&self, number: usize, change: impl FnOnce(&mut Owed) -> T) -> T {
        let mut owed = lock(&self.owed[number]);
        let before = owed.len();
        let changed = change(&mut owed);
        if owed.len() != before {
            let upstream = &self.memcached.upstreams()[number];
            observe::pending_purges(upstream.address(), owed.len());
            upstream.set_owes(!owed.is_empty());
        }
        changed
    }

    /// Notes what a server has failed to do, to ask for it when it answers again.
    fn put_off(&self, number: usize, debts: Vec<Debt>, failure: &StoreError) {
        let added = self.owed(number, |owed| owed.add(debts, Instant::now()));
        let server = self.memcached.upstreams()[number].address();
        observe::to_be_repeated(server, failure, added);
    }
}

/// Threads that pack pages beside the writer's own.
const PACKERS: usize = 2;

/// The background writer. Dropped, it drains for a bounded time.
#[derive(Debug)]
pub(crate) struct Writer {
    shared: Arc<Works>,
    /// Started with the first page, delete or failing server; whether it runs.
    thread: OnceLock<bool>,
}

impl Writer {
    pub(crate) fn new(
        memcached: Arc<Memcached>,
        deletes: Arc<Deletes>,
        settings: &Settings,
    ) -> Writer {
        let lanes = memcached.upstreams().len();
        let queue = Queue::new(settings.queue, lanes);
        let everything = TagKey::everything(&settings.key_prefix);
        let owed = || Mutex::new(Owed::new(everything));
        Writer {
            shared: Arc::new(Works {
                queue,
                memcached,
                deletes,
                gzip: settings.gzip,
                cache_status: settings.cache_status,
                packers: Semaphore::new(PACKERS),
                max_entry_size: settings.max_entry_size,
                owed: (0..lanes).map(|_| owed()).collect(),
            }),
            thread: OnceLock::new(),
        }
    }

    /// Sees that the thread runs; it is also what probes a failing server.
    pub(crate) fn ensure_started(&self) -> bool {
        *self.thread.get_or_init(|| {
            let shared = Arc::clone(&self.shared);
            let spawned = thread::Builder::new()
                .name("djanginxed-writer".into())
                .spawn(move || lane::run_all(&shared));
            if let Err(error) = &spawned {
                observe::no_writer(error);
            }
            spawned.is_ok()
        })
    }

    /// Takes a page to store. Never waits.
    pub(crate) fn store(&self, job: Job) -> Result<(), Dropped> {
        let lane = self.shared.memcached.server_of(&job.key);
        if self.shared.memcached.upstreams()[lane].breaker().is_open() {
            return Err(Dropped::Skipped);
        }
        if !self.ensure_started() {
            return Err(Dropped::NoWriter);
        }
        let (key, stamp, tags) = (job.key, job.stamp, Tags::clone(&job.tags));
        self.shared
            .deletes
            .unless_deleted(&key, &tags, stamp, || self.shared.queue.push(job, lane))
            .unwrap_or(Err(Dropped::Deleted))
    }

    /// A page that was rendered, but that its server does not have yet; and since when
    /// another process may have deleted it.
    pub(crate) fn pending(&self, key: &PageKey) -> Option<(Found, Doubt)> {
        self.shared.queue.pending(key)
    }

    /// The same, and how long it lives.
    pub(crate) fn peek(&self, key: &PageKey) -> Option<(Entry, Duration)> {
        self.shared.queue.peek(key)
    }

    /// Forgets what is queued for `key`.
    pub(crate) fn forget(&self, key: &PageKey) {
        self.shared.queue.forget(key);
    }

    /// Deletes a page from its server.
    pub(crate) async fn delete(&self, key: PageKey, effort: Effort) -> Result<bool, StoreError> {
        if !self.ensure_started() {
            return Err(StoreError::NoWriter);
        }
        let (sender, answer) = oneshot::channel();
        let lane = self.shared.memcached.server_of(&key);
        if effort == Effort::UntilDone && self.shared.queue.is_overrun(lane) {
            let failure = StoreError::timed_out(self.shared.memcached.upstreams()[lane].address());
            self.shared.put_off(lane, vec![Debt::Page(key)], &failure);
            self.shared.queue.wake(lane);
            return Err(failure);
        }
        let delete = Delete {
            key,
            effort,
            sender,
        };
        self.shared.queue.push_delete(delete, lane);
        answer.await.unwrap_or(Err(StoreError::NoWriter))
    }

    /// Forgets what is queued with one of these tags.
    pub(crate) fn forget_tagged(&self, tags: &[TagKey]) {
        self.shared.queue.forget_tagged(tags);
    }

    /// Deletes the pages that have one of `tags`, and that are not to be spared, from all
    /// servers; what came of it at each.
    pub(crate) async fn purge(
        &self,
        tags: &[TagKey],
        spare: Spare,
        effort: Effort,
    ) -> Vec<Result<Outcome, StoreError>> {
        let lanes = self.shared.memcached.upstreams().len();
        if !self.ensure_started() {
            return (0..lanes).map(|_| Err(StoreError::NoWriter)).collect();
        }
        let asked = Asked {
            tags: Tags::from(tags),
            spare,
            effort,
        };
        let begin = |lane| self.begin(lane, &asked);
        let answers: Vec<_> = (0..lanes).map(begin).collect();
        let mut outcomes = Vec::with_capacity(lanes);
        for answer in answers {
            outcomes.push(answer.await.unwrap_or(Err(StoreError::NoWriter)));
        }
        outcomes
    }

    /// Has a server purge; where its answer will come.
    fn begin(&self, lane: usize, asked: &Asked) -> oneshot::Receiver<Result<Outcome, StoreError>> {
        let (teller, answer) = oneshot::channel();
        if asked.effort == Effort::UntilDone && self.shared.queue.is_overrun_by_purges(lane) {
            let failure = StoreError::timed_out(self.shared.memcached.upstreams()[lane].address());
            self.shared.put_off(lane, asked.debts(), &failure);
            self.shared.queue.wake(lane);
            // Its receiver is here.
            let _ = teller.send(Err(failure));
        } else {
            self.shared.queue.push_purge(asked.clone(), teller, lane);
        }
        answer
    }

    /// Waits until every page taken so far is stored or given up.
    pub(crate) async fn flush(&self) {
        self.shared.queue.flushed().await;
    }

    /// How many purges and deletes servers have still to make up for.
    pub(crate) fn pending_purges(&self) -> usize {
        let owed = self.shared.owed.iter();
        owed.map(|owed| lock(owed).len()).sum()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let running = self.thread.get().copied().unwrap_or(false);
        self.shared.queue.close();
        if running && !self.shared.queue.wait_until_empty(SHUTDOWN) {
            observe::not_drained(self.shared.queue.len());
        }
        for (number, upstream) in self.shared.memcached.upstreams().iter().enumerate() {
            let unsettled = self.shared.queue.unsettled(number);
            let lost = unsettled + lock(&self.shared.owed[number]).len();
            if lost > 0 {
                observe::purges_lost(upstream.address(), lost);
            }
        }
    }
}
