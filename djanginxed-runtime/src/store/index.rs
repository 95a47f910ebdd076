//! Which pages have a tag, as each server keeps it for the pages that it has.
//!
//! A tag's index is in pieces: by how long its pages may live, so that a piece lives
//! longer than any page in it whoever adds to it, and by the page's key, so that none
//! grows too large. A piece is 20 bytes a page, its raw key and when it expires.
//!
//! A server may evict a piece, and then nobody knows which pages it listed. So who adds to
//! a piece *claims* it now and then: one more entry, in the piece and in a *ledger* that
//! says what pieces there are. A claim that is in the ledger and not in its piece is of a
//! piece that was lost.

use std::collections::HashMap;

use md5::{Digest, Md5};

use crate::hex;
use crate::key::PageKey;
use crate::tag::TagKey;

/// The longest lives of the pages in a piece, in seconds; the last has the others.
const LIVES: [u64; 3] = [60 * 60, 24 * 60 * 60, 30 * 24 * 60 * 60];

/// A piece lives for so many of its longest lives from when it was last added to, and a
/// claim of it for one less: so a piece that is claimed has not come to its end.
const PIECE_LIVES: u64 = 3;

/// Of most tags; that of every page has one for each first byte of a key.
const PIECES: u8 = 16;

const ENTRY: usize = 20;

/// Who packs a piece may have a clock that is ahead of another's by this, in seconds.
const CLOCKS: u64 = 600;

/// A piece of a tag's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Piece {
    tag: TagKey,
    life: u8,
    number: u8,
}

impl Piece {
    /// That of a page which lives for `life` seconds.
    pub(crate) fn of(tag: TagKey, page: &PageKey, life: u64) -> Piece {
        let class = LIVES.iter().position(|longest| life <= *longest);
        let life = class.unwrap_or(LIVES.len()) as u8;
        Piece {
            life,
            ..Piece::first(tag, page)
        }
    }

    /// Those that may list a page, however long it lives.
    pub(crate) fn of_page(tag: TagKey, page: &PageKey) -> impl Iterator<Item = Piece> {
        let first = Piece::first(tag, page);
        (0..=LIVES.len() as u8).map(move |life| Piece { life, ..first })
    }

    fn first(tag: TagKey, page: &PageKey) -> Piece {
        let first = page.raw()[0];
        let number = if tag.is_everything() {
            first
        } else {
            first % PIECES
        };
        Piece {
            tag,
            life: 0,
            number,
        }
    }

    pub(crate) fn tag(&self) -> TagKey {
        self.tag
    }

    /// All that a tag may have.
    pub(crate) fn all(tag: TagKey) -> impl Iterator<Item = Piece> {
        let last = if tag.is_everything() {
            u8::MAX
        } else {
            PIECES - 1
        };
        let lives = 0..=LIVES.len() as u8;
        lives.flat_map(move |life| (0..=last).map(move |number| Piece { tag, life, number }))
    }

    /// Its name at a server, which no md5 can be.
    pub(crate) fn name(&self) -> Vec<u8> {
        let (tag, number) = (self.tag.hex(), hex::byte(self.number));
        // One digit: there are no more than ten classes.
        [b"tag:", &tag[..], b":", &[b'0' + self.life], b":", &number].concat()
    }

    /// How long it lives from the last page that it was given, in seconds; `None`: for
    /// ever.
    pub(crate) fn lives(&self) -> Option<u64> {
        self.longest().map(|longest| longest * PIECE_LIVES)
    }

    fn longest(&self) -> Option<u64> {
        LIVES.get(usize::from(self.life)).copied()
    }

    /// Whether it is of the index of all pages.
    pub(crate) fn is_of_everything(&self) -> bool {
        self.tag.is_everything()
    }

    /// The ledger of a tag's pieces, which never ends. That of every page is its own: tags
    /// are made by visitors where a page is tagged by a segment of its route, and those
    /// that fill a ledger are to keep nothing out but each other.
    pub(crate) fn ledger(tag: TagKey) -> Piece {
        Piece {
            tag: TagKey::ledger(),
            life: LIVES.len() as u8 + u8::from(tag.is_everything()),
            number: tag.first_byte(),
        }
    }

    /// The ledger that its claims are in.
    pub(crate) fn own_ledger(&self) -> Piece {
        Piece::ledger(self.tag)
    }

    /// How long a claim is enough for the pages that are added to it, and how long it
    /// lives itself, in seconds. Pieces of pages that live for longer than 30 days are not
    /// claimed: nothing would ever take the claims away.
    pub(crate) fn claim_lives(&self) -> Option<(u64, u64)> {
        self.longest()
            .map(|longest| (longest, longest * (PIECE_LIVES - 1)))
    }

    /// What the keys of its claims begin with.
    pub(crate) fn mark(&self) -> [u8; 8] {
        let digest: [u8; 16] = Md5::digest(self.name()).into();
        digest.first_chunk().copied().unwrap_or_default()
    }

    /// A claim of it. As an entry it looks like a page's, of a page that nobody has.
    pub(crate) fn claim(&self, word: u64) -> PageKey {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.mark());
        key[8..].copy_from_slice(&word.to_be_bytes());
        PageKey::from_raw(key)
    }
}

/// A page's entry in a piece.
pub(crate) fn entry(page: &PageKey, life: u64, now: u64) -> [u8; ENTRY] {
    let expires = u32::try_from(now.saturating_add(life)).unwrap_or(u32::MAX);
    let mut entry = [0; ENTRY];
    entry[..16].copy_from_slice(&page.raw());
    entry[16..].copy_from_slice(&expires.to_be_bytes());
    entry
}

fn entries(piece: &[u8]) -> impl Iterator<Item = (PageKey, u32)> {
    let (entries, _) = piece.as_chunks::<ENTRY>();
    entries.iter().map(|entry| {
        let (mut key, mut expires) = ([0; 16], [0; 4]);
        key.copy_from_slice(&entry[..16]);
        expires.copy_from_slice(&entry[16..]);
        (PageKey::from_raw(key), u32::from_be_bytes(expires))
    })
}

fn is_alive(expires: u32, now: u64) -> bool {
    u64::from(expires) + CLOCKS > now
}

fn has_mark(key: &PageKey, mark: [u8; 8]) -> bool {
    key.raw().starts_with(&mark)
}

/// The claims in a piece that are not over, as they stand there.
pub(crate) fn claims(bytes: &[u8], piece: Piece, now: u64) -> Vec<u8> {
    let mark = piece.mark();
    entries(bytes)
        .filter(|(key, expires)| has_mark(key, mark) && is_alive(*expires, now))
        .flat_map(|(key, expires)| entry(&key, expires.into(), 0))
        .collect()
}

/// The claims in a ledger that are not over, each with its piece out of `pieces`.
pub(crate) fn claimed(
    ledger: &[u8],
    pieces: &HashMap<[u8; 8], Piece>,
    now: u64,
) -> Vec<(Piece, PageKey)> {
    let piece_of = |key: &PageKey| pieces.get(key.raw().first_chunk()?).copied();
    entries(ledger)
        .filter(|(_, expires)| is_alive(*expires, now))
        .filter_map(|(key, _)| Some((piece_of(&key)?, key)))
        .collect()
}

/// Whether a piece has an entry, be it over or not.
pub(crate) fn has(bytes: &[u8], key: &PageKey) -> bool {
    entries(bytes).any(|(known, _)| known == *key)
}

/// The pages in a piece, each once.
pub(crate) fn pages(bytes: &[u8], piece: Piece) -> Vec<PageKey> {
    let mark = piece.mark();
    let mut pages: Vec<_> = entries(bytes)
        .map(|(page, _)| page)
        .filter(|page| !has_mark(page, mark))
        .collect();
    pages.sort_unstable();
    pages.dedup();
    pages
}

/// A piece without what is in it twice or has expired.
pub(crate) fn packed(piece: &[u8], now: u64) -> Vec<u8> {
    let mut latest: HashMap<PageKey, u32> = HashMap::new();
    for (page, expires) in entries(piece) {
        let known = latest.entry(page).or_default();
        *known = expires.max(*known);
    }
    let alive = |(_, expires): &(PageKey, u32)| is_alive(*expires, now);
    let alive = latest.into_iter().filter(alive);
    alive
        .flat_map(|(page, expires)| entry(&page, expires.into(), 0))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn page(number: u32) -> PageKey {
        PageKey::new("", &format!("/{number}"))
    }

    #[test]
    fn every_piece_of_a_page_is_one_of_its_tags() {
        for tag in [TagKey::new("p", "a"), TagKey::everything("p")] {
            let all: HashSet<_> = Piece::all(tag).collect();
            let names: HashSet<_> = all.iter().map(Piece::name).collect();
            assert_eq!(names.len(), all.len());
            for number in 0..1_000 {
                for life in [1, 3_600, 3_601, 86_401, 2_592_001, 315_360_000] {
                    let piece = Piece::of(tag, &page(number), life);
                    assert!(all.contains(&piece));
                    assert!(piece.lives().is_none_or(|lives| lives > life));
                }
            }
        }
    }

    #[test]
    fn a_claim_is_of_its_piece_alone_and_no_page() {
        let tag = TagKey::new("p", "a");
        let [one, other] = [60, 7_200].map(|life| Piece::of(tag, &page(1), life));
        let claim = one.claim(7);
        let bytes = [entry(&page(1), 60, 100), entry(&claim, 7_200, 100)].concat();
        assert_eq!(pages(&bytes, one), [page(1)]);
        assert_eq!(claims(&bytes, one, 100), bytes[ENTRY..]);
        assert!(claims(&bytes, one, 7_300 + CLOCKS).is_empty());
        assert!(claims(&bytes, other, 100).is_empty());
        let pieces = HashMap::from([(one.mark(), one)]);
        assert_eq!(claimed(&bytes, &pieces, 100), [(one, claim)]);
        assert!(has(&bytes, &claim) && !has(&bytes, &one.claim(8)));
        let (enough, lives) = one.claim_lives().unwrap();
        assert!(enough + 3_600 <= lives && one.lives().unwrap() > lives + CLOCKS);
    }

    #[test]
    fn no_piece_has_the_name_of_a_page() {
        let tag = TagKey::everything("p");
        for name in Piece::all(tag).map(|piece| piece.name()) {
            assert!(name.starts_with(b"tag:") && name.len() > 32 && name.len() < 250);
        }
    }

    proptest! {
        #[test]
        fn packing_keeps_each_page_that_is_alive_once_with_its_latest_end(
            stored in vec((0..20_u32, 0..5_000_u64), 0..200),
        ) {
            let now = 2_000;
            let piece: Vec<u8> = stored
                .iter()
                .flat_map(|(number, life)| entry(&page(*number), *life, 0))
                .collect();
            let mut latest = HashMap::new();
            for (number, life) in &stored {
                let known = latest.entry(page(*number)).or_insert(0);
                *known = (*known).max(*life as u32);
            }
            latest.retain(|_, expires| u64::from(*expires) + CLOCKS > now);
            let packed = packed(&piece, now);
            prop_assert_eq!(packed.len(), latest.len() * ENTRY);
            let kept: HashMap<_, _> = entries(&packed).collect();
            prop_assert_eq!(kept, latest);
        }

        #[test]
        fn whatever_a_server_says_is_read(piece in vec(any::<u8>(), 0..200)) {
            let of = Piece::of(TagKey::new("p", "a"), &page(0), 60);
            prop_assert!(pages(&piece, of).len() <= piece.len() / ENTRY);
            prop_assert!(claims(&piece, of, 0).len() <= piece.len());
            prop_assert!(packed(&piece, 0).len() <= piece.len());
        }
    }
}
