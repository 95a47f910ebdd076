//! How a response becomes an entry.

use std::fmt;

/// What a store holds of a page, and what nginx reads it with.
///
/// nginx's file and the application must have the same: each takes the other's
/// entries for a miss, or worse, for a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// The body and nothing else. Stock nginx reads it (`memcached_pass`), under one
    /// content type a location.
    #[default]
    Body,
    /// The whole response: status line, header fields, empty line, body. nginx reads
    /// it with srcache-nginx-module. Nothing of a response is
    /// lost, and hits answer conditional requests with 304.
    Response,
}

impl Layout {
    /// Reads `body` or `response`, in any case.
    pub(crate) fn of(word: &str) -> Option<Layout> {
        let word = word.trim();
        [Layout::Body, Layout::Response]
            .into_iter()
            .find(|layout| layout.word().eq_ignore_ascii_case(word))
    }

    fn word(self) -> &'static str {
        match self {
            Layout::Body => "body",
            Layout::Response => "response",
        }
    }
}

/// The word of options, variables and logs: `body` or `response`.
impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
