//! Content that is packed with gzip.

use std::io::{self, Read};

use flate2::read::GzDecoder;

pub(crate) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1F, 0x8B])
}

/// The first `most` bytes of what is packed in `bytes`, since a little may unpack to very
/// much; and what is wrong where they cannot be read to their end.
pub(crate) fn unpacked(bytes: &[u8], most: u64) -> (Vec<u8>, Option<io::Error>) {
    let mut plain = Vec::new();
    let read = GzDecoder::new(bytes).take(most).read_to_end(&mut plain);
    (plain, read.err())
}
