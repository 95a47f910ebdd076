//! The client flags that Memcached keeps with an entry, and what each bit says.
//!
//! nginx looks at [`GZIP`] alone (`memcached_gzip_flag`), so the others are ours.

use std::time::Duration;

use crate::layout::Layout;

/// A body in gzip, of [`Layout::Body`].
pub(crate) const GZIP: u32 = 2;

/// A whole response, of [`Layout::Response`].
const RESPONSE: u32 = 4;

/// The bits from here on are a number: for how many seconds at the end of its life
/// the page is stale.
const STALE: u32 = 3;

/// The flags of an entry. `is_gzip` is of no matter to a whole response, which says
/// it in its own head.
pub fn of(layout: Layout, is_gzip: bool) -> u32 {
    match layout {
        Layout::Body if is_gzip => GZIP,
        Layout::Body => 0,
        Layout::Response => RESPONSE,
    }
}

/// What flags say; `None` for those that no writer of pages sets.
pub fn read(flags: u32) -> Option<(Layout, bool)> {
    match flags {
        0 => Some((Layout::Body, false)),
        GZIP => Some((Layout::Body, true)),
        RESPONSE => Some((Layout::Response, false)),
        _ => None,
    }
}

/// Adds to flags for how long the page is stale.
pub(crate) fn with_stale(flags: u32, stale: Duration) -> u32 {
    let most = u32::MAX >> STALE;
    let stale = u32::try_from(stale.as_secs()).map_or(most, |stale| stale.min(most));
    flags | stale << STALE
}

/// Takes apart the flags as they are stored: those for [`read`], and for how many
/// seconds the page is stale.
pub fn split(flags: u32) -> (u32, u32) {
    (flags & ((1 << STALE) - 1), flags >> STALE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_say_for_how_long_a_page_is_stale() {
        let seconds = Duration::from_secs;
        assert_eq!(with_stale(GZIP, Duration::ZERO), 2);
        assert_eq!(split(2), (2, 0));
        assert_eq!(split(with_stale(RESPONSE, seconds(3600))), (4, 3600));
        let ten_years = djanginxed_rules::MAX_TIMEOUT;
        assert_eq!(
            split(with_stale(GZIP, seconds(ten_years.into()))),
            (2, ten_years)
        );
        assert_eq!(split(with_stale(0, Duration::MAX)), (0, u32::MAX >> 3));
    }
}
