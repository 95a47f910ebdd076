//! The kinds of pages that this process has been asked for.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use crate::key::mark;
use crate::media::HTML;
use crate::page::Page;

/// More than these are not remembered.
const MAX_KINDS: usize = 1024;

type Kind = (Option<&'static str>, &'static str);

/// Key prefixes and content types other than the usual.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    known: RwLock<BTreeSet<Kind>>,
    /// Whether a prefix was told of that no page has.
    told: AtomicBool,
}

impl Kinds {
    pub(super) fn note(&self, page: &Page) {
        let kind = (page.own_key_prefix(), page.media_type());
        if kind == (None, HTML) {
            return;
        }
        let known = self.known();
        if known.contains(&kind) || known.len() == MAX_KINDS {
            return;
        }
        drop(known);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(kind);
    }

    /// Whether a key's prefix, told by its [`mark`], is the first that no page has.
    pub(super) fn is_first_unknown(&self, prefix: u32, default_prefix: &str) -> bool {
        let known = self.known();
        let mut prefixes = known.iter().filter_map(|(prefix, _)| *prefix);
        let is_known = prefix == mark(default_prefix) || prefixes.any(|own| mark(own) == prefix);
        !is_known && !self.told.swap(true, Ordering::Relaxed)
    }

    fn known(&self) -> RwLockReadGuard<'_, BTreeSet<Kind>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them, and the usual.
    pub(super) fn all(&self, default_prefix: &str) -> Vec<(String, String)> {
        let known = self.known();
        let usual = std::iter::once((None, HTML));
        let kind = |(prefix, media_type): Kind| {
            let prefix = prefix.unwrap_or(default_prefix);
            (prefix.to_owned(), media_type.to_owned())
        };
        usual.chain(known.iter().copied()).map(kind).collect()
    }
}
