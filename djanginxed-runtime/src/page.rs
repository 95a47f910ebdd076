//! One cached handler's settings, checked where they are made.

use std::time::Duration;

/// The longest timeout, in seconds: ten years.
pub(crate) const MAX_TIMEOUT: u32 = 315_360_000;

/// The longest key prefix, in bytes.
pub(crate) const MAX_PREFIX: usize = 64;

/// The longest type, and the longest subtype (RFC 6838, section 4.2).
const MAX_TYPE_NAME: usize = 127;

/// The settings of one annotated handler. `const`, so that the compiler is the
/// one that refuses a wrong setting.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    timeout: u32,
    key_prefix: Option<&'static str>,
    content_type: &'static str,
}

impl Page {
    /// A page that lives for `timeout` seconds, 1 to 315,360,000.
    #[must_use]
    #[track_caller]
    pub const fn new(timeout: u32) -> Page {
        assert!(
            timeout > 0,
            "a page's timeout is at least 1 second; to switch a page's cache off, remove #[cache_page]"
        );
        assert!(
            timeout <= MAX_TIMEOUT,
            "a page's timeout is at most 315360000 seconds (ten years)"
        );
        Page {
            timeout,
            key_prefix: None,
            content_type: "text/html",
        }
    }

    /// The page's own key prefix.
    #[must_use]
    #[track_caller]
    pub const fn key_prefix(self, prefix: &'static str) -> Page {
        assert!(
            is_key_prefix(prefix),
            "a key prefix is 1 to 64 of `A-Z a-z 0-9 . _ : -`: it stands unquoted in nginx's file"
        );
        Page {
            key_prefix: Some(prefix),
            ..self
        }
    }

    /// The media type that nginx gives the page.
    #[must_use]
    #[track_caller]
    pub const fn content_type(self, media_type: &'static str) -> Page {
        assert!(
            is_media_type(media_type),
            "a content type is a media type without parameters, such as \"text/html\""
        );
        Page {
            content_type: media_type,
            ..self
        }
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }

    pub(crate) fn own_key_prefix(&self) -> Option<&'static str> {
        self.key_prefix
    }

    pub(crate) fn media_type(&self) -> &'static str {
        self.content_type
    }
}

/// Whether `prefix` can stand unquoted in nginx's file, and ends where a
/// target's `/` begins.
pub(crate) const fn is_key_prefix(prefix: &str) -> bool {
    let bytes = prefix.as_bytes();
    if bytes.is_empty() || bytes.len() > MAX_PREFIX {
        return false;
    }
    let mut at = 0;
    while at < bytes.len() {
        if !(bytes[at].is_ascii_alphanumeric() || matches!(bytes[at], b'.' | b'_' | b':' | b'-')) {
            return false;
        }
        at += 1;
    }
    true
}

/// Whether `media_type` is `type/subtype`, each one of RFC 6838's restricted
/// names: 1 to 127 characters that nginx takes unquoted, the first a letter or a
/// digit.
pub const fn is_media_type(media_type: &str) -> bool {
    let bytes = media_type.as_bytes();
    let (mut names, mut length, mut at) = (1, 0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'/' if names == 1 && length > 0 => {
                names = 2;
                length = 0;
            }
            byte if byte.is_ascii_alphanumeric() => length += 1,
            b'!' | b'#' | b'&' | b'-' | b'^' | b'_' | b'.' | b'+' if length > 0 => length += 1,
            _ => return false,
        }
        if length > MAX_TYPE_NAME {
            return false;
        }
        at += 1;
    }
    names == 2 && length > 0
}
