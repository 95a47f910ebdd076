//! Packing and unpacking.

use std::io::{Read, Write};

use actix_web::web::Bytes;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

/// Whether `bytes` begin as gzip does.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b, 8])
}

pub(super) fn pack(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 3), Compression::default());
    encoder.write_all(body).ok()?;
    let mut packed = encoder.finish().ok()?;
    packed.shrink_to_fit();
    Some(packed)
}

/// The body, of `limit` bytes at the most; `None` where it is more, or not gzip.
pub(super) fn unpack(packed: &[u8], limit: usize) -> Option<Bytes> {
    let mut body = Vec::with_capacity((packed.len() * 3).min(limit));
    let room = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(packed)
        .take(room)
        .read_to_end(&mut body)
        .ok()?;
    (!body.is_empty() && body.len() <= limit).then(|| body.into())
}
