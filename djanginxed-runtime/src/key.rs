//! Step 2: key prefix, content type and request target -> [`PageKey`].

use std::cmp::Ordering;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::FixedState;
use md5::{Digest, Md5};

use crate::hex;
use crate::layout::Layout;
use crate::media::HTML;

/// How the keys of a page are made: the one home of that rule, for the
/// application and for nginx's file.
///
/// A page of another type than text/html has `=` and its type behind its
/// prefix. No prefix has a `=` and every target begins with `/`, so an nginx
/// that serves a prefix as HTML never finds such a page. Where pages have variants,
/// `~` and the value of each rule stand behind the prefix, which has no `~`. Where pages may
/// have parts, a `+` stands behind the prefix, which has none either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRecipe<'a> {
    prefix: &'a str,
    has_parts: bool,
    variant: &'a str,
    content_type: &'a str,
}

impl<'a> KeyRecipe<'a> {
    /// Under [`Layout::Response`] a page says its own type, so that no key has one.
    #[must_use]
    pub fn of(layout: Layout, prefix: &'a str, content_type: &'a str) -> KeyRecipe<'a> {
        match layout {
            Layout::Body => KeyRecipe::new(prefix, content_type),
            Layout::Response => KeyRecipe::new(prefix, HTML),
        }
    }

    /// Under [`Layout::Body`].
    #[must_use]
    pub fn new(prefix: &'a str, content_type: &'a str) -> KeyRecipe<'a> {
        KeyRecipe {
            prefix,
            has_parts: false,
            variant: "",
            content_type,
        }
    }

    /// The same for one variant of the pages, `~de~mobile`; none has no `~`.
    #[must_use]
    pub fn with_variant(self, variant: &'a str) -> KeyRecipe<'a> {
        KeyRecipe { variant, ..self }
    }

    /// The same for pages of a cache that may have parts.
    #[must_use]
    pub fn with_parts(self, has_parts: bool) -> KeyRecipe<'a> {
        KeyRecipe { has_parts, ..self }
    }

    fn mark(&self) -> &'static str {
        if self.has_parts { "+" } else { "" }
    }

    /// The key of `target`.
    #[must_use]
    pub fn key(&self, target: &str) -> PageKey {
        let mut hash = Md5::new();
        hash.update(self.prefix);
        hash.update(self.mark());
        hash.update(self.variant);
        if !self.is_html() {
            hash.update("=");
            // Media types are compared without case (RFC 9110, section 8.3.1).
            for byte in self.content_type.bytes() {
                hash.update([byte.to_ascii_lowercase()]);
            }
        }
        hash.update(target);
        PageKey::from_raw(hash.finalize().into())
    }

    /// What is hashed before the target, `site1` or `site1~de=application/json`, in
    /// nginx's words as in ours.
    #[must_use]
    pub fn start(&self) -> String {
        let KeyRecipe {
            prefix, variant, ..
        } = self;
        let mark = self.mark();
        match self.is_html() {
            true => format!("{prefix}{mark}{variant}"),
            false => format!(
                "{prefix}{mark}{variant}={}",
                self.content_type.to_ascii_lowercase()
            ),
        }
    }

    /// What nginx hashes; `target` is its variable for the request target.
    pub(crate) fn expression(&self, target: &str) -> String {
        format!("{}{target}", self.start())
    }

    fn is_html(&self) -> bool {
        self.content_type.eq_ignore_ascii_case(HTML)
    }
}

/// The name of a page in a store: the md5 of its key prefix immediately
/// followed by the request target, nothing decoded, normalised or re-ordered.
///
/// It is what nginx computes with `set_md5 $memcached_key prefix$request_uri;`.
/// A page of another type than text/html has
/// [its type in the key](PageKey::with_type), too.
/// [`Display`](fmt::Display) gives the 32 lower-case hexadecimal digits that
/// Memcached and nginx see.
///
/// ```
/// # use djanginxed_runtime::PageKey;
/// let key = PageKey::new("site1", "/articles/?page=2");
/// assert_eq!(key.to_string(), "a3c88da81e02be8ea2e22d58d5f67357");
/// ```
#[derive(Clone, Copy)]
pub struct PageKey {
    raw: [u8; 16],
    /// The [`mark`] of its prefix, for a warning, where somebody has named that; it makes
    /// no key another one.
    prefix: u32,
}

/// Where a key's prefix is not known.
const UNKNOWN: u32 = 0;

/// Tells prefixes apart. What a prefix cannot have in it, and stands behind one in the
/// start of a key, is left out.
pub(crate) fn mark(prefix: &str) -> u32 {
    let own = prefix.split(['~', '=', '+']).next().unwrap_or_default();
    FixedState::with_seed(0).hash_one(own) as u32 | 1
}

impl PageKey {
    /// The key of `target`, path and query exactly as the client sent them,
    /// under `prefix`. Any strings are taken: a key that no page has is a miss.
    pub fn new(prefix: &str, target: &str) -> PageKey {
        PageKey::with_type(prefix, HTML, target)
    }

    /// The key of a page whose handler names a `content_type`: that of
    /// [`new`](PageKey::new) for text/html, else the md5 of prefix, `=`, the type
    /// in lower case, and target.
    ///
    /// So nginx, which gives all pages of a location one type, finds no page of
    /// another type there.
    ///
    /// ```
    /// # use djanginxed_runtime::PageKey;
    /// let key = PageKey::with_type("site1", "application/json", "/api/1");
    /// assert_eq!(key, PageKey::new("site1=application/json", "/api/1"));
    /// assert_ne!(key, PageKey::new("site1", "/api/1"));
    /// assert_eq!(PageKey::with_type("site1", "text/html", "/"), PageKey::new("site1", "/"));
    /// ```
    pub fn with_type(prefix: &str, content_type: &str, target: &str) -> PageKey {
        PageKey {
            prefix: mark(prefix),
            ..KeyRecipe::new(prefix, content_type).key(target)
        }
    }

    pub(crate) fn raw(&self) -> [u8; 16] {
        self.raw
    }

    /// The [`mark`] of its prefix, where that is known.
    pub(crate) fn prefix(&self) -> Option<u32> {
        (self.prefix != UNKNOWN).then_some(self.prefix)
    }

    pub(crate) fn from_raw(raw: [u8; 16]) -> PageKey {
        let prefix = UNKNOWN;
        PageKey { raw, prefix }
    }

    /// Reads what [`Display`](fmt::Display) writes.
    pub(crate) fn read(hex: &str) -> Option<PageKey> {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let digits: [u8; 32] = hex.as_bytes().try_into().ok()?;
        let mut key = [0; 16];
        for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
        }
        Some(PageKey::from_raw(key))
    }

    /// The 32 hexadecimal digits, without a heap allocation.
    pub(crate) fn hex(&self) -> [u8; 32] {
        hex::sixteen(&self.raw)
    }
}

impl PartialEq for PageKey {
    fn eq(&self, other: &PageKey) -> bool {
        self.raw == other.raw
    }
}

impl Eq for PageKey {}

impl PartialOrd for PageKey {
    fn partial_cmp(&self, other: &PageKey) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PageKey {
    fn cmp(&self, other: &PageKey) -> Ordering {
        self.raw.cmp(&other.raw)
    }
}

impl Hash for PageKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.raw.hash(state);
    }
}

impl fmt::Display for PageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = self.hex();
        f.pad(str::from_utf8(&hex).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for PageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PageKey({self})")
    }
}

#[cfg(test)]
mod tests;
