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
    [HTML, XHTML]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(media_type))
}

/// The same for a response.
pub(crate) fn is_html(headers: &HeaderMap) -> bool {
    let line = headers.get(header::CONTENT_TYPE);
    line.and_then(|line| line.to_str().ok())
        .is_some_and(|line| {
            let media_type = line.split(';').next().unwrap_or_default();
            may_have_parts(media_type.trim())
        })
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
