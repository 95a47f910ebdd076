//! Step 3: ask a server for pages, on a request's way.
//!
//! A connection is driven by the runtime that opened it, and actix runs one
//! runtime a worker, so each worker has connections of its own. Lookups that
//! wait at the same moment on one worker share one write and one read. They run
//! in a task of their own: a visitor who leaves takes nothing away from others.

use std::cell::RefCell;
use std::sync::Weak;

use tokio::runtime::{Handle, Id};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::client::Client;
use super::error::StoreError;
use super::memcached::Upstream;
use crate::entry::Entry;
use crate::key::PageKey;
use crate::sync::{Arc, Mutex, MutexGuard, lock};

/// Exchanges, and so connections, at a time for one server and worker.
const MAX_RUNNERS: usize = 2;

/// Keys asked for with one write.
const MAX_BATCH: usize = 32;

type Answer = Result<Option<Entry>, StoreError>;

thread_local! {
    static WORKERS: RefCell<Vec<Worker>> = const { RefCell::new(Vec::new()) };
}

struct Worker {
    runtime: Id,
    lookups: Arc<Lookups>,
}

/// The lookups of one worker at one server.
struct Lookups {
    upstream: Weak<Upstream>,
    client: Client,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: Vec<(PageKey, oneshot::Sender<Answer>)>,
    runners: usize,
}

/// Asks `upstream` for `key`, for no longer than its time-out whatever happens.
pub(super) async fn lookup(upstream: &Arc<Upstream>, key: PageKey) -> Answer {
    let timed_out = || StoreError::timed_out(upstream.address());
    let runtime = Handle::try_current().map_err(|_| StoreError::NoWriter)?;
    let (sender, answer) = oneshot::channel();
    Lookups::of_worker(upstream, &runtime).ask(key, sender, &runtime);
    match timeout(upstream.timeout(), answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) | Err(_) => Err(timed_out()),
    }
}

impl Lookups {
    fn of_worker(upstream: &Arc<Upstream>, runtime: &Handle) -> Arc<Lookups> {
        WORKERS.with_borrow_mut(|workers| {
            let runtime = runtime.id();
            let known = workers.iter().find(|worker| {
                worker.runtime == runtime
                    && std::ptr::eq(worker.lookups.upstream.as_ptr(), Arc::as_ptr(upstream))
            });
            if let Some(known) = known {
                return Arc::clone(&known.lookups);
            }
            workers.retain(|worker| worker.lookups.upstream.strong_count() > 0);
            let lookups = Arc::new(Lookups {
                upstream: Arc::downgrade(upstream),
                client: upstream.client(),
                state: Mutex::default(),
            });
            workers.push(Worker {
                runtime,
                lookups: Arc::clone(&lookups),
            });
            lookups
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn ask(self: Arc<Self>, key: PageKey, sender: oneshot::Sender<Answer>, runtime: &Handle) {
        let mut state = self.state();
        state.waiting.push((key, sender));
        if state.runners < MAX_RUNNERS {
            state.runners += 1;
            drop(state);
            runtime.spawn(Runner(self).run());
        }
    }

    /// The next lookups to make; who has left is not asked for.
    fn next_batch(&self) -> Vec<(PageKey, oneshot::Sender<Answer>)> {
        let mut state = self.state();
        state.waiting.retain(|(_, sender)| !sender.is_closed());
        let count = state.waiting.len().min(MAX_BATCH);
        state.waiting.drain(..count).collect()
    }

    async fn exchange(&self, upstream: &Upstream, keys: &[PageKey]) -> Vec<Answer> {
        let answers = timeout(upstream.timeout(), self.client.get(keys)).await;
        let timed_out = || StoreError::timed_out(upstream.address());
        answers.unwrap_or_else(|_| keys.iter().map(|_| Err(timed_out())).collect())
    }
}

/// Makes lookups as long as there are any; makes room when it ends, however.
struct Runner(Arc<Lookups>);

impl Runner {
    async fn run(self) {
        // Requests that this worker has at hand join the first batch.
        tokio::task::yield_now().await;
        loop {
            let batch = self.0.next_batch();
            let Some(upstream) = self.0.upstream.upgrade() else {
                return;
            };
            if batch.is_empty() {
                return;
            }
            let (keys, senders): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            let answers = self.0.exchange(&upstream, &keys).await;
            upstream.note(answers.iter().find_map(|answer| answer.as_ref().err()));
            for (sender, answer) in senders.into_iter().zip(answers) {
                // The visitor may have left.
                let _ = sender.send(answer);
            }
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.0.state().runners -= 1;
    }
}
