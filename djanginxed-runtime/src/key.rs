//! Step 2: key prefix + request target -> [`PageKey`].

use std::fmt;

use md5::{Digest, Md5};

/// The name of a page in a store: the md5 of its key prefix immediately
/// followed by the request target, nothing decoded, normalised or re-ordered.
///
/// It is what nginx computes with `set_md5 $memcached_key prefix$request_uri;`.
/// [`Display`](fmt::Display) gives the 32 lower-case hexadecimal digits that
/// Memcached and nginx see.
///
/// ```
/// # use djanginxed_runtime::PageKey;
/// let key = PageKey::new("site1", "/articles/?page=2");
/// assert_eq!(key.to_string(), "a3c88da81e02be8ea2e22d58d5f67357");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageKey([u8; 16]);

impl PageKey {
    /// The key of `target`, path and query exactly as the client sent them,
    /// under `prefix`. Any strings are taken: a key that no page has is a miss.
    pub fn new(prefix: &str, target: &str) -> PageKey {
        let mut hash = Md5::new();
        hash.update(prefix);
        hash.update(target);
        PageKey(hash.finalize().into())
    }

    /// The 32 hexadecimal digits, without a heap allocation.
    pub(crate) fn hex(&self) -> [u8; 32] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0; 32];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        hex
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
