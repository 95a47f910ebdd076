//! Step 3: ask a server for pages, on a request's way.
//!
//! A connection is driven by the runtime that opened it, and actix runs one
//! runtime a worker, so each worker has connections of its own. Lookups that
//! wait at the same moment on one worker share one write and one read. They run
//! in a task of their own: a visitor who leaves takes nothing away from others.
//!
//! Large pages travel apart, one at a time, so that no small one waits behind them on
//! a slow line. Which pages are large is known of those that were stored or looked up
//! of late; of the others the head of the answer says it, in time to step aside.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::sync::Weak;

use tokio::runtime::{Handle, Id};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::client::{Client, Marker, Question, Reply};
use super::error::StoreError;
use super::upstream::Upstream;
use crate::entry::Found;
use crate::key::PageKey;
use crate::sync::{Arc, Mutex, MutexGuard, lock};

/// Exchanges, and so connections, at a time for one server, worker and line.
const MAX_RUNNERS: usize = 2;

/// Questions asked with one write.
const MAX_BATCH: usize = 32;

/// A server that sends as much within the time-out, to whichever workers, is not
/// failing, even if it was not enough. In bytes.
const PROGRESS: usize = 16 << 10;

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
    lines: [Mutex<Line>; 2],
}

/// Which lookups share writes and connections.
#[derive(Clone, Copy)]
enum Load {
    Usual = 0,
    /// Pages that travel alone, so that the others do not wait behind them on a
    /// slow line.
    Large = 1,
}

impl Load {
    fn max_batch(self) -> usize {
        match self {
            Load::Usual => MAX_BATCH,
            Load::Large => 1,
        }
    }
}

#[derive(Default)]
struct Line {
    waiting: Vec<Waiting>,
    runners: usize,
}

/// Asks `upstream` for the page of `key`, unless it is skipped; for no longer than its
/// time-out whatever happens.
pub(crate) async fn page(
    upstream: &Arc<Upstream>,
    key: PageKey,
    on_send: Option<OnSend>,
) -> Result<Option<Found>, StoreError> {
    let load = if upstream.is_large(&key) {
        Load::Large
    } else {
        Load::Usual
    };
    match ask(upstream, Question::Page(key), load, on_send).await? {
        Reply::Page(answer) => answer,
        _ => Err(StoreError::timed_out(upstream.address())),
    }
}

/// Asks `upstream` for the copy of a page, likewise.
pub(super) async fn copy(
    upstream: &Arc<Upstream>,
    key: PageKey,
) -> Result<Option<Found>, StoreError> {
    match ask(upstream, Question::Copy(key), Load::Usual, None).await? {
        Reply::Page(answer) => answer,
        _ => Err(StoreError::timed_out(upstream.address())),
    }
}

/// Asks `upstream` for delete markers, all at once, likewise.
pub(super) async fn markers(
    upstream: &Arc<Upstream>,
    questions: impl Iterator<Item = Question>,
) -> Result<Vec<Option<Marker>>, StoreError> {
    upstream.check()?;
    let timed_out = || StoreError::timed_out(upstream.address());
    let runtime = Handle::try_current().map_err(|_| StoreError::NoRuntime)?;
    let lookups = Lookups::of_worker(upstream, &runtime);
    let answers: Vec<_> = questions
        .map(|question| {
            let (waiting, answer) = Waiting::new(question, None);
            lookups.ask(waiting, Load::Usual, &runtime);
            answer
        })
        .collect();
    let all = async {
        let mut markers = Vec::with_capacity(answers.len());
        for answer in answers {
            match answer.await {
                Ok(Reply::Marker(marker)) => markers.push(marker?),
                _ => return Err(timed_out()),
            }
        }
        Ok(markers)
    };
    let in_time = timeout(upstream.timeout(), all).await;
    in_time.unwrap_or_else(|_| Err(timed_out()))
}

/// Asks for the lock of `key`, or gives it back; whether that is done.
pub(super) async fn lock_of(
    upstream: &Arc<Upstream>,
    question: Question,
) -> Result<bool, StoreError> {
    match ask(upstream, question, Load::Usual, None).await? {
        Reply::Done(answer) => answer,
        _ => Err(StoreError::timed_out(upstream.address())),
    }
}

async fn ask(
    upstream: &Arc<Upstream>,
    question: Question,
    load: Load,
    on_send: Option<OnSend>,
) -> Result<Reply, StoreError> {
    upstream.check()?;
    let runtime = Handle::try_current().map_err(|_| StoreError::NoRuntime)?;
    let (waiting, answer) = Waiting::new(question, on_send);
    Lookups::of_worker(upstream, &runtime).ask(waiting, load, &runtime);
    match timeout(upstream.timeout(), answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) | Err(_) => Err(StoreError::timed_out(upstream.address())),
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
                lines: Default::default(),
            });
            workers.push(Worker {
                runtime,
                lookups: Arc::clone(&lookups),
            });
            lookups
        })
    }

    fn line(&self, load: Load) -> MutexGuard<'_, Line> {
        lock(&self.lines[load as usize])
    }

    fn ask(self: &Arc<Self>, waiting: Waiting, load: Load, runtime: &Handle) {
        let mut line = self.line(load);
        line.waiting.push(waiting);
        if line.runners < MAX_RUNNERS {
            self.start(line, load, runtime);
        }
    }

    fn start(self: &Arc<Self>, mut line: MutexGuard<'_, Line>, load: Load, runtime: &Handle) {
        line.runners += 1;
        drop(line);
        let lookups = Arc::clone(self);
        runtime.spawn(Runner { lookups, load }.run());
    }

    /// The next lookups to make; who has left is not asked for.
    fn next_batch(&self, load: Load) -> Vec<Waiting> {
        let mut line = self.line(load);
        line.waiting.retain(|one| !one.sender.is_closed());
        let count = line.waiting.len().min(load.max_batch());
        line.waiting.drain(..count).collect()
    }

    /// Lets a runner of the usual lookups go on as one of the large; whether there is
    /// room for it.
    fn moves_over(self: &Arc<Self>) -> bool {
        let mut large = self.line(Load::Large);
        if large.runners == MAX_RUNNERS {
            return false;
        }
        large.runners += 1;
        drop(large);
        let mut usual = self.line(Load::Usual);
        usual.runners -= 1;
        if !usual.waiting.is_empty() {
            self.start(usual, Load::Usual, &Handle::current());
        }
        true
    }

    /// Puts back what was not answered: the page at `large` among the large, the rest
    /// in front of those who wait.
    fn put_back(self: &Arc<Self>, batch: impl Iterator<Item = (usize, Waiting)>, large: usize) {
        let mut rest = Vec::new();
        for (at, waiting) in batch {
            if at == large {
                self.ask(waiting, Load::Large, &Handle::current());
            } else {
                rest.push(waiting);
            }
        }
        self.line(Load::Usual).waiting.splice(0..0, rest);
    }
}

/// Told when a question is about to be sent for the first time: what is found was there
/// after that.
pub(crate) type OnSend = Box<dyn FnOnce() + Send>;

struct Waiting {
    question: Question,
    sender: oneshot::Sender<Reply>,
    on_send: Option<OnSend>,
}

impl Waiting {
    fn new(question: Question, on_send: Option<OnSend>) -> (Waiting, oneshot::Receiver<Reply>) {
        let (sender, answer) = oneshot::channel();
        let waiting = Waiting {
            question,
            sender,
            on_send,
        };
        (waiting, answer)
    }

    fn into_sent(self) -> (Question, Option<oneshot::Sender<Reply>>) {
        if let Some(on_send) = self.on_send {
            on_send();
        }
        (self.question, Some(self.sender))
    }
}

/// Makes lookups as long as there are any; makes room when it ends, however.
struct Runner {
    lookups: Arc<Lookups>,
    load: Load,
}

impl Runner {
    async fn run(mut self) {
        // Requests that this worker has at hand join the first batch.
        tokio::task::yield_now().await;
        loop {
            let batch = self.lookups.next_batch(self.load);
            let Some(upstream) = self.lookups.upstream.upgrade() else {
                return;
            };
            if batch.is_empty() {
                return;
            }
            self.exchange(&upstream, batch).await;
        }
    }

    async fn exchange(&mut self, upstream: &Upstream, batch: Vec<Waiting>) {
        let (lookups, load) = (&self.lookups, &mut self.load);
        let sent = batch.into_iter().map(Waiting::into_sent);
        let (questions, mut senders): (Vec<_>, Vec<_>) = sent.unzip();
        let (mut failure, mut large) = (None, None);
        let reply = |at: usize, reply: Reply| {
            if let Reply::Announced(length) = reply {
                let page = questions[at].page();
                let is_large = page.is_some_and(|page| upstream.note_size(page, length));
                if !is_large || matches!(load, Load::Large) {
                    return ControlFlow::Continue(());
                }
                // Nobody is to wait behind a large page.
                if at + 1 == questions.len() && lookups.moves_over() {
                    *load = Load::Large;
                    return ControlFlow::Continue(());
                }
                large = Some(at);
                return ControlFlow::Break(());
            }
            if let Some(error) = reply.failure() {
                failure.get_or_insert_with(|| error.clone());
            }
            if let Some(sender) = senders[at].take() {
                // The visitor may have left.
                let _ = sender.send(reply);
            }
            ControlFlow::Continue(())
        };
        let before = upstream.received().now();
        let exchange = timeout(upstream.timeout(), lookups.client.ask(&questions, reply));
        let in_time = exchange.await.is_ok();
        let progress = upstream.received().since(before) >= PROGRESS;
        let failure = match failure {
            None if !in_time && !progress => Some(StoreError::timed_out(upstream.address())),
            failure => failure,
        };
        upstream.note(failure.as_ref());
        if let Some(large) = large {
            let waiting = |(question, sender): (_, Option<_>)| {
                Some(Waiting {
                    question,
                    sender: sender?,
                    on_send: None,
                })
            };
            let all = questions.into_iter().zip(senders).map(waiting).enumerate();
            let unanswered = all.filter_map(|(at, waiting)| Some((at, waiting?)));
            lookups.put_back(unanswered, large);
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.lookups.line(self.load).runners -= 1;
    }
}

#[cfg(test)]
mod tests;
