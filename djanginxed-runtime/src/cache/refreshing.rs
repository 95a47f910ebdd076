//! Which stale pages a process is rendering anew.

use std::collections::HashSet;
use std::time::Duration;

use crate::key::PageKey;
use crate::sync::{Mutex, lock};

/// Pages rendered anew at the same moment by one process: more are given out stale
/// meanwhile.
const MOST: usize = 64;

/// A render that takes longer is given up, and the page stays as it is.
pub(crate) const LONGEST: Duration = Duration::from_secs(60);

/// The pages that this process is rendering anew.
#[derive(Debug, Default)]
pub(crate) struct Refreshing(Mutex<HashSet<PageKey>>);

impl Refreshing {
    /// Whether the page was not being rendered anew, and is from now on.
    pub(crate) fn begin(&self, key: PageKey) -> bool {
        let mut pages = lock(&self.0);
        pages.len() < MOST && pages.insert(key)
    }

    pub(crate) fn end(&self, key: &PageKey) {
        lock(&self.0).remove(key);
    }
}
