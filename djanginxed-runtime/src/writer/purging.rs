//! A purge on one server: its marker first, then each piece of the tags' indexes, the
//! pages in it, and the piece.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::key::PageKey;
use crate::purged::{Effort, Spare};
use crate::store::client::{ARRIVAL_LIFE, Arriving, Client, MAX_PIECE, Read};
use crate::store::error::StoreError;
use crate::store::index::Piece;
use crate::store::marks::{Mark, Marks};
use crate::tag::{TagKey, Tags};
use crate::writer::owed::Debt;

/// An announcement is over by then, whatever became of who made it.
pub(super) const ARRIVING: Duration = Duration::from_secs(ARRIVAL_LIFE as u64);

/// How often it is looked whether a page has arrived that is to be deleted.
pub(super) const ARRIVING_PAUSE: Duration = Duration::from_millis(1);

/// So many pages are deleted with one write.
const MAX_PAGES: usize = 1000;

/// No more pages than these are spared.
const MAX_SPARED: usize = 10_000;

/// So many pieces are read with one.
const MAX_PIECES: usize = 256;

/// What a purge asks of a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Asked {
    pub(super) tags: Tags,
    /// What is not to be deleted here, up to a bound.
    pub(super) spare: Spare,
    pub(super) effort: Effort,
}

impl Asked {
    /// What it comes to where its server fails.
    pub(super) fn debts(&self) -> Vec<Debt> {
        self.tags.iter().map(|tag| Debt::Tag(*tag)).collect()
    }
}

/// Where one who waits for a purge is told what came of it.
pub(super) type Teller = oneshot::Sender<Result<Outcome, StoreError>>;

/// A purge on its way to one server, and who wait for it: all who asked for it before it
/// began.
#[derive(Debug)]
pub(super) struct Purge {
    pub(super) asked: Asked,
    pub(super) tellers: Vec<Teller>,
}

impl Purge {
    /// One that is made again, for nobody who would wait.
    pub(super) fn again(tags: Tags, effort: Effort) -> Purge {
        Purge {
            asked: Asked {
                tags,
                spare: Spare::Nothing,
                effort,
            },
            tellers: Vec::new(),
        }
    }
}

/// What came of a purge at one server that has its marker.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) deleted: u64,
    /// Pages whose deletes failed.
    pub(crate) in_doubt: u64,
    /// Pages that were left, and that their index still has.
    pub(crate) spared: Vec<PageKey>,
    /// What failed; pages that are not known may be left.
    pub(crate) failure: Option<StoreError>,
}

/// A purge under way. It holds one piece of an index, or as many as are as large.
pub(super) struct Purging {
    purge: Purge,
    begun: Instant,
    start: Start,
    mark: Option<Mark>,
    /// Its server did not take the marker.
    refusal: Option<StoreError>,
    /// What its server says must be in the pieces of the indexes.
    claims: HashMap<Piece, Vec<PageKey>>,
    /// Pieces that the server has lost, whole or up to some moment.
    lost: usize,
    /// What is still to be read, each with its bytes.
    unread: VecDeque<(Piece, usize)>,
    /// Those of which it is not known yet whether they are to be spared, each once.
    found: Vec<PageKey>,
    /// What is still to be deleted, each once.
    pages: Vec<PageKey>,
    /// Where those pages stood.
    read: Vec<Read>,
    /// Deleted, but other processes were about to store them.
    arriving: Vec<(PageKey, Arriving)>,
    /// Whatever was announced when the pages were read is stored by then.
    until: Instant,
    spared: Vec<PageKey>,
    deleted: u64,
}

/// How often a purge has begun: its server was given the marker, and has taken or refused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Ahead,
    Once,
    /// What it has deleted may have made room for a marker that was refused.
    AheadAgain,
    Twice,
}

impl Start {
    fn is_ahead(self) -> bool {
        matches!(self, Start::Ahead | Start::AheadAgain)
    }

    fn made(self) -> Start {
        match self {
            Start::Ahead | Start::Once => Start::Once,
            Start::AheadAgain | Start::Twice => Start::Twice,
        }
    }
}

/// How far a purge has come with one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Marked,
    Some,
    Done,
}

impl Purging {
    pub(super) fn new(purge: Purge) -> Purging {
        Purging {
            purge,
            begun: Instant::now(),
            start: Start::Ahead,
            mark: None,
            refusal: None,
            claims: HashMap::new(),
            lost: 0,
            unread: VecDeque::new(),
            found: Vec::new(),
            pages: Vec::new(),
            read: Vec::new(),
            arriving: Vec::new(),
            until: Instant::now(),
            spared: Vec::new(),
            deleted: 0,
        }
    }

    pub(super) fn tags(&self) -> &[TagKey] {
        &self.purge.asked.tags
    }

    /// Its markers are there, and renders look at where that is noted.
    pub(super) fn end_mark(&mut self, marks: &Marks) {
        if let Some(mark) = self.mark.take() {
            marks.end(mark);
        }
    }

    pub(super) fn effort(&self) -> Effort {
        self.purge.asked.effort
    }

    /// Its marker, if it has one, is as new.
    pub(super) fn begun(&self) -> Instant {
        self.begun
    }

    pub(super) fn debts(&self) -> Vec<Debt> {
        self.purge.asked.debts()
    }

    /// How many pages it has deleted so far.
    pub(super) fn deleted(&self) -> u64 {
        self.deleted
    }

    /// Makes one exchange. Dropped half way, it has done nothing that may not be done
    /// again.
    pub(super) async fn step(&mut self, client: &Client) -> Result<Progress, StoreError> {
        if self.start.is_ahead() {
            self.begin(client).await.map(|()| Progress::Marked)
        } else if !self.found.is_empty() {
            self.sift(client).await.map(|()| Progress::Some)
        } else if !self.pages.is_empty() || !self.read.is_empty() {
            self.delete(client).await.map(|()| Progress::Some)
        } else if !self.arriving.is_empty() {
            self.delete_again(client).await.map(|()| Progress::Some)
        } else if !self.unread.is_empty() {
            self.read(client).await.map(|()| Progress::Some)
        } else if self.may_begin_again() && self.deleted > 0 {
            self.start = Start::AheadAgain;
            Ok(Progress::Some)
        } else {
            Ok(Progress::Done)
        }
    }

    /// A marker was refused for which there may be room when the pages are gone.
    fn may_begin_again(&self) -> bool {
        self.refusal.is_some() && self.start == Start::Once
    }

    async fn begin(&mut self, client: &Client) -> Result<(), StoreError> {
        let mark = client.marks().begin();
        let marked = client.purge(&self.purge.asked.tags, mark).await?;
        self.mark = Some(mark);
        let there: HashSet<_> = marked.pieces.iter().map(|(piece, _)| *piece).collect();
        let lost = marked.claims.keys().filter(|one| !there.contains(one));
        self.lost = lost.count();
        self.unread = marked.pieces.into();
        self.claims = marked.claims;
        self.refusal = marked.refusal;
        self.spared.clear();
        self.start = self.start.made();
        Ok(())
    }

    async fn read(&mut self, client: &Client) -> Result<(), StoreError> {
        let batch = batch(&self.unread);
        let mut read = Vec::with_capacity(batch.len());
        let mut lost = 0;
        for (piece, answer) in batch.iter().zip(client.pieces(&batch, &self.claims).await) {
            match answer? {
                Some(found) => {
                    lost += usize::from(!found.is_whole);
                    read.push(found);
                }
                None => lost += usize::from(self.claims.contains_key(piece)),
            }
        }
        let mut pages: Vec<_> = read
            .iter_mut()
            .flat_map(|read| std::mem::take(&mut read.pages))
            .collect();
        pages.sort_unstable();
        pages.dedup();
        self.unread.drain(..batch.len());
        self.lost += lost;
        self.until = Instant::now() + ARRIVING;
        self.read = read;
        match self.purge.asked.spare {
            Spare::Nothing => self.pages = pages,
            Spare::WhatIsRead => self.found = pages,
        }
        Ok(())
    }

    /// Leaves pages that somebody has read, but for one that another process is about to
    /// store: that is no page to keep.
    async fn sift(&mut self, client: &Client) -> Result<(), StoreError> {
        let from = self.found.len().saturating_sub(MAX_PAGES);
        let room = MAX_SPARED.saturating_sub(self.spared.len());
        let (mut read, mut others) = (Vec::new(), Vec::new());
        let found = &self.found[from..];
        for (page, look) in found.iter().zip(client.looks(found).await) {
            match look? {
                Some(look) if look.was_read && read.len() < room => read.push(*page),
                _ => others.push(*page),
            }
        }
        let mut spared = Vec::with_capacity(read.len());
        for (page, is_arriving) in read.iter().zip(client.arriving(&read).await) {
            match is_arriving? {
                true => others.push(*page),
                false => spared.push(*page),
            }
        }
        self.found.truncate(from);
        self.pages.extend(others);
        self.keep_pieces(&spared);
        self.spared.extend(spared);
        if self.spared.len() == MAX_SPARED {
            self.pages.append(&mut self.found);
        }
        Ok(())
    }

    /// Another purge is to find what is spared here.
    fn keep_pieces(&mut self, spared: &[PageKey]) {
        let tags = &self.purge.asked.tags;
        let pieces = |page| tags.iter().flat_map(move |tag| Piece::of_page(*tag, page));
        let kept: HashSet<_> = spared.iter().flat_map(pieces).collect();
        self.read.retain(|read| !kept.contains(&read.piece));
    }

    async fn delete(&mut self, client: &Client) -> Result<(), StoreError> {
        let from = self.pages.len().saturating_sub(MAX_PAGES);
        // An emptied piece is as large as a marker, and would take the room that the pages
        // leave to it.
        let forget = match from == 0 && !self.may_begin_again() {
            true => &self.read[..],
            false => &[],
        };
        let answers = client.purge_pages(&self.pages[from..], forget).await;
        let last = self.pages.split_off(from);
        let mut failure = None;
        for (page, answer) in last.into_iter().zip(answers) {
            match answer {
                Ok(deleted) => {
                    self.deleted += u64::from(deleted.was_there);
                    self.arriving
                        .extend(deleted.arriving.map(|one| (page, one)));
                }
                Err(error) => {
                    self.pages.push(page);
                    failure.get_or_insert(error);
                }
            }
        }
        if from == 0 {
            self.read.clear();
        }
        failure.map_or(Ok(()), Err)
    }

    /// Deletes once more what others were about to store, and may have stored by now.
    async fn delete_again(&mut self, client: &Client) -> Result<(), StoreError> {
        sleep(ARRIVING_PAUSE).await;
        let from = self.arriving.len().saturating_sub(MAX_PAGES);
        let keys: Vec<_> = self.arriving[from..].iter().map(|(key, _)| *key).collect();
        let answers = client.delete_again(&keys).await;
        let is_over = Instant::now() >= self.until;
        let (mut failure, mut gone) = (None, Vec::new());
        for ((page, before), answer) in self.arriving.split_off(from).into_iter().zip(answers) {
            match answer {
                Ok(deleted) => {
                    self.deleted += u64::from(deleted.was_there);
                    if let Some(arriving) = deleted.arriving {
                        let still = (page, arriving.still(Some(before)));
                        match is_over {
                            true => gone.push(still),
                            false => self.arriving.insert(0, still),
                        }
                    }
                }
                Err(error) => {
                    self.arriving.push((page, before));
                    failure.get_or_insert(error);
                }
            }
        }
        if !gone.is_empty() {
            // What is not taken back is waited for once more.
            client.take_back(&gone).await;
        }
        failure.map_or(Ok(()), Err)
    }

    /// Why its server has no marker of it, though all that could be deleted is.
    pub(super) fn refusal(&self) -> Option<StoreError> {
        self.refusal.clone()
    }

    /// How many pieces of the indexes its server has lost.
    pub(super) fn lost(&self) -> usize {
        self.lost
    }

    /// Tells all who wait for it. The pages that it has deleted are the first one's: to the
    /// others they were gone.
    pub(super) fn end(self, failure: Option<StoreError>) {
        let mut answer = match failure {
            Some(failure) if self.start == Start::Ahead => Err(failure),
            failure => Ok(Outcome {
                deleted: self.deleted,
                spared: self.spared,
                in_doubt: (self.found.len() + self.pages.len() + self.arriving.len()) as u64,
                failure,
            }),
        };
        for teller in self.purge.tellers {
            // The caller may have given up.
            let _ = teller.send(answer.clone());
            if let Ok(outcome) = &mut answer {
                outcome.deleted = 0;
            }
        }
    }
}

/// The next pieces to read: one, or as many as are not larger than one may be.
fn batch(unread: &VecDeque<(Piece, usize)>) -> Vec<Piece> {
    let mut sum = 0_usize;
    let fits = |(piece, bytes): &(Piece, usize)| {
        let is_first = sum == 0;
        sum = sum.saturating_add(*bytes);
        (is_first || sum <= MAX_PIECE).then_some(*piece)
    };
    unread.iter().map_while(fits).take(MAX_PIECES).collect()
}
