//! A response from an entry, and what Cache-Status says of each response.

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Bytes;

use crate::config::Settings;
use crate::entry::{Coding, Entry};
use crate::page::Page;

/// A field's value, checked by the compiler instead of with each response.
macro_rules! constant {
    ($value:literal) => {{
        static VALUE: HeaderValue = HeaderValue::from_static($value);
        Some(VALUE.clone())
    }};
}

static CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// What Cache-Status says (RFC 9211).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Answered from a store.
    Hit,
    /// Rendered, and accepted by the writer.
    Stored,
    /// Answered with another request's render.
    Collapsed,
    /// Rendered; the outcome is not known when the head goes out.
    Miss,
    /// Rendered, and not stored for this reason.
    NotStored(&'static str),
    /// Not asked for, for this reason.
    Bypass(&'static str),
    /// Not asked for: another method.
    Method,
}

impl Status {
    fn value(self) -> Option<HeaderValue> {
        match self {
            Status::Hit => constant!("djanginxed; hit"),
            Status::Stored => constant!("djanginxed; fwd=uri-miss; stored"),
            Status::Collapsed => constant!("djanginxed; fwd=uri-miss; collapsed"),
            Status::Miss => constant!("djanginxed; fwd=uri-miss"),
            Status::Method => constant!("djanginxed; fwd=method"),
            Status::NotStored(reason) => detailed("uri-miss", reason),
            Status::Bypass(reason) => detailed("bypass", reason),
        }
    }

    /// Adds the field to a response, behind those of other caches.
    pub(crate) fn mark<B>(self, response: &mut HttpResponse<B>, settings: &Settings) {
        if settings.cache_status
            && let Some(value) = self.value()
        {
            response.headers_mut().append(CACHE_STATUS.clone(), value);
        }
    }
}

fn detailed(forwarded: &str, reason: &str) -> Option<HeaderValue> {
    HeaderValue::from_maybe_shared(Bytes::from(format!(
        "djanginxed; fwd={forwarded}; detail={reason}"
    )))
    .ok()
}

/// The response that every visitor of a stored page gets, whoever rendered it:
/// 200, the page's type, the declared headers, the body. `None` where the entry
/// cannot be read.
pub(crate) fn answer(
    entry: &Entry,
    page: &Page,
    settings: &Settings,
    accepts_gzip: bool,
    status: Status,
) -> Option<HttpResponse> {
    let packed = entry.coding() == Coding::Gzip;
    // Unpacked even for who gets the packed bytes: Memcached may hold half a page.
    let unpacked = entry.unpacked(settings.max_entry_size)?;
    let body = if packed && accepts_gzip {
        entry.bytes().clone()
    } else {
        unpacked
    };
    let mut response = HttpResponse::Ok().body(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type(page)?);
    for (name, value) in &settings.headers {
        headers.append(name.clone(), value.clone());
    }
    if packed && accepts_gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if packed || settings.gzip {
        headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    status.mark(&mut response, settings);
    Some(response)
}

/// Whether nginx's `charset utf-8;` says it of a type: its default
/// `charset_types`.
pub(crate) fn gets_charset(media_type: &str) -> bool {
    const WITH_CHARSET: [&str; 6] = [
        "text/html",
        "text/xml",
        "text/plain",
        "text/vnd.wap.wml",
        "application/javascript",
        "application/rss+xml",
    ];
    let mut known = WITH_CHARSET.iter();
    known.any(|known| known.eq_ignore_ascii_case(media_type))
}

/// As nginx has it with `default_type` and `charset utf-8;`.
fn content_type(page: &Page) -> Option<HeaderValue> {
    let media_type = page.media_type();
    if media_type == "text/html" {
        constant!("text/html; charset=utf-8")
    } else if gets_charset(media_type) {
        HeaderValue::from_str(&format!("{media_type}; charset=utf-8")).ok()
    } else {
        Some(HeaderValue::from_static(media_type))
    }
}

/// Whether Accept-Encoding allows gzip (RFC 9110, section 12.5.3).
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let mut any = None;
    let lines = headers.get_all(header::ACCEPT_ENCODING);
    let codings = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    for coding in codings {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let accepted = is_positive(weight);
        match name.trim() {
            name if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => {
                return accepted;
            }
            "*" => any = Some(accepted),
            _ => {}
        }
    }
    any.unwrap_or(false)
}

/// Whether a weight is absent or above zero. What cannot be read is not: every
/// client can take a page that is not packed.
fn is_positive(weight: &str) -> bool {
    let weight = weight.trim();
    let value = weight.strip_prefix("q=").or(weight.strip_prefix("Q="));
    weight.is_empty() || value.is_some_and(|value| value.parse().is_ok_and(|q: f32| q > 0.0))
}

#[cfg(test)]
mod tests;
