//! Media types, as nginx serves them.

use actix_web::http::header::HeaderValue;

use crate::status::constant;

/// The type of pages that name none.
pub(crate) const HTML: &str = "text/html";

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
