//! What is asked of one server for a purge: markers, indexes, deletes.

use std::collections::HashMap;

use actix_web::web::Bytes;
use memcache::exp::ReturnCode;

use super::{
    Answer, Client, Command, Deleted, MARKER_LIFE, StoreError, TagKey, deletes, is_arriving,
    purge_key, unix_now, unlock, wire_expiry,
};
use crate::key::PageKey;
use crate::store::index::{self, Piece};
use crate::store::marks::Mark;

/// A larger piece of an index is packed when it has grown to twice its size, in bytes.
pub(crate) const LARGE: usize = 16 << 10;

/// No piece grows beyond this, in bytes: what would be listed there is not stored.
pub(crate) const MAX_PIECE: usize = 1_000_000;

/// A piece of an index as it was read.
pub(crate) struct Read {
    pub(crate) piece: Piece,
    pub(crate) pages: Vec<PageKey>,
    /// Which version of it this was.
    number: u64,
    /// Whether it has all that its ledger claims.
    pub(crate) is_whole: bool,
    /// Its claims, which stay.
    claims: Vec<u8>,
}

/// What a server says to who begins a purge.
pub(crate) struct Marked {
    /// The pieces of the indexes that there are, each with its bytes.
    pub(crate) pieces: Vec<(Piece, usize)>,
    /// What must be in them.
    pub(crate) claims: HashMap<Piece, Vec<PageKey>>,
    /// The server has no room for a note of the purge: who is about to store a page does
    /// not see it. To delete the pages that are there makes room.
    pub(crate) refusal: Option<StoreError>,
}

impl Client {
    /// Notes that the tags were purged, and says which pieces of their indexes there are.
    pub(crate) async fn purge(&self, tags: &[TagKey], mark: Mark) -> Result<Marked, StoreError> {
        let value = || [self.marks.value(mark).into(), Bytes::new()];
        let life = format!(" T{MARKER_LIFE}");
        let marks = tags
            .iter()
            .map(|tag| Command::set(&purge_key(tag), value(), &life));
        let mut ledgers: Vec<_> = tags.iter().map(|tag| Piece::ledger(*tag).name()).collect();
        ledgers.sort_unstable();
        ledgers.dedup();
        // Before the pieces: who adds to a piece claims it then, so what is claimed by now
        // is there.
        let claims = ledgers.iter().map(|name| Command::new("mg", name, " v"));
        let pieces: Vec<_> = tags.iter().flat_map(|tag| Piece::all(*tag)).collect();
        let sizes = pieces
            .iter()
            .map(|piece| Command::new("mg", &piece.name(), " s"));
        let commands: Vec<_> = marks.chain(claims).chain(sizes).collect();
        let mut answers = self.exchange(&commands).await.into_iter();
        let mut marked = Marked {
            pieces: Vec::new(),
            claims: HashMap::new(),
            refusal: None,
        };
        for mark in answers.by_ref().take(tags.len()) {
            marked.refusal = self.marked(mark)?.or(marked.refusal);
        }
        let marks: HashMap<_, _> = pieces.iter().map(|piece| (piece.mark(), *piece)).collect();
        for ledger in answers.by_ref().take(ledgers.len()) {
            let ledger = ledger?.value.unwrap_or_default();
            for (piece, claim) in index::claimed(&ledger, &marks, unix_now()) {
                marked.claims.entry(piece).or_default().push(claim);
            }
        }
        for piece in &pieces {
            let answer = answers.next().unwrap_or_else(|| Err(self.unexpected()))?;
            match answer.number(b's') {
                Some(bytes) if bytes > 0 => marked.pieces.push((*piece, bytes)),
                _ => {}
            }
        }
        Ok(marked)
    }

    /// Reads pieces of indexes; one that is gone meanwhile has no pages.
    pub(crate) async fn pieces(
        &self,
        pieces: &[Piece],
        claims: &HashMap<Piece, Vec<PageKey>>,
    ) -> Vec<Result<Option<Read>, StoreError>> {
        let now = unix_now();
        let read = |piece: &Piece| Command::new("mg", &piece.name(), " c v");
        let commands: Vec<_> = pieces.iter().map(read).collect();
        let answers = self.exchange(&commands).await;
        let none = Vec::new();
        let read = |(piece, answer): (&Piece, Result<Answer, StoreError>)| {
            let answer = answer?;
            match answer.code() {
                ReturnCode::En => Ok(None),
                ReturnCode::Va => {
                    let number = answer.number(b'c').ok_or_else(|| self.unexpected())?;
                    // A larger one than is ever written is not read.
                    let value = answer.value.ok_or_else(|| self.unexpected())?;
                    Ok(Some(Read {
                        piece: *piece,
                        pages: index::pages(&value, *piece),
                        number,
                        is_whole: claims
                            .get(piece)
                            .unwrap_or(&none)
                            .iter()
                            .all(|claim| index::has(&value, claim)),
                        claims: index::claims(&value, *piece, now),
                    }))
                }
                _ => Err(self.unexpected()),
            }
        };
        pieces.iter().zip(answers).map(read).collect()
    }

    /// Deletes pages, whose purge is noted; then empties the pieces that they were read
    /// from, but for their claims, where nothing was added since.
    pub(crate) async fn purge_pages(
        &self,
        pages: &[PageKey],
        read: &[Read],
    ) -> Vec<Result<Deleted, StoreError>> {
        let now = unix_now();
        let forget = |read: &Read| {
            let (name, number) = (read.piece.name(), read.number);
            if read.claims.is_empty() {
                return Command::new("md", &name, format_args!(" C{number}"));
            }
            let expiry = (read.piece.lives()).map_or(0, |lives| wire_expiry(lives, now));
            let claims = [read.claims.clone().into(), Bytes::new()];
            Command::replace(&name, claims, expiry, number)
        };
        let commands: Vec<_> = pages
            .iter()
            .flat_map(|page| {
                let [copy, page_itself] = deletes(page);
                [is_arriving(page), unlock(page), copy, page_itself]
            })
            .chain(read.iter().map(forget))
            .collect();
        let mut answers = self.exchange(&commands).await.into_iter();
        let mut next = || {
            let arriving = answers.next()?;
            Some([arriving, answers.next()?, answers.next()?, answers.next()?])
        };
        let deleted = pages.iter().map_while(|_| next());
        deleted
            .map(|[arriving, unlock, copy, page]| {
                self.deleted(unlock)?;
                self.both_gone(arriving, [copy, page])
            })
            .collect()
    }

    /// Takes out of a piece what is in it twice or has expired, unless somebody adds to
    /// it meanwhile; how many bytes it then has.
    pub(crate) async fn pack(&self, piece: Piece) -> Result<Option<usize>, StoreError> {
        let name = piece.name();
        let read = [Command::new("mg", &name, " c v")];
        let Some(answer) = self.exchange(&read).await.into_iter().next() else {
            return Ok(None);
        };
        let answer = answer?;
        let (Some(number), Some(value)) = (answer.number::<u64>(b'c'), answer.value) else {
            return Ok(None);
        };
        let now = unix_now();
        let packed = index::packed(&value, now);
        let bytes = packed.len();
        let expiry = piece.lives().map_or(0, |lives| wire_expiry(lives, now));
        let packed = [packed.into(), Bytes::new()];
        let write = [Command::replace(&name, packed, expiry, number)];
        let Some(answer) = self.exchange(&write).await.into_iter().next() else {
            return Ok(None);
        };
        Ok((answer?.code() == ReturnCode::Hd).then_some(bytes))
    }
}
