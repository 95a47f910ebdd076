//! Which pages have a tag, as each server keeps it for the pages that it has.
//!
//! A tag's index is in pieces: by how long its pages may live, so that a piece lives
//! longer than any page in it whoever adds to it, and by the page's key, so that none
//! grows too large. A piece is 20 bytes a page, its raw key and when it expires.

use std::collections::HashMap;

use crate::hex;
use crate::key::PageKey;
use crate::tag::TagKey;

/// The longest lives of the pages in a piece, in seconds; the last has the others.
const LIVES: [u64; 3] = [60 * 60, 24 * 60 * 60, 30 * 24 * 60 * 60];

/// A piece outlives its pages by this, in seconds.
const MORE: u64 = 60;

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
        LIVES
            .get(usize::from(self.life))
            .map(|longest| longest + MORE)
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

/// The pages in a piece, each once.
pub(crate) fn pages(piece: &[u8]) -> Vec<PageKey> {
    let mut pages: Vec<_> = entries(piece).map(|(page, _)| page).collect();
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
    let alive = |(_, expires): &(PageKey, u32)| u64::from(*expires) + CLOCKS > now;
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
            prop_assert!(pages(&piece).len() <= piece.len() / ENTRY);
            prop_assert!(packed(&piece, 0).len() <= piece.len());
        }
    }
}
