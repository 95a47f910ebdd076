//! One cached handler's settings, checked where they are made.

use std::time::Duration;

use djanginxed_rules::{MAX_TIMEOUT, is_key_prefix, is_media_type};

/// The settings of one annotated handler. `const`, so that the compiler is the
/// one that refuses a wrong setting.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    timeout: u32,
    key_prefix: Option<&'static str>,
    content_type: &'static str,
    /// Where it is not said, the cache's own counts.
    stale: Option<u32>,
    stale_if_error: u32,
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
            stale: None,
            stale_if_error: 0,
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

    /// For how many seconds after its timeout the page may be given out, while it is
    /// rendered anew.
    #[must_use]
    #[track_caller]
    pub const fn stale(self, seconds: u32) -> Page {
        assert!(
            seconds <= MAX_TIMEOUT,
            "a page is stale for at most 315360000 seconds (ten years)"
        );
        Page {
            stale: Some(seconds),
            ..self
        }
    }

    /// For how many seconds after that a copy is kept for the case that the
    /// application fails.
    #[must_use]
    #[track_caller]
    pub const fn stale_if_error(self, seconds: u32) -> Page {
        assert!(
            seconds <= MAX_TIMEOUT,
            "a page's copy for errors is kept for at most 315360000 seconds (ten years)"
        );
        Page {
            stale_if_error: seconds,
            ..self
        }
    }

    pub(crate) fn own_stale(&self) -> Option<Duration> {
        let seconds = self.stale?;
        Some(Duration::from_secs(seconds.into()))
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
