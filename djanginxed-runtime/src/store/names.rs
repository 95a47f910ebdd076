//! What lies in Memcached beside a page, under names that no page has.

use crate::key::PageKey;

/// The copy of a page that stands in for errors: on the page's own server, by a name that
/// nginx makes of the page's.
pub fn copy(page: &PageKey) -> String {
    beside("", page, "!")
}

/// The note of a page's delete.
pub fn delete(page: &PageKey) -> String {
    beside("del:", page, "")
}

/// That a page is being rendered.
pub fn lock(page: &PageKey) -> String {
    beside("lk:", page, "")
}

/// How a page is asked for, for other processes.
pub fn note(page: &PageKey) -> String {
    beside("rq:", page, "")
}

/// How many are about to store a page.
pub(crate) fn arrival(page: &PageKey) -> String {
    beside("in:", page, "")
}

fn beside(before: &str, page: &PageKey, after: &str) -> String {
    let hex = page.hex();
    // Digits are text.
    let digits = str::from_utf8(&hex).unwrap_or_default();
    [before, digits, after].concat()
}
