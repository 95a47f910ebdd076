//! Whether a visitor has the page already (RFC 9110, section 13).

use actix_web::http::header::{self, HeaderMap, HeaderValue};

use crate::date::http_date;

/// What a request says of the copy that its sender has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Conditions {
    if_none_match: Vec<HeaderValue>,
    if_modified_since: Option<HeaderValue>,
}

impl Conditions {
    pub(crate) fn of(headers: &HeaderMap) -> Conditions {
        Conditions {
            if_none_match: headers.get_all(header::IF_NONE_MATCH).cloned().collect(),
            if_modified_since: headers.get(header::IF_MODIFIED_SINCE).cloned(),
        }
    }

    /// Whether the page is the visitor's copy: by its entity tag, or, only where the
    /// request has no If-None-Match, by its date (RFC 9110, section 13.2.2).
    pub(crate) fn are_met_by(
        &self,
        etag: Option<&HeaderValue>,
        last_modified: Option<&HeaderValue>,
    ) -> bool {
        if !self.if_none_match.is_empty() {
            return self.names(etag);
        }
        let since = self.if_modified_since.as_ref().and_then(http_date);
        let modified = last_modified.and_then(http_date);
        matches!((modified, since), (Some(modified), Some(since)) if modified <= since)
    }

    fn names(&self, etag: Option<&HeaderValue>) -> bool {
        let tags = self
            .if_none_match
            .iter()
            .flat_map(|line| tags(line.as_bytes()));
        let own = etag.map(|etag| opaque(etag.as_bytes().trim_ascii()));
        tags.into_iter()
            .any(|tag| tag == b"*" || own == Some(opaque(tag)))
    }
}

/// The tags of a list; a comma between quotes belongs to the tag.
fn tags(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    let ends = move |byte: &u8| {
        quoted ^= *byte == b'"';
        !quoted && *byte == b','
    };
    line.split(ends).map(<[u8]>::trim_ascii)
}

/// A tag without its weakness, which does not matter here (RFC 9110, section 8.8.3.2).
fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";

    fn met(lines: &[(&str, &str)], etag: Option<&str>, modified: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.parse().unwrap(), value.parse().unwrap());
        }
        let value = |text: &str| HeaderValue::from_str(text).unwrap();
        let (etag, modified) = (etag.map(value), modified.map(value));
        Conditions::of(&headers).are_met_by(etag.as_ref(), modified.as_ref())
    }

    #[test]
    fn tags_are_compared_weakly_in_lists_and_over_lines() {
        for line in [
            "\"a\"",
            "W/\"a\"",
            "\"b\", \"a\"",
            "\"b,c\" , W/\"a\"",
            "*",
            " * ",
        ] {
            assert!(
                met(&[("if-none-match", line)], Some("\"a\""), None),
                "{line}"
            );
            assert!(
                met(&[("if-none-match", line)], Some("W/\"a\""), None),
                "{line}"
            );
        }
        assert!(met(
            &[("if-none-match", "\"b\""), ("if-none-match", "\"a\"")],
            Some("\"a\""),
            None
        ));
        for line in ["\"b\"", "a", "\"A\"", "\"x\"a\"\"", "", "\"b,\"a\"\""] {
            assert!(
                !met(&[("if-none-match", line)], Some("\"a\""), None),
                "{line}"
            );
        }
    }

    #[test]
    fn any_page_is_a_star_and_no_tag_is_any_other() {
        assert!(met(&[("if-none-match", "*")], None, None));
        assert!(!met(&[("if-none-match", "\"a\"")], None, None));
    }

    #[test]
    fn a_date_counts_only_without_a_tag() {
        assert!(met(&[("if-modified-since", DATE)], None, Some(DATE)));
        assert!(met(&[("if-modified-since", DATE)], None, Some(EARLIER)));
        assert!(!met(&[("if-modified-since", EARLIER)], None, Some(DATE)));
        assert!(!met(&[("if-modified-since", "today")], None, Some(DATE)));
        assert!(!met(&[("if-modified-since", DATE)], None, None));
        let both = [("if-modified-since", DATE), ("if-none-match", "\"b\"")];
        assert!(!met(&both, Some("\"a\""), Some(DATE)));
    }

    #[test]
    fn a_request_without_conditions_has_nothing() {
        assert!(!met(&[], Some("\"a\""), Some(DATE)));
    }
}
