//! What a purge leaves, and what came of it.

use crate::store::error::StoreError;

/// What a purge leaves to who renders it anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Spare {
    Nothing,
    /// What somebody has read since it was stored.
    WhatIsRead,
}

/// What becomes of a purge or a delete that its server fails to carry out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Effort {
    /// Who asked is told, and may ask again.
    Once,
    /// Nobody is there who would ask again: the server is asked when it answers again.
    UntilDone,
    /// It is asked again, and once more where it fails.
    Again,
    /// It is asked again, since it had no room for the marker.
    Unmarked,
}

impl Effort {
    /// Whether nobody waits who would be told.
    pub(crate) fn is_repeated(self) -> bool {
        matches!(self, Effort::Again | Effort::Unmarked)
    }
}

/// What came of a purge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Purged {
    /// Pages that were there and are deleted.
    pub deleted: u64,
    /// Pages in whose place there is a new render.
    pub replaced: u64,
    /// Pages that could not be deleted, as far as they are known.
    pub in_doubt: u64,
    /// What failed, one error a server at the most: pages of it that nobody could list
    /// may be left, too.
    pub failures: Vec<StoreError>,
}

impl Purged {
    /// Whether no page is left; otherwise purge again when the servers are back.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.in_doubt == 0 && self.failures.is_empty()
    }

    pub(crate) fn add(&mut self, deleted: u64, in_doubt: u64, failure: Option<StoreError>) {
        self.deleted += deleted;
        self.in_doubt += in_doubt;
        self.failures.extend(failure);
    }

    /// An error where every one of so many pages failed.
    pub(crate) fn of(self, pages: usize) -> Result<Purged, StoreError> {
        match self.failures.first() {
            Some(failure) if self.failures.len() == pages => Err(failure.clone()),
            _ => Ok(self),
        }
    }

    pub(crate) fn append(&mut self, other: Purged) {
        self.replaced += other.replaced;
        self.deleted += other.deleted;
        self.in_doubt += other.in_doubt;
        self.failures.extend(other.failures);
    }
}
