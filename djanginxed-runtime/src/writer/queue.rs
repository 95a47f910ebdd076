//! What waits for the writer: bounded by entries and by bytes, one page a key.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, PoisonError};
use std::time::Duration;

use foldhash::fast::RandomState;
use hashlink::LinkedHashMap;
use tokio::sync::{Notify, oneshot};

use super::purging::{Asked, Purge, Teller};
use super::{Doubt, Job};
use crate::entry::{Entry, Found};
use crate::key::PageKey;
use crate::observe;
use crate::purged::Effort;
use crate::reason::Dropped;
use crate::settings::Limits;
use crate::store::error::StoreError;
use crate::sync::{Mutex, MutexGuard, lock};
use crate::tag::TagKey;

/// So many deletes are asked for at once: purges and pages have their turns between them.
const MAX_DELETES: usize = 256;

/// No more deletes than these wait for a server, and no more purges.
const MAX_WAITING: usize = 1 << 16;

/// So many pages are worth a batch: more need not gather.
const ENOUGH: usize = 32;

/// A delete on its way, and who waits for it.
#[derive(Debug)]
pub(super) struct Delete {
    pub(super) key: PageKey,
    pub(super) effort: Effort,
    pub(super) sender: oneshot::Sender<Result<bool, StoreError>>,
}

impl Delete {
    /// One that is made again, for nobody who would wait.
    pub(super) fn again(key: PageKey, effort: Effort) -> Delete {
        Delete {
            key,
            effort,
            sender: oneshot::channel().0,
        }
    }
}

/// A page taken off the queue to be sent; it stays readable until
/// [`Queue::done`].
pub(super) struct Sending {
    pub(super) job: Job,
    number: u64,
}

/// What a lane does next.
pub(super) enum Work {
    Deletes(Vec<Delete>),
    Purge(Purge),
    Pages(Vec<Sending>),
    Nothing,
    /// Nothing, and there will be no more.
    Over,
}

#[derive(Debug)]
pub(super) struct Queue {
    limits: Limits,
    state: Mutex<State>,
    lanes: Vec<Bells>,
    emptied: Condvar,
    progress: Notify,
}

/// What a lane waits for.
#[derive(Debug, Default)]
struct Bells {
    work: Notify,
    /// Someone waits, or enough pages do.
    hurry: Notify,
}

impl Bells {
    fn ring(&self) {
        self.work.notify_one();
        self.hurry.notify_one();
    }
}

#[derive(Debug, Default)]
struct State {
    pages: HashMap<PageKey, Queued, RandomState>,
    lanes: Vec<Line>,
    bytes: usize,
    taken: u64,
    closed: bool,
}

#[derive(Debug)]
struct Queued {
    job: Job,
    number: u64,
}

#[derive(Debug, Default)]
struct Line {
    order: VecDeque<(PageKey, u64)>,
    deletes: VecDeque<Delete>,
    /// Whether the last work was deletes.
    were_deletes: bool,
    /// Whether the last work was a purge.
    was_purge: bool,
    /// Each once: what has not begun is done for all who have asked for it by then.
    purges: LinkedHashMap<Asked, Vec<Teller>>,
    /// What is to be made up for if it fails, and has neither been done nor failed yet: in
    /// tags and pages.
    unsettled: usize,
}

impl Line {
    fn next_deletes(&mut self) -> Vec<Delete> {
        let count = self.deletes.len().min(MAX_DELETES);
        self.deletes.drain(..count).collect()
    }

    /// The next purge, where it is its turn: after each of them pages and deletes have theirs.
    fn next_purge(&mut self) -> Option<Purge> {
        let others_wait = !self.deletes.is_empty() || !self.order.is_empty();
        let is_its_turn = !(self.was_purge && others_wait);
        let next = is_its_turn.then(|| self.purges.pop_front()).flatten();
        self.was_purge = next.is_some();
        next.map(|(asked, tellers)| Purge { asked, tellers })
    }
}

fn size(job: &Job) -> usize {
    job.entry.footprint() + job.note.as_ref().map_or(0, |note| note.len())
}

impl Queue {
    pub(super) fn new(limits: Limits, lanes: usize) -> Queue {
        let state = State {
            lanes: (0..lanes).map(|_| Line::default()).collect(),
            ..State::default()
        };
        Queue {
            limits,
            state: Mutex::new(state),
            lanes: (0..lanes).map(|_| Bells::default()).collect(),
            emptied: Condvar::new(),
            progress: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Takes a page in the place of an older one of its key.
    pub(super) fn push(&self, job: Job, lane: usize) -> Result<(), Dropped> {
        let mut state = self.state();
        if state.closed {
            return Err(Dropped::NoWriter);
        }
        let older = state.pages.get(&job.key).map(|older| size(&older.job));
        let entries = state.pages.len() + usize::from(older.is_none());
        let bytes = state.bytes - older.unwrap_or_default() + size(&job);
        if entries > self.limits.entries || bytes > self.limits.bytes {
            return Err(Dropped::QueueFull);
        }
        state.bytes = bytes;
        state.taken += 1;
        let (key, number) = (job.key, state.taken);
        state.pages.insert(key, Queued { job, number });
        if state.lanes[lane].order.len() >= self.limits.entries.saturating_mul(2) {
            state.close_ranks(lane);
        }
        state.lanes[lane].order.push_back((key, number));
        let enough = state.lanes[lane].order.len() >= ENOUGH
            || entries > self.limits.entries / 2
            || bytes > self.limits.bytes / 2;
        observe::queue(state.pages.len(), state.bytes);
        drop(state);
        let bells = &self.lanes[lane];
        bells.work.notify_one();
        if enough {
            bells.hurry.notify_one();
        }
        Ok(())
    }

    /// Takes a delete; a closed queue drops it, which tells who waits for it.
    pub(super) fn push_delete(&self, delete: Delete, lane: usize) {
        let mut state = self.state();
        if !state.closed {
            let line = &mut state.lanes[lane];
            line.unsettled += usize::from(delete.effort == Effort::UntilDone);
            line.deletes.push_back(delete);
            drop(state);
            self.lanes[lane].ring();
        }
    }

    /// Takes a purge, likewise.
    pub(super) fn push_purge(&self, asked: Asked, teller: Teller, lane: usize) {
        let mut state = self.state();
        if !state.closed {
            let line = &mut state.lanes[lane];
            // In the place of the first: who comes again and again is not to put it off.
            if let Some(tellers) = line.purges.get_mut(&asked) {
                tellers.push(teller);
            } else {
                if asked.effort == Effort::UntilDone {
                    line.unsettled += asked.tags.len();
                }
                line.purges.insert(asked, vec![teller]);
            }
            drop(state);
            self.lanes[lane].ring();
        }
    }

    /// So much of what may be made up for was done, or is noted to be.
    pub(super) fn settled(&self, lane: usize, count: usize) {
        let mut state = self.state();
        let unsettled = &mut state.lanes[lane].unsettled;
        *unsettled = unsettled.saturating_sub(count);
        drop(state);
        self.emptied.notify_all();
    }

    pub(super) fn unsettled(&self, lane: usize) -> usize {
        self.state().lanes[lane].unsettled
    }

    /// Whether there is no room for a delete that may be made up for later.
    pub(super) fn is_overrun(&self, lane: usize) -> bool {
        self.state().lanes[lane].deletes.len() >= MAX_WAITING
    }

    /// Whether there is none for a purge.
    pub(super) fn is_overrun_by_purges(&self, lane: usize) -> bool {
        self.state().lanes[lane].purges.len() >= MAX_WAITING
    }

    /// Has a lane look what there is to do.
    pub(super) fn wake(&self, lane: usize) {
        self.lanes[lane].ring();
    }

    /// Takes all deletes and purges that wait for a lane.
    pub(super) fn waiting(&self, lane: usize) -> (VecDeque<Delete>, Vec<Purge>) {
        let mut state = self.state();
        let line = &mut state.lanes[lane];
        let purges = std::mem::take(&mut line.purges).into_iter();
        let purge = |(asked, tellers)| Purge { asked, tellers };
        (
            std::mem::take(&mut line.deletes),
            purges.map(purge).collect(),
        )
    }

    /// Waits for deletes, and takes some.
    pub(super) async fn deletes(&self, lane: usize) -> Vec<Delete> {
        loop {
            let deletes = self.state().lanes[lane].next_deletes();
            if !deletes.is_empty() {
                return deletes;
            }
            self.lanes[lane].hurry.notified().await;
        }
    }

    pub(super) fn pending(&self, key: &PageKey) -> Option<(Found, Doubt)> {
        let state = self.state();
        let job = &state.pages.get(key)?.job;
        job.left().map(|_| (job.found(), Doubt::of(job)))
    }

    /// The same, and how long it lives.
    pub(super) fn peek(&self, key: &PageKey) -> Option<(Entry, Duration)> {
        let state = self.state();
        let queued = state.pages.get(key)?;
        let left = queued.job.left()?;
        Some((queued.job.entry.clone(), left))
    }

    pub(super) fn forget(&self, key: &PageKey) {
        let mut state = self.state();
        state.remove(key);
        self.progressed(state);
    }

    pub(super) fn forget_tagged(&self, tags: &[TagKey]) {
        let mut state = self.state();
        let has_one = |queued: &Queued| tags.iter().any(|tag| queued.job.tags.contains(tag));
        let keys: Vec<_> = state
            .pages
            .iter()
            .filter(|(_, queued)| has_one(queued))
            .map(|(key, _)| *key)
            .collect();
        for key in keys {
            state.remove(&key);
        }
        self.progressed(state);
    }

    /// Takes what a lane is to do next: a purge first, then deletes, then pages of
    /// `max_bytes` and `max_pages` at the most, but one at the least; by turns, where all wait.
    pub(super) fn next(&self, lane: usize, max_bytes: usize, max_pages: usize) -> Work {
        let purge = self.state().lanes[lane].next_purge();
        purge.map_or_else(|| self.next_others(lane, max_bytes, max_pages), Work::Purge)
    }

    /// The same but for purges: it has enough of them.
    pub(super) fn next_others(&self, lane: usize, max_bytes: usize, max_pages: usize) -> Work {
        let mut state = self.state();
        let line = &mut state.lanes[lane];
        line.were_deletes =
            !line.deletes.is_empty() && (!line.were_deletes || line.order.is_empty());
        if line.were_deletes {
            return Work::Deletes(line.next_deletes());
        }
        let (mut pages, mut bytes) = (Vec::new(), 0);
        while let Some(&(key, number)) = state.lanes[lane].order.front() {
            // A newer page of the key stands further back.
            if let Some(queued) = state
                .pages
                .get(&key)
                .filter(|queued| queued.number == number)
            {
                bytes += size(&queued.job);
                if !pages.is_empty() && (bytes > max_bytes || pages.len() == max_pages) {
                    break;
                }
                let job = queued.job.clone();
                pages.push(Sending { job, number });
            }
            state.lanes[lane].order.pop_front();
        }
        match (pages.is_empty(), state.closed) {
            (false, _) => Work::Pages(pages),
            (true, false) => Work::Nothing,
            (true, true) => Work::Over,
        }
    }

    /// Waits until a lane may have something to do.
    pub(super) async fn work(&self, lane: usize) {
        self.lanes[lane].work.notified().await;
    }

    /// Waits until a lane should not let pages gather any longer.
    pub(super) async fn hurry(&self, lane: usize) {
        self.lanes[lane].hurry.notified().await;
    }

    /// The pages are stored, or given up.
    pub(super) fn done<'a>(&self, sent: impl IntoIterator<Item = &'a Sending>) {
        let mut state = self.state();
        for Sending { job, number } in sent {
            let queued = state.pages.get(&job.key);
            if queued.is_some_and(|queued| queued.number == *number) {
                state.remove(&job.key);
            }
        }
        self.progressed(state);
    }

    fn progressed(&self, state: MutexGuard<'_, State>) {
        observe::queue(state.pages.len(), state.bytes);
        let empty = state.pages.is_empty();
        drop(state);
        if empty {
            self.emptied.notify_all();
        }
        self.progress.notify_waiters();
    }

    /// Waits until every page taken before the call is off the queue.
    pub(super) async fn flushed(&self) {
        let last = self.state().taken;
        self.lanes.iter().for_each(Bells::ring);
        loop {
            let progress = self.progress.notified();
            tokio::pin!(progress);
            progress.as_mut().enable();
            if self
                .state()
                .pages
                .values()
                .all(|queued| queued.number > last)
            {
                return;
            }
            progress.await;
        }
    }

    /// Takes no more; lanes end when they have nothing left.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.lanes.iter().for_each(Bells::ring);
    }

    /// Takes no more, and gives up what is queued: there is nobody to do it.
    pub(super) fn abandon(&self) {
        self.close();
        let mut state = self.state();
        state.pages.clear();
        state.bytes = 0;
        for lane in &mut state.lanes {
            *lane = Line::default();
        }
        self.progressed(state);
    }

    /// Blocks until no page is queued and no change is under way, or for `limit`; whether
    /// no page is.
    pub(super) fn wait_until_empty(&self, limit: Duration) -> bool {
        let is_busy = |state: &mut State| {
            !state.pages.is_empty() || state.lanes.iter().any(|line| line.unsettled > 0)
        };
        let waited = self
            .emptied
            .wait_timeout_while(self.state(), limit, is_busy);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.pages.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.state().pages.len()
    }
}

impl State {
    /// Removes the places of pages that a newer one of their key has replaced:
    /// while a server hangs, nobody passes over them.
    fn close_ranks(&mut self, lane: usize) {
        let State { pages, lanes, .. } = self;
        lanes[lane].order.retain(|(key, number)| {
            pages
                .get(key)
                .is_some_and(|queued| queued.number == *number)
        });
    }

    fn remove(&mut self, key: &PageKey) {
        if let Some(queued) = self.pages.remove(key) {
            self.bytes -= size(&queued.job);
        }
    }
}

#[cfg(test)]
mod tests;
