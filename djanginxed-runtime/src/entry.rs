//! Step 7: a page's body <-> the bytes and flags that a store holds.

use std::io::{Read, Write};

use actix_web::web::Bytes;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

/// The Memcached client flags of a gzip entry: nginx's `memcached_gzip_flag 2`.
pub(crate) const GZIP_FLAG: u32 = 2;

/// How many times larger than `max_entry_size` a body may be that is stored
/// packed, and may become when it is unpacked.
const MAX_RATIO: usize = 8;

/// What an entry takes in memory besides its bytes: key, counters, lists.
pub(crate) const OVERHEAD: usize = 256;

/// What a store holds under a page key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    bytes: Bytes,
    coding: Coding,
}

/// The content coding of an entry's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// The body as rendered.
    Identity,
    /// The body in gzip.
    Gzip,
}

/// An entry's body as one visitor gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) body: Bytes,
    /// Whether it is sent packed.
    pub(crate) is_gzip: bool,
    /// Whether another visitor may get it in another form.
    pub(crate) varies: bool,
}

impl Entry {
    /// An entry of the body as rendered.
    pub(crate) fn plain(body: Bytes) -> Entry {
        Entry {
            bytes: body,
            coding: Coding::Identity,
        }
    }

    /// The same from a body that may be a slice of a larger buffer, which it would
    /// keep alive: an entry owns its bytes and no others, or no bound on memory
    /// would hold.
    pub(crate) fn copied(body: &[u8]) -> Entry {
        Entry::plain(Bytes::copy_from_slice(body))
    }

    /// What the entry takes in memory of this process.
    pub(crate) fn footprint(&self) -> usize {
        self.bytes.len() + OVERHEAD
    }

    /// Reads what a store held: untrusted, so `None` for anything that no
    /// writer of pages would have put there.
    pub(crate) fn read(bytes: Bytes, flags: u32) -> Option<Entry> {
        let coding = match flags {
            0 => Coding::Identity,
            GZIP_FLAG if bytes.starts_with(&[0x1f, 0x8b, 8]) => Coding::Gzip,
            _ => return None,
        };
        // An empty item is a placeholder or a lease, not a page.
        (!bytes.is_empty()).then_some(Entry { bytes, coding })
    }

    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    #[cfg(test)]
    pub(crate) fn coding(&self) -> Coding {
        self.coding
    }

    pub(crate) fn flags(&self) -> u32 {
        match self.coding {
            Coding::Identity => 0,
            Coding::Gzip => GZIP_FLAG,
        }
    }

    /// The entry in gzip, where that is smaller.
    pub(crate) fn packed(self) -> Entry {
        match self.coding {
            Coding::Gzip => self,
            Coding::Identity => match gzip(&self.bytes) {
                Some(packed) if packed.len() < self.bytes.len() => Entry {
                    bytes: packed.into(),
                    coding: Coding::Gzip,
                },
                _ => self,
            },
        }
    }

    /// The body in the form that a visitor can read; `None` where nobody can.
    pub(crate) fn form(&self, accepts_gzip: bool, max_entry_size: usize) -> Option<Form> {
        let varies = self.coding == Coding::Gzip;
        let is_gzip = varies && accepts_gzip;
        // Unpacked even for who gets the packed bytes: Memcached may hold half a page.
        let unpacked = self.unpacked(max_entry_size)?;
        Some(Form {
            body: if is_gzip {
                self.bytes.clone()
            } else {
                unpacked
            },
            is_gzip,
            varies,
        })
    }

    /// The body as rendered; `None` where the bytes are not whole gzip, or
    /// unpack to more than a body may have.
    pub(crate) fn unpacked(&self, max_entry_size: usize) -> Option<Bytes> {
        match self.coding {
            Coding::Identity => Some(self.bytes.clone()),
            Coding::Gzip => gunzip(&self.bytes, max_body(max_entry_size, true)),
        }
    }
}

/// The largest body that is collected for a store whose entries are at most
/// `max_entry_size` bytes.
pub(crate) fn max_body(max_entry_size: usize, gzip: bool) -> usize {
    if gzip {
        max_entry_size.saturating_mul(MAX_RATIO)
    } else {
        max_entry_size
    }
}

fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 3), Compression::default());
    encoder.write_all(body).ok()?;
    let mut packed = encoder.finish().ok()?;
    packed.shrink_to_fit();
    Some(packed)
}

fn gunzip(packed: &[u8], limit: usize) -> Option<Bytes> {
    let mut body = Vec::with_capacity((packed.len() * 3).min(limit));
    let room = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(packed)
        .take(room)
        .read_to_end(&mut body)
        .ok()?;
    (!body.is_empty() && body.len() <= limit).then(|| body.into())
}

#[cfg(test)]
mod tests;
