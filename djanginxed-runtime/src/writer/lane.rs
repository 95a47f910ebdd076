//! One server's share of the writer.

mod guard;
mod repeat;

use std::collections::{HashMap, HashSet, VecDeque};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::lookup_host;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::Works;
use super::doubts::{Doubt, Doubts, MAX_RENDER};
use super::owed::Debt;
use super::purging::{ARRIVING, ARRIVING_PAUSE, Progress, Purging};
use super::queue::{Delete, Sending, Work};
use super::unmarked::Unmarked;
use crate::entry::Entry;
use crate::key::PageKey;
use crate::observe;
use crate::reason::Dropped;
use crate::server::warn_if_several;
use crate::store::client::{Arriving, Claim, Client, Deleted, Listed, MAX_PIECE, Outgoing};
use crate::store::error::StoreError;
use crate::store::index::Piece;
use crate::store::upstream::Upstream;
use crate::tag::{TagKey, Tags};

/// The bounds of one batch.
const MAX_BATCH_BYTES: usize = 1 << 20;
const MAX_BATCH_PAGES: usize = 256;

/// A whole batch may take longer than a visitor would wait.
const BATCH_TIMEOUT: Duration = Duration::from_secs(2);

/// How long it may take to announce pages. What is left of an announcement's life is for
/// storing them.
const ANNOUNCING: Duration = Duration::from_secs(1);

/// No more purges than these are under way at once: one that waits can be had in common.
const MAX_PURGING: usize = 256;

/// How long a lane lets pages gather, so that it is not woken for each of them:
/// on a small machine that takes time from those who render.
const GATHER: Duration = Duration::from_millis(5);

/// More pieces of indexes than these are not remembered as packed.
const MAX_PACKED: usize = 4096;

/// More claims of pieces than these are not remembered.
const MAX_CLAIMS: usize = 1 << 16;

/// How often ledgers are read, and pieces of indexes, so that they stay.
const KEEP_PAUSE: Duration = Duration::from_secs(20);

/// So many of them.
const MAX_KEPT: usize = 4096;

/// How often a lane with doubts or debts looks whether it can settle them; and how long a
/// server that answers again has to carry out what it was sent before.
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
                settling: None,
                purging: VecDeque::new(),
                held: Vec::new(),
                packed: HashMap::new(),
                claims: HashMap::new(),
                kept: Instant::now(),
                unmarked: Unmarked::default(),
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
    /// From when on doubts are settled, where the server answers.
    settling: Option<Instant>,
    /// Purges under way, in their order.
    purging: VecDeque<Purging>,
    /// Deletes of pages that other processes are about to store.
    held: Vec<Held>,
    /// How many bytes the larger pieces of indexes had when they were packed, and when.
    packed: HashMap<Piece, (usize, Instant)>,
    /// Until when the claims of pieces are enough that this process has made.
    claims: HashMap<Piece, Instant>,
    /// When it last saw to it that they stay.
    kept: Instant,
    unmarked: Unmarked,
}

/// A page that was announced, and what is claimed with it.
struct Announced<'a> {
    page: &'a Sending,
    outgoing: &'a Outgoing,
    claims: Vec<Claim>,
}

impl Announced<'_> {
    fn sent(&self) -> (&Outgoing, &[Claim]) {
        (self.outgoing, &self.claims)
    }
}

/// A delete that is done when the page has arrived, and is gone.
struct Held {
    delete: Delete,
    begun: Instant,
    /// Its server did not take the marker.
    refusal: Option<StoreError>,
    was_there: bool,
    until: Instant,
    /// Who was about to store it all the while.
    arriving: Option<Arriving>,
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
            let work = self.next();
            let is_over = matches!(work, Work::Over);
            match work {
                Work::Deletes(deletes) => self.delete(deletes).await,
                Work::Purge(purge) => self.purging.push_back(Purging::new(purge)),
                Work::Pages(pages) => {
                    self.send(pages).await;
                    if !self.is_busy() {
                        self.gather().await;
                    }
                }
                Work::Nothing if self.is_busy() => {}
                Work::Nothing => self.rest().await,
                Work::Over if !self.is_busy() => return,
                Work::Over => {}
            }
            self.purge().await;
            self.delete_held().await;
            self.keep().await;
            if !is_over {
                self.repeat().await;
                self.guard().await;
                self.settle().await;
            }
        }
    }

    fn next(&self) -> Work {
        let queue = &self.shared.queue;
        match self.purging.len() < MAX_PURGING {
            true => queue.next(self.number, MAX_BATCH_BYTES, MAX_BATCH_PAGES),
            false => queue.next_others(self.number, MAX_BATCH_BYTES, MAX_BATCH_PAGES),
        }
    }

    /// Whether something is half done.
    fn is_busy(&self) -> bool {
        !self.purging.is_empty() || !self.held.is_empty()
    }

    /// Waits for work, and sees to doubts and debts meanwhile.
    async fn rest(&mut self) {
        let work = self.shared.queue.work(self.number);
        if timeout(self.pause(), work).await.is_ok() {
            self.gather().await;
        }
    }

    /// How long there is nothing to do unless work comes.
    fn pause(&self) -> Duration {
        if self.doubts.is_empty() && !self.owes() {
            return KEEP_PAUSE;
        }
        let left = |at: Instant| at.saturating_duration_since(Instant::now());
        self.settling.map_or(SETTLE_PAUSE, left).min(SETTLE_PAUSE)
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

    /// Deletes are tried while the server is skipped, too, but not for long.
    fn bound(&self) -> Duration {
        match self.upstream.check() {
            Ok(()) => BATCH_TIMEOUT,
            Err(_) => self.upstream.timeout(),
        }
    }

    async fn delete(&mut self, deletes: Vec<Delete>) {
        let (bound, begun) = (self.bound(), Instant::now());
        let keys: Vec<_> = deletes.iter().map(|delete| delete.key).collect();
        let mark = self.client.marks().begin();
        let exchange = self.client.delete(&keys, mark);
        let answers = self.upstream.within(bound, keys.len(), exchange).await;
        for key in &keys {
            // A render that began before the marker was there may have read what is older:
            // the marker may have taken the place of another process's.
            self.shared.deletes.delete(key, || ());
        }
        self.client.marks().end_if_answered(mark, &answers);
        if answers.iter().any(Result::is_err) {
            self.share_failure();
        }
        for (delete, answer) in deletes.into_iter().zip(answers) {
            let until = Instant::now() + ARRIVING;
            let held = Held {
                delete,
                begun,
                refusal: None,
                was_there: false,
                until,
                arriving: None,
            };
            self.deleted(held, answer);
        }
    }

    /// Deletes once more what others were about to store, and may have stored by now.
    async fn delete_held(&mut self) {
        if self.held.is_empty() {
            return;
        }
        sleep(ARRIVING_PAUSE).await;
        let bound = self.bound();
        let held = std::mem::take(&mut self.held);
        let keys: Vec<_> = held.iter().map(|held| held.delete.key).collect();
        let exchange = self.client.delete_again(&keys);
        let answers = self.upstream.within(bound, keys.len(), exchange).await;
        let gone: Vec<_> = held
            .into_iter()
            .zip(answers)
            .filter_map(|(held, answer)| self.deleted(held, answer))
            .collect();
        if !gone.is_empty() {
            let exchange = self.client.take_back(&gone);
            // What is not taken back is waited for once more.
            self.upstream.within(bound, gone.len(), exchange).await;
        }
    }

    /// Tells who waits for a delete, or holds it; the announcements that it has waited for
    /// in vain.
    fn deleted(
        &mut self,
        mut held: Held,
        answer: Result<Deleted, StoreError>,
    ) -> Option<(PageKey, Arriving)> {
        let mut gone = None;
        let answer = match answer {
            Ok(deleted) => {
                held.was_there |= deleted.was_there;
                held.refusal = held.refusal.or(deleted.refusal);
                if let Some(arriving) = deleted.arriving {
                    let arriving = arriving.still(held.arriving);
                    held.arriving = Some(arriving);
                    if Instant::now() < held.until {
                        self.held.push(held);
                        return None;
                    }
                    gone = Some((held.delete.key, arriving));
                }
                Ok(held.was_there)
            }
            Err(failure) => Err(failure),
        };
        let Delete { key, effort, .. } = held.delete;
        let debts = vec![Debt::Page(key)];
        let answer = match answer {
            Ok(was_there) => {
                self.note_marker(effort, &debts, held.begun, held.refusal.as_ref());
                self.done(effort, debts, was_there.into(), None);
                held.refusal.map_or(Ok(was_there), Err)
            }
            Err(failure) => {
                self.failed(effort, debts, &failure);
                Err(failure)
            }
        };
        if answer.is_ok() || !effort.is_repeated() {
            observe::deleted(&key, &answer);
        }
        // The caller may have given up.
        let _ = held.delete.sender.send(answer);
        gone
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
        if matches!(step, Ok(Progress::Marked)) {
            purging.end_mark(self.client.marks());
        }
        match step {
            Ok(Progress::Done) => self.purged(purging),
            Ok(Progress::Marked | Progress::Some) => self.purging.push_back(purging),
            Err(failure) => {
                self.failed(purging.effort(), purging.debts(), &failure);
                purging.end(Some(failure));
                self.share_failure();
            }
        }
    }

    /// All that a purge could delete is.
    fn purged(&mut self, purging: Purging) {
        let (lost, refusal) = (self.lost_index(purging.lost()), purging.refusal());
        let (effort, debts) = (purging.effort(), purging.debts());
        self.note_marker(effort, &debts, purging.begun(), refusal.as_ref());
        self.done(effort, debts, purging.deleted(), lost.as_ref());
        purging.end(lost.or(refusal));
    }

    /// What a purge comes to that did not find so many pieces of its index.
    fn lost_index(&self, pieces: usize) -> Option<StoreError> {
        (pieces > 0).then(|| {
            observe::index_lost(pieces);
            StoreError::IndexLost {
                server: self.upstream.address().to_owned(),
                pieces,
            }
        })
    }

    /// Now and then reads the ledgers, and pieces of indexes: what is not read is what a
    /// server evicts first.
    async fn keep(&mut self) {
        if self.kept.elapsed() < KEEP_PAUSE || self.upstream.check().is_err() {
            return;
        }
        self.kept = Instant::now();
        self.claims.retain(|_, enough| *enough > self.kept);
        let ledgers: HashSet<_> = self.claims.keys().map(Piece::own_ledger).collect();
        let ledgers: Vec<_> = ledgers.into_iter().collect();
        let pieces = self.claims.keys().take(MAX_KEPT).copied();
        let all: Vec<_> = ledgers.iter().copied().chain(pieces).collect();
        if all.is_empty() {
            return;
        }
        let touched = self.client.touch(&all);
        let touched = self.upstream.within(ANNOUNCING, all.len(), touched).await;
        let gone = |(_, is_there): &(&Piece, &Result<bool, _>)| matches!(is_there, Ok(false));
        let gone: Vec<_> = ledgers.iter().zip(&touched).filter(gone).collect();
        let gone: HashSet<_> = gone.into_iter().map(|(ledger, _)| *ledger).collect();
        // What they said is to be said again with the next page.
        self.claims
            .retain(|piece, _| !gone.contains(&piece.own_ledger()));
    }

    /// A word for each piece that is to be claimed with one of the pages.
    fn claims(&self, pages: &[(Sending, Outgoing)]) -> HashMap<(PageKey, TagKey), u64> {
        let now = Instant::now();
        let (mut words, mut pieces) = (HashMap::new(), HashSet::new());
        for (_, page) in pages {
            for tag in page.tags.iter() {
                let piece = page.piece(*tag);
                let is_enough = self.claims.get(&piece).is_some_and(|enough| *enough > now);
                if !is_enough && piece.claim_lives().is_some() && pieces.insert(piece) {
                    words.insert((page.key, *tag), word());
                }
            }
        }
        words
    }

    /// Remembers pieces that were claimed by now, for as long as that is enough.
    fn note_claimed(&mut self, claims: Vec<Claim>, begun: Instant) {
        if self.claims.len() + claims.len() > MAX_CLAIMS {
            // Visitors who make tags are not to have the pieces of every page claimed anew.
            self.claims.retain(|piece, _| piece.is_of_everything());
        }
        let enough = |piece: &Piece| piece.claim_lives().map_or(0, |(enough, _)| enough);
        let until = |piece| (piece, begun + Duration::from_secs(enough(&piece)));
        let pieces = claims.into_iter().map(|claim| claim.piece);
        self.claims.extend(pieces.map(until));
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
        let stored = entry.stored(self.shared.cache_status);
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
            note: job.note.clone(),
            tags: Tags::clone(&job.tags),
        })
    }

    async fn store(&mut self, pages: &[(Sending, Outgoing)]) {
        self.resolve().await;
        let begun = Instant::now();
        let (pages, mut large) = self.announce(pages).await;
        if begun.elapsed() <= ANNOUNCING {
            large.extend(self.put(&pages).await);
        } else {
            // A purge may no longer see the announcements.
            let late = StoreError::timed_out(self.upstream.address());
            for announced in &pages {
                observe::store_failed(&announced.outgoing.key, &late);
            }
        }
        self.pack(large).await;
    }

    /// Announces pages and lists them in the indexes of their tags: those that nothing has
    /// deleted by then, and the pieces of indexes that have become large.
    async fn announce<'a>(
        &mut self,
        pages: &'a [(Sending, Outgoing)],
    ) -> (Vec<Announced<'a>>, HashMap<Piece, usize>) {
        let words = self.claims(pages);
        let outgoing = pages.iter().map(|(_, outgoing)| outgoing);
        let exchange = self.client.list(outgoing, true, &words);
        let answers = self
            .upstream
            .within(ANNOUNCING, pages.len(), exchange)
            .await;
        let (mut kept, mut withdrawn) = (Vec::with_capacity(pages.len()), Vec::new());
        let (mut large, mut orphaned) = (HashMap::new(), Vec::new());
        for ((page, outgoing), answer) in pages.iter().zip(answers) {
            let key = outgoing.key;
            match answer {
                Ok(listed) => {
                    match self.refusal(&Doubt::of(&page.job), &listed) {
                        None => kept.push(Announced {
                            page,
                            outgoing,
                            claims: listed.claims,
                        }),
                        Some(reason) => {
                            observe::dropped(&key, reason);
                            withdrawn.push(key);
                            orphaned.extend(listed.claims);
                        }
                    }
                    large.extend(listed.large);
                }
                Err(error) => observe::store_failed(&key, &error),
            }
        }
        if let Some(last) = kept.last_mut() {
            // Other pages are stored in the same pieces.
            last.claims.extend(orphaned);
        }
        if !withdrawn.is_empty() {
            let exchange = self.client.withdraw(&withdrawn);
            // What is not withdrawn ends by itself.
            self.upstream
                .within(ANNOUNCING, withdrawn.len(), exchange)
                .await;
        }
        (kept, large)
    }

    /// Stores pages that were announced; the ledgers that have become large.
    async fn put(&mut self, pages: &[Announced<'_>]) -> Vec<(Piece, usize)> {
        let mut large = Vec::new();
        if pages.is_empty() {
            return large;
        }
        let begun = Instant::now();
        let exchange = self.client.put(pages.iter().map(Announced::sent));
        let answers = self
            .upstream
            .within(BATCH_TIMEOUT, pages.len(), exchange)
            .await;
        let mut outdated = Vec::new();
        for (Announced { page, outgoing, .. }, answer) in pages.iter().zip(answers) {
            match answer {
                Ok(mut listed) => {
                    let bytes = outgoing.stored.as_ref().map_or(0, |stored| stored.len());
                    observe::stored(&outgoing.key, bytes);
                    self.upstream.note_size(&outgoing.key, bytes);
                    let doubt = Doubt::of(&page.job);
                    if let Some(reason) = self.refusal(&doubt, &listed) {
                        outdated.push((doubt, reason));
                    }
                    self.note_claimed(std::mem::take(&mut listed.claims), begun);
                    large.append(&mut listed.large);
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
        large
    }

    /// Why a page is not to be in the store.
    fn refusal(&self, doubt: &Doubt, listed: &Listed) -> Option<Dropped> {
        let deletes = &self.shared.deletes;
        if doubt.is_deleted(&listed.markers, self.number, deletes) {
            Some(Dropped::Deleted)
        } else if !listed.is_listed {
            Some(Dropped::Unlisted)
        } else {
            None
        }
    }

    /// Packs the pieces of indexes that have grown to twice their size since they were;
    /// those that are full now and then, since that moves all of a piece twice.
    async fn pack(&mut self, large: HashMap<Piece, usize>) {
        for (piece, bytes) in large {
            if let Some((before, packed)) = self.packed.get(&piece) {
                let is_full = bytes >= MAX_PIECE && packed.elapsed() >= KEEP_PAUSE;
                if bytes < before.saturating_mul(2) && !is_full {
                    continue;
                }
            }
            let exchange = async { vec![self.client.pack(piece).await] };
            let packed = self.upstream.within(BATCH_TIMEOUT, 1, exchange).await.pop();
            // Who is asked in vain by others who add to it is asked again, but not soon.
            let packed = packed.and_then(Result::ok).flatten().unwrap_or(bytes);
            if self.packed.len() == MAX_PACKED {
                self.packed.clear();
            }
            self.packed.insert(piece, (packed, Instant::now()));
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
        let removed = self
            .upstream
            .within(BATCH_TIMEOUT, keys.len(), exchange)
            .await;
        for ((doubt, _), removed) in outdated.into_iter().zip(removed) {
            if removed.is_err() {
                self.doubt(doubt);
            }
        }
    }

    /// Whether doubts may be settled. However much else there is to do, they have their
    /// turn: the pages may be found until then.
    fn may_settle(&mut self) -> bool {
        if self.doubts.is_empty() || self.upstream.check().is_err() {
            self.settling = None;
            return false;
        }
        let now = Instant::now();
        *self.settling.get_or_insert(now + SETTLE_PAUSE) <= now
    }

    /// Where the server answers again: sees that pages in doubt are in the indexes of
    /// their tags, and looks at the deletes that concern them. A batch at a time.
    async fn settle(&mut self) {
        if !self.may_settle() {
            return;
        }
        if !self.answers().await {
            self.settling = None;
            return;
        }
        let doubts = self.doubts.take(MAX_BATCH_PAGES);
        let listing = |doubt: &Doubt| Outgoing {
            key: doubt.key,
            stored: None,
            life: doubt.life(),
            stale: Duration::ZERO,
            copy: None,
            note: None,
            tags: Tags::clone(&doubt.tags),
        };
        let listings: Vec<_> = doubts.iter().map(listing).collect();
        // What they are listed in was claimed when they were announced.
        let none = HashMap::new();
        let exchange = self.client.list(listings.iter(), false, &none);
        let answers = self
            .upstream
            .within(BATCH_TIMEOUT, doubts.len(), exchange)
            .await;
        let mut outdated = Vec::new();
        for (doubt, answer) in doubts.into_iter().zip(answers) {
            match answer {
                Ok(listed) => {
                    if let Some(reason) = self.refusal(&doubt, &listed) {
                        outdated.push((doubt, reason));
                    }
                }
                Err(_) => {
                    self.settling = None;
                    self.doubt(doubt);
                }
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
    (word() >> 32) as f64 / f64::from(u32::MAX)
}

/// A number that differs between processes and moments.
fn word() -> u64 {
    use std::hash::BuildHasher;
    std::hash::RandomState::new().hash_one(0_u8)
}
