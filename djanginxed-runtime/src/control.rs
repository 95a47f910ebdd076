//! What a response says to caches: directives, dates, ages (RFC 9111, section 5).

use std::time::{Duration, SystemTime};

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// The parts of a comma-separated field, over all its lines. A semicolon, which
/// people write for a comma, ends a part too.
pub(crate) fn list(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    headers
        .get_all(name)
        .flat_map(|line| line.as_bytes().split(|byte| b",;".contains(byte)))
        .map(<[u8]>::trim_ascii)
        .filter(|part| !part.is_empty())
}

/// The field that speaks to this cache: CDN-Cache-Control where there is one,
/// else Cache-Control (RFC 9213, section 2.2).
pub(crate) fn control_field(headers: &HeaderMap) -> HeaderName {
    if is_targeted(headers) {
        CDN_CACHE_CONTROL.clone()
    } else {
        header::CACHE_CONTROL
    }
}

static CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

/// Whether CDN-Cache-Control speaks to this cache.
pub(crate) fn is_targeted(headers: &HeaderMap) -> bool {
    // An empty one is as none (RFC 9213, section 2.1).
    list(headers, CDN_CACHE_CONTROL.clone()).next().is_some()
}

/// The directives for this cache, as name and value (RFC 9111, section 5.2).
pub(crate) fn directives(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    list(headers, control_field(headers)).map(|directive| {
        let mut parts = directive.splitn(2, |&byte| byte == b'=');
        let name = parts.next().unwrap_or_default().trim_ascii();
        (name, parts.next())
    })
}

/// Whether one of the words stands anywhere in a field: also in a quoted string,
/// or beside a separator that is none. That finds too many, if anything.
pub(crate) fn says(headers: &HeaderMap, name: HeaderName, words: &[&[u8]]) -> bool {
    let ends_word = |byte: &u8| !(byte.is_ascii_alphanumeric() || b"-_".contains(byte));
    headers
        .get_all(name)
        .flat_map(|line| line.as_bytes().split(ends_word))
        .any(|found| words.iter().any(|word| found.eq_ignore_ascii_case(word)))
}

/// The smallest value of a directive; what cannot be read leaves no life.
pub(crate) fn seconds_of(headers: &HeaderMap, directive: &[u8]) -> Option<Duration> {
    directives(headers)
        .filter(|(name, _)| name.eq_ignore_ascii_case(directive))
        .map(|(_, value)| delta_seconds(value.unwrap_or_default()).unwrap_or(Duration::ZERO))
        .min()
}

pub(crate) fn delta_seconds(value: &[u8]) -> Option<Duration> {
    let digits = unquoted(value);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // RFC 9111, section 1.2.2: what overflows is taken as the greatest.
    let seconds = str::from_utf8(digits).ok()?.parse().unwrap_or(u32::MAX);
    Some(Duration::from_secs(seconds.into()))
}

pub(crate) fn until_expires(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let from = date(headers).unwrap_or(now);
    let left = |line: &HeaderValue| {
        http_date(line)
            .and_then(|expires| expires.duration_since(from).ok())
            .unwrap_or_default()
    };
    headers.get_all(header::EXPIRES).map(left).min()
}

pub(crate) fn date(headers: &HeaderMap) -> Option<SystemTime> {
    headers.get(header::DATE).and_then(http_date)
}

pub(crate) fn http_date(line: &HeaderValue) -> Option<SystemTime> {
    httpdate::parse_http_date(line.to_str().ok()?).ok()
}

/// Age, or the time since Date where that is more (RFC 9111, section 4.2.3).
pub(crate) fn age(headers: &HeaderMap, now: SystemTime) -> Duration {
    let since_date = date(headers).and_then(|date| now.duration_since(date).ok());
    headers
        .get_all(header::AGE)
        .map(|age| delta_seconds(age.as_bytes()).unwrap_or(Duration::MAX))
        .chain(since_date)
        .max()
        .unwrap_or_default()
}

/// A value without the quotes around it.
pub(crate) fn unquoted(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    value
        .strip_prefix(b"\"")
        .and_then(|value| value.strip_suffix(b"\""))
        .unwrap_or(value)
}
