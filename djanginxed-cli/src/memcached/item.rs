//! What is stored under a key.

use djanginxed::Layout;
use djanginxed_runtime::tool::{read_flags, split_flags};

use crate::gzip::is_gzip;

/// What is stored under a key.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) value: Vec<u8>,
    pub(crate) flags: u32,
    /// Seconds; none: it does not expire.
    pub(crate) seconds_left: Option<u64>,
    /// Whether anyone has read it since it was stored.
    pub(crate) read: bool,
    /// Seconds since it was read, or else stored.
    pub(crate) seconds_untouched: u64,
}

impl Item {
    /// Its layout, and whether it is gzip; `None` where it is no page's.
    pub(crate) fn kind(&self) -> Option<(Layout, bool)> {
        let (kind, _) = split_flags(self.flags);
        read_flags(kind)
    }

    /// For how many seconds at the end of its life the application calls it stale.
    pub(crate) fn stale_for(&self) -> u32 {
        split_flags(self.flags).1
    }

    /// A whole response, or a body alone; what is no page's is taken for a body.
    pub(crate) fn layout(&self) -> Layout {
        self.kind().map(|(layout, _)| layout).unwrap_or_default()
    }

    /// Head and body; where the entry is a body alone, its head is empty.
    pub(crate) fn parts(&self) -> (&[u8], &[u8]) {
        const END: &[u8] = b"\r\n\r\n";
        let value = self.value.as_slice();
        let end = value.windows(END.len()).position(|four| four == END);
        match end {
            Some(end) if self.layout() == Layout::Response => {
                (&value[..end], &value[end + END.len()..])
            }
            _ => (&[], value),
        }
    }

    /// Whether its body is packed.
    pub(crate) fn is_packed(&self) -> bool {
        self.kind() == Some((Layout::Body, true))
            || self.layout() == Layout::Response && is_gzip(self.parts().1)
    }

    /// `words` are the flags of a meta command's answer; what is strange in them
    /// is left out.
    pub(super) fn read<'a>(value: Vec<u8>, words: impl Iterator<Item = &'a str>) -> Item {
        let mut item = Item {
            value,
            flags: 0,
            seconds_left: None,
            read: false,
            seconds_untouched: 0,
        };
        for word in words {
            let (flag, value) = word.split_at_checked(1).unwrap_or((word, ""));
            match flag {
                "f" => item.flags = value.parse().unwrap_or(0),
                "t" => item.seconds_left = value.parse().ok(),
                "h" => item.read = value == "1",
                "l" => item.seconds_untouched = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        item
    }
}
