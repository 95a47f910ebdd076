//! The client flags that Memcached keeps with an entry, and what each bit says.
//!
//! nginx looks at [`GZIP`] alone (`memcached_gzip_flag`), so the others are ours.

use crate::layout::Layout;

/// A body in gzip, of [`Layout::Body`].
pub(crate) const GZIP: u32 = 2;

/// A whole response, of [`Layout::Response`].
const RESPONSE: u32 = 4;

/// The flags of an entry. `is_gzip` is of no matter to a whole response, which says
/// it in its own head.
pub(crate) fn of(layout: Layout, is_gzip: bool) -> u32 {
    match layout {
        Layout::Body if is_gzip => GZIP,
        Layout::Body => 0,
        Layout::Response => RESPONSE,
    }
}

/// What flags say; `None` for those that no writer of pages sets.
pub(crate) fn read(flags: u32) -> Option<(Layout, bool)> {
    match flags {
        0 => Some((Layout::Body, false)),
        GZIP => Some((Layout::Body, true)),
        RESPONSE => Some((Layout::Response, false)),
        _ => None,
    }
}
