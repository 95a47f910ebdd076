//! Entity tags of bodies that have none of their own.

use std::hash::{BuildHasher, Hasher};

use actix_web::http::header::HeaderValue;
use foldhash::quality::FixedState;

use crate::hex;

/// A strong entity tag of a body's bytes (RFC 9110, section 8.8.3): the same in
/// every process, so that whoever rendered a page can say that it is unchanged.
///
/// It tells a body from another of the same target, not from one that somebody made
/// up to have the same tag, who would gain nothing but his own page unrefreshed.
pub(crate) fn of(body: &[u8]) -> Option<HeaderValue> {
    let mut hasher = FixedState::with_seed(0).build_hasher();
    hasher.write(body);
    let mut tag = Vec::with_capacity(2 * (1 + 16) + 1);
    tag.push(b'"');
    hex::append(&mut tag, body.len() as u64, 1);
    tag.push(b'-');
    hex::append(&mut tag, hasher.finish(), 16);
    tag.push(b'"');
    HeaderValue::try_from(tag).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_one_tag_and_another_body_another() {
        assert_eq!(of(b"page"), of(b"page"));
        assert_ne!(of(b"page"), of(b"pagf"));
        assert_ne!(of(b""), of(b"\0"));
        let tag = of(b"page").unwrap();
        let tag = tag.to_str().unwrap();
        assert!(tag.starts_with("\"4-") && tag.ends_with('"'), "{tag}");
    }
}
