//! The kinds of pages that this process has been asked for.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use crate::media::HTML;
use crate::page::Page;

/// More than these are not remembered.
const MAX_KINDS: usize = 1024;

type Kind = (Option<&'static str>, &'static str);

/// Key prefixes and content types other than the usual.
#[derive(Debug, Default)]
pub(super) struct Kinds(RwLock<BTreeSet<Kind>>);

impl Kinds {
    pub(super) fn note(&self, page: &Page) {
        let kind = (page.own_key_prefix(), page.media_type());
        if kind == (None, HTML) {
            return;
        }
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if known.contains(&kind) || known.len() == MAX_KINDS {
            return;
        }
        drop(known);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(kind);
    }

    /// All of them, and the usual.
    pub(super) fn all(&self, default_prefix: &str) -> Vec<(String, String)> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let usual = std::iter::once((None, HTML));
        let kind = |(prefix, media_type): Kind| {
            let prefix = prefix.unwrap_or(default_prefix);
            (prefix.to_owned(), media_type.to_owned())
        };
        usual.chain(known.iter().copied()).map(kind).collect()
    }
}
