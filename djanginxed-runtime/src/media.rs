//! Media types, as nginx serves them.

use actix_web::http::header::{self, HeaderMap, HeaderValue};

use crate::status::constant;

/// The type of pages that name none.
pub(crate) const HTML: &str = "text/html";

pub(crate) const XHTML: &str = "application/xhtml+xml";

/// Whether nginx's `charset utf-8;` says it of a type: its default
/// `charset_types`.
pub(crate) fn gets_charset(media_type: &str) -> bool {
    const WITH_CHARSET: [&str; 6] = [
        HTML,
        "text/xml",
        "text/plain",
        "text/vnd.wap.wml",
        "application/javascript",
        "application/rss+xml",
    ];
    let mut known = WITH_CHARSET.iter();
    known.any(|known| known.eq_ignore_ascii_case(media_type))
}

/// Whether pages of this type may have parts: what nginx's SSI reads is HTML alone.
pub(crate) fn may_have_parts(media_type: &str) -> bool {
    is_read(media_type.as_bytes())
}

fn is_read(media_type: &[u8]) -> bool {
    let mut known = [HTML, XHTML].into_iter();
    known.any(|known| known.as_bytes().eq_ignore_ascii_case(media_type))
}

/// Whether a response is HTML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Html {
    No,
    /// For somebody it may be, and nginx looks for no parts in it, or is not known to.
    Perhaps,
    /// For nginx, which looks for parts in it.
    Yes,
}

impl Html {
    /// What a response's Content-Type says.
    pub(crate) fn of(headers: &HeaderMap) -> Html {
        let mut lines = headers.get_all(header::CONTENT_TYPE);
        match (lines.next(), lines.next()) {
            (Some(line), None) => Html::of_line(line),
            _ => Html::Perhaps,
        }
    }

    pub(crate) fn of_line(line: &HeaderValue) -> Html {
        let line = line.as_bytes();
        if is_read(as_nginx_cuts(line)) {
            Html::Yes
        } else if line
            .windows(4)
            .any(|word| word.eq_ignore_ascii_case(b"html"))
        {
            Html::Perhaps
        } else {
            Html::No
        }
    }
}

/// A Content-Type up to what nginx takes away from it before it compares types: `charset=`
/// behind a semicolon and spaces, and no other parameter.
fn as_nginx_cuts(line: &[u8]) -> &[u8] {
    let is_charset = |at: &usize| {
        let rest = line[at + 1..].trim_ascii_start();
        rest.get(..8)
            .is_some_and(|word| word.eq_ignore_ascii_case(b"charset="))
    };
    let cut = memchr::memchr_iter(b';', line).find(is_charset);
    &line[..cut.unwrap_or(line.len())]
}

/// Content-Type as nginx has it with `default_type` and `charset utf-8;`.
pub(crate) fn content_type(media_type: &'static str) -> Option<HeaderValue> {
    if media_type == HTML {
        constant!("text/html; charset=utf-8")
    } else if gets_charset(media_type) {
        HeaderValue::from_str(&format!("{media_type}; charset=utf-8")).ok()
    } else {
        Some(HeaderValue::from_static(media_type))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_what_nginx_looks_for_parts_in() {
        let of = |line: &[u8]| Html::of_line(&HeaderValue::from_bytes(line).unwrap());
        for line in [
            "text/html",
            "Text/HTML;charset=utf-8",
            "text/html; charset=utf-8",
            "text/html;Charset=x;profile=\u{e9}",
            "application/xhtml+xml; charset=utf-8",
        ] {
            assert_eq!(of(line.as_bytes()), Html::Yes, "{line}");
        }
        for line in [
            "text/html;profile=x",
            "text/html;profile=x;charset=utf-8",
            "text/html ;charset=utf-8",
            "text/html;;charset=utf-8",
            "text/html; title=\u{e9}",
            "application/vnd.x+HTML",
        ] {
            assert_eq!(of(line.as_bytes()), Html::Perhaps, "{line}");
        }
        for line in [
            "application/json",
            "text/plain; charset=utf-8",
            "image/svg+xml",
            "",
        ] {
            assert_eq!(of(line.as_bytes()), Html::No, "{line}");
        }
        assert_eq!(Html::of(&HeaderMap::new()), Html::Perhaps);
    }
}
