//! Tags: names of groups of pages that are purged together.

use std::fmt;

use djanginxed_rules::{MAX_TAG, MAX_TAGS, is_tag};
use md5::{Digest, Md5};

use crate::hex;
use crate::sync::Arc;

/// A tag as a store knows it. Tags belong to a cache's default key prefix, so that two
/// sites on one Memcached may use the same words.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TagKey {
    hash: [u8; 16],
    /// Whether it is the one that every page has.
    is_everything: bool,
}

/// The tags of a page, each once; the last is that of every page.
pub(crate) type Tags = Arc<[TagKey]>;

impl TagKey {
    /// Neither a prefix nor a tag has a space.
    pub(crate) fn new(prefix: &str, tag: &str) -> TagKey {
        TagKey {
            hash: Md5::digest(format!("{prefix} {tag}")).into(),
            is_everything: false,
        }
    }

    /// The tag that every page has: an empty one, which nobody can give.
    pub(crate) fn everything(prefix: &str) -> TagKey {
        TagKey {
            is_everything: true,
            ..TagKey::new(prefix, "")
        }
    }

    /// What the ledgers stand under: no tag's md5 is that.
    pub(crate) fn ledger() -> TagKey {
        TagKey {
            hash: [0; 16],
            is_everything: false,
        }
    }

    pub(crate) fn first_byte(&self) -> u8 {
        self.hash[0]
    }

    /// The 32 hexadecimal digits.
    pub(crate) fn hex(&self) -> [u8; 32] {
        hex::sixteen(&self.hash)
    }

    pub(crate) fn is_everything(&self) -> bool {
        self.is_everything
    }
}

impl fmt::Display for TagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.hex()).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for TagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TagKey({self})")
    }
}

/// The tags of a page of a cache with this default prefix.
pub(crate) fn tags_of<'a>(prefix: &str, tags: impl IntoIterator<Item = &'a str>) -> Tags {
    let mut keys: Vec<_> = tags
        .into_iter()
        .map(|tag| TagKey::new(prefix, tag))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys.push(TagKey::everything(prefix));
    keys.into()
}

/// Why a page has not the tags that it should have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TagFault {
    #[error("the tag {0:?} is not {rule}", rule = djanginxed_rules::TAG)]
    NotATag(String),
    #[error("the tag {0:?} has more than {MAX_TAG} bytes")]
    TooLong(String),
    #[error("the page has more than {MAX_TAGS} tags")]
    TooMany,
    #[error("the tag {tag:?} names the segment {segment:?}, which the route has not")]
    NoSegment { tag: String, segment: String },
}

/// Whether `tag` is one; what is wrong with it.
pub(crate) fn checked(tag: &str) -> Result<(), TagFault> {
    if is_tag(tag) {
        return Ok(());
    }
    Err(match tag.char_indices().nth(64) {
        Some((end, _)) if tag.len() > MAX_TAG => TagFault::TooLong(format!("{}…", &tag[..end])),
        _ => TagFault::NotATag(tag.to_owned()),
    })
}

/// A tag of the attribute, with the request's own segments in the place of their names.
/// What of a segment is not visible ASCII is percent-encoded.
pub(crate) fn filled<'a>(
    template: &str,
    segment: impl Fn(&str) -> Option<&'a str>,
) -> Result<String, TagFault> {
    let mut tag = String::with_capacity(template.len() + 16);
    let mut rest = template;
    while let Some((before, named)) = rest.split_once('{') {
        let (name, after) = named.split_once('}').unwrap_or((named, ""));
        let value = segment(name).ok_or_else(|| TagFault::NoSegment {
            tag: template.to_owned(),
            segment: name.to_owned(),
        })?;
        tag += before;
        push_visible(&mut tag, value);
        rest = after;
    }
    tag += rest;
    checked(&tag)?;
    Ok(tag)
}

fn push_visible(tag: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_graphic() {
            tag.push(byte.into());
        } else {
            tag.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(name: &str) -> Option<&'static str> {
        match name {
            "id" => Some("7"),
            "name" => Some("Zoë Q"),
            "none" => Some(""),
            _ => None,
        }
    }

    #[test]
    fn braces_stand_for_segments_of_the_route() {
        for (template, tag) in [
            ("articles", "articles"),
            ("article:{id}", "article:7"),
            ("{id}/{id}-x", "7/7-x"),
            ("by:{name}", "by:Zo%C3%AB%20Q"),
            ("x{none}", "x"),
        ] {
            assert_eq!(filled(template, segment).as_deref(), Ok(tag));
        }
    }

    #[test]
    fn a_segment_that_is_not_there_is_named() {
        assert_eq!(
            filled("a:{slug}", segment),
            Err(TagFault::NoSegment {
                tag: "a:{slug}".into(),
                segment: "slug".into(),
            })
        );
        let empty = filled("{none}", segment);
        assert_eq!(empty, Err(TagFault::NotATag(String::new())));
    }

    #[test]
    fn a_tag_belongs_to_a_prefix_and_is_none_of_another() {
        let all = [
            TagKey::new("site1", "a"),
            TagKey::new("site2", "a"),
            TagKey::new("site1", "b"),
            TagKey::everything("site1"),
            TagKey::everything("site2"),
            TagKey::everything(""),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(one));
        }
    }

    #[test]
    fn a_page_has_each_tag_once_and_that_of_every_page() {
        let tags = tags_of("p", ["a", "b", "a"]);
        assert_eq!(tags.len(), 3);
        assert!(tags.contains(&TagKey::everything("p")));
        assert!(tags.contains(&TagKey::new("p", "a")));
    }

    #[test]
    fn a_long_tag_is_named_by_its_beginning() {
        let fault = checked(&"é".repeat(2000)).unwrap_err();
        assert!(
            fault.to_string().contains("more than 1024 bytes"),
            "{fault}"
        );
        let fault = checked("two words").unwrap_err();
        assert!(
            fault.to_string().contains("\"two words\" is not 1 to"),
            "{fault}"
        );
    }
}
