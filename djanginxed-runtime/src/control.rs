//! What a response says to caches: directives, dates, ages (RFC 9111, section 5).

use std::time::{Duration, SystemTime};

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::date::http_date;

/// The parts of a comma-separated field, over all its lines. A semicolon, which
/// people write for a comma, ends a part too.
pub(crate) fn list(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    headers
        .get_all(name)
        .flat_map(|line| line.as_bytes().split(|byte| b",;".contains(byte)))
        .map(<[u8]>::trim_ascii)
        .filter(|part| !part.is_empty())
}

static CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

/// The fields that speak to this cache: CDN-Cache-Control where there is one, else
/// Cache-Control (RFC 9213, section 2.2). A targeted field that is not well formed is
/// as none, but what it says may be meant: then both count.
pub(crate) fn control_fields(headers: &HeaderMap) -> impl Iterator<Item = HeaderName> + use<> {
    let targeted = has(headers, &CDN_CACHE_CONTROL).then(|| CDN_CACHE_CONTROL.clone());
    let usual = (!is_targeted(headers)).then_some(header::CACHE_CONTROL);
    targeted.into_iter().chain(usual)
}

/// Whether CDN-Cache-Control speaks to this cache instead of Cache-Control.
pub(crate) fn is_targeted(headers: &HeaderMap) -> bool {
    let mut members = list(headers, CDN_CACHE_CONTROL.clone());
    has(headers, &CDN_CACHE_CONTROL) && members.all(is_member)
}

/// An empty field is as none (RFC 9213, section 2.1).
fn has(headers: &HeaderMap, name: &HeaderName) -> bool {
    list(headers, name.clone()).next().is_some()
}

/// Whether a part of a targeted field is one of a dictionary (RFC 8941, section 3.2),
/// whose seconds are a number.
fn is_member(part: &[u8]) -> bool {
    let (name, value) = directive(part);
    let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.*".contains(byte);
    let is_life = name.eq_ignore_ascii_case(b"max-age") || name.eq_ignore_ascii_case(b"s-maxage");
    let is_number = |value: &[u8]| !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    !name.is_empty() && name.iter().all(is_key) && (!is_life || value.is_some_and(is_number))
}

/// The directives for this cache, as name and value (RFC 9111, section 5.2).
pub(crate) fn directives(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    control_fields(headers).flat_map(|field| list(headers, field).map(directive))
}

fn directive(part: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut sides = part.splitn(2, |&byte| byte == b'=');
    let name = sides.next().unwrap_or_default().trim_ascii();
    (name, sides.next())
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

/// Age, or the time since Date where that is more (RFC 9111, section 4.2.3). Of a list
/// the first member counts, and what is no number does not (section 5.1).
pub(crate) fn age(headers: &HeaderMap, now: SystemTime) -> Duration {
    let since_date = date(headers).and_then(|date| now.duration_since(date).ok());
    let said = headers.get(header::AGE);
    let said = said.and_then(|line| line.as_bytes().split(|&byte| byte == b',').next());
    let said = said.and_then(delta_seconds);
    said.max(since_date).unwrap_or_default()
}

/// A value without the quotes around it.
pub(crate) fn unquoted(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    value
        .strip_prefix(b"\"")
        .and_then(|value| value.strip_suffix(b"\""))
        .unwrap_or(value)
}
