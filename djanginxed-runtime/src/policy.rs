//! Step 6: response -> [`Decision`]. May this response be given to others?

use std::time::{Duration, SystemTime};

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::media::gets_charset;
use crate::page::Page;
use crate::reason::Reason;

/// What becomes of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It is stored, and fresh for this long from the start of its render.
    Store(Duration),
    /// It reaches the visitor who asked for it and nobody else.
    Skip(Reason),
}

/// Judges what is known before the body: status, headers and life.
pub(crate) fn decide(
    status: StatusCode,
    headers: &HeaderMap,
    page: &Page,
    declared: &[(HeaderName, HeaderValue)],
    now: SystemTime,
) -> Decision {
    if status != StatusCode::OK {
        return Decision::Skip(Reason::Status);
    }
    if let Some(reason) = refused_by_headers(headers, page, declared) {
        return Decision::Skip(reason);
    }
    match life(headers, page, now) {
        Duration::ZERO => Decision::Skip(Reason::Expired),
        life => Decision::Store(life),
    }
}

fn refused_by_headers(
    headers: &HeaderMap,
    page: &Page,
    declared: &[(HeaderName, HeaderValue)],
) -> Option<Reason> {
    if headers.contains_key(header::SET_COOKIE) {
        Some(Reason::SetCookie)
    } else if forbids_sharing(headers) {
        Some(Reason::CacheControl)
    } else if varies(headers) {
        Some(Reason::Vary)
    } else if is_encoded(headers) {
        Some(Reason::ContentEncoding)
    } else if !has_type_of(headers, page) {
        Some(Reason::ContentType)
    } else if refused_loss(headers, declared).is_some() {
        Some(Reason::Header)
    } else {
        None
    }
}

/// Judges what only the body tells, once it is there.
pub(crate) fn decide_body(
    headers: &HeaderMap,
    body: &[u8],
    page: &Page,
    limit: usize,
) -> Result<(), Reason> {
    if body.is_empty() {
        Err(Reason::Empty)
    } else if body.len() > limit {
        Err(Reason::TooLarge)
    } else if is_misnamed(headers, body, page) {
        Err(Reason::ContentType)
    } else {
        Ok(())
    }
}

/// Whether nginx would call a body utf-8 that is not, and whose type did not
/// say so.
fn is_misnamed(headers: &HeaderMap, body: &[u8], page: &Page) -> bool {
    gets_charset(page.media_type()) && !has_charset(headers) && str::from_utf8(body).is_err()
}

/// The parts of a comma-separated field, over all its lines. A semicolon, which
/// people write for a comma, ends a part too.
fn list(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    headers
        .get_all(name)
        .flat_map(|line| line.as_bytes().split(|byte| b",;".contains(byte)))
        .map(<[u8]>::trim_ascii)
        .filter(|part| !part.is_empty())
}

/// The field that speaks to this cache: CDN-Cache-Control where there is one,
/// else Cache-Control (RFC 9213, section 2.2).
fn control_field(headers: &HeaderMap) -> HeaderName {
    if is_targeted(headers) {
        CDN_CACHE_CONTROL.clone()
    } else {
        header::CACHE_CONTROL
    }
}

static CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

fn is_targeted(headers: &HeaderMap) -> bool {
    // An empty one is as none (RFC 9213, section 2.1).
    list(headers, CDN_CACHE_CONTROL.clone()).next().is_some()
}

/// The directives for this cache, as name and value (RFC 9111, section 5.2).
fn directives(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    list(headers, control_field(headers)).map(|directive| {
        let mut parts = directive.splitn(2, |&byte| byte == b'=');
        let name = parts.next().unwrap_or_default().trim_ascii();
        (name, parts.next())
    })
}

/// Whether the response is not to be shared: by the field for this cache, by
/// Surrogate-Control, which older caches of this place obey, or by Pragma where
/// Cache-Control does not go before it.
fn forbids_sharing(headers: &HeaderMap) -> bool {
    let pragma = || {
        !headers.contains_key(header::CACHE_CONTROL)
            && !is_targeted(headers)
            && says(headers, header::PRAGMA, &[b"no-cache"])
    };
    says(
        headers,
        control_field(headers),
        &[b"private", b"no-store", b"no-cache"],
    ) || says(
        headers,
        HeaderName::from_static("surrogate-control"),
        &[b"no-store"],
    ) || pragma()
}

/// Whether one of the words stands anywhere in a field: also in a quoted string,
/// or beside a separator that is none. That finds too many, if anything.
fn says(headers: &HeaderMap, name: HeaderName, words: &[&[u8]]) -> bool {
    let ends_word = |byte: &u8| !(byte.is_ascii_alphanumeric() || b"-_".contains(byte));
    headers
        .get_all(name)
        .flat_map(|line| line.as_bytes().split(ends_word))
        .any(|found| words.iter().any(|word| found.eq_ignore_ascii_case(word)))
}

fn varies(headers: &HeaderMap) -> bool {
    list(headers, header::VARY).any(|name| !name.eq_ignore_ascii_case(b"accept-encoding"))
}

fn is_encoded(headers: &HeaderMap) -> bool {
    list(headers, header::CONTENT_ENCODING).any(|coding| !coding.eq_ignore_ascii_case(b"identity"))
}

/// Whether nginx would serve the response under its own type: exactly one
/// Content-Type, the page's media type, no parameter but `charset=utf-8`.
fn has_type_of(headers: &HeaderMap, page: &Page) -> bool {
    let mut lines = headers.get_all(header::CONTENT_TYPE);
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return false;
    };
    let mut parts = line
        .as_bytes()
        .split(|&byte| byte == b';')
        .map(<[u8]>::trim_ascii);
    let media_type = parts.next().unwrap_or_default();
    media_type.eq_ignore_ascii_case(page.media_type().as_bytes())
        && parts.all(|parameter| parameter.is_empty() || is_utf8_charset(parameter))
}

/// Whether a response whose type is the page's says its charset.
fn has_charset(headers: &HeaderMap) -> bool {
    let line = headers.get(header::CONTENT_TYPE);
    line.is_some_and(|line| {
        line.as_bytes()
            .split(|&byte| byte == b';')
            .skip(1)
            .any(|parameter| !parameter.trim_ascii().is_empty())
    })
}

fn is_utf8_charset(parameter: &[u8]) -> bool {
    let mut sides = parameter.splitn(2, |&byte| byte == b'=');
    let name = sides.next().unwrap_or_default();
    let value = unquoted(sides.next().unwrap_or_default());
    name.eq_ignore_ascii_case(b"charset") && value.eq_ignore_ascii_case(b"utf-8")
}

fn unquoted(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    value
        .strip_prefix(b"\"")
        .and_then(|value| value.strip_suffix(b"\""))
        .unwrap_or(value)
}

/// What a hit without a field of the miss is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The same page: the field speaks of this one answer, or nginx has its own.
    Harmless,
    /// Most likely the same page: a private field, of which nothing is known.
    Private,
    /// Perhaps another page.
    Refused,
}

impl Loss {
    /// Judges a field by its name, in lower case. One that is invented tomorrow is refused.
    #[must_use]
    pub fn of(name: &str) -> Loss {
        match name {
            "accept-ranges" | "age" | "alt-svc" | "cache-control" | "cache-status"
            | "cdn-cache-control" | "connection" | "content-encoding" | "content-length"
            | "content-type" | "date" | "etag" | "expires" | "keep-alive" | "last-modified"
            | "pragma" | "proxy-status" | "server" | "server-timing" | "surrogate-control"
            | "surrogate-key" | "transfer-encoding" | "vary" | "via" | "warning" => Loss::Harmless,
            "x-content-security-policy"
            | "x-content-type-options"
            | "x-dns-prefetch-control"
            | "x-download-options"
            | "x-frame-options"
            | "x-permitted-cross-domain-policies"
            | "x-robots-tag"
            | "x-ua-compatible"
            | "x-webkit-csp"
            | "x-xss-protection" => Loss::Refused,
            name if name.starts_with("x-accel-") => Loss::Refused,
            name if name.starts_with("x-") => Loss::Private,
            _ => Loss::Refused,
        }
    }
}

/// The fields that a hit would lack: all but those that every hit has.
fn losses<'a>(
    headers: &'a HeaderMap,
    declared: &'a [(HeaderName, HeaderValue)],
    loss: Loss,
) -> impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)> {
    headers
        .iter()
        .filter(move |(name, _)| Loss::of(name.as_str()) == loss)
        .filter(|(name, value)| !declared.iter().any(|(n, v)| n == *name && v == *value))
}

/// A field for whose sake the response is not stored ([`Reason::Header`]).
pub(crate) fn refused_loss<'a>(
    headers: &'a HeaderMap,
    declared: &'a [(HeaderName, HeaderValue)],
) -> Option<(&'a HeaderName, &'a HeaderValue)> {
    losses(headers, declared, Loss::Refused).next()
}

/// The private fields that hits of a stored page lack.
pub(crate) fn private_losses<'a>(
    headers: &'a HeaderMap,
    declared: &'a [(HeaderName, HeaderValue)],
) -> impl Iterator<Item = &'a HeaderName> {
    losses(headers, declared, Loss::Private).map(|(name, _)| name)
}

/// The page's timeout or what the response grants a shared cache, whichever is
/// shorter, less its age (RFC 9111, section 4.2).
fn life(headers: &HeaderMap, page: &Page, now: SystemTime) -> Duration {
    let granted = seconds_of(headers, b"s-maxage")
        .or_else(|| seconds_of(headers, b"max-age"))
        // Expires belongs to the field that the targeted one goes before.
        .or_else(|| (!is_targeted(headers)).then(|| until_expires(headers, now))?);
    let life = granted.map_or(page.timeout(), |granted| granted.min(page.timeout()));
    life.saturating_sub(age(headers, now))
}

/// The smallest value of a directive; what cannot be read leaves no life.
fn seconds_of(headers: &HeaderMap, directive: &[u8]) -> Option<Duration> {
    directives(headers)
        .filter(|(name, _)| name.eq_ignore_ascii_case(directive))
        .map(|(_, value)| delta_seconds(value.unwrap_or_default()).unwrap_or(Duration::ZERO))
        .min()
}

fn delta_seconds(value: &[u8]) -> Option<Duration> {
    let digits = unquoted(value);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // RFC 9111, section 1.2.2: what overflows is taken as the greatest.
    let seconds = str::from_utf8(digits).ok()?.parse().unwrap_or(u32::MAX);
    Some(Duration::from_secs(seconds.into()))
}

fn until_expires(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let from = date(headers).unwrap_or(now);
    let left = |line: &HeaderValue| {
        http_date(line)
            .and_then(|expires| expires.duration_since(from).ok())
            .unwrap_or_default()
    };
    headers.get_all(header::EXPIRES).map(left).min()
}

fn date(headers: &HeaderMap) -> Option<SystemTime> {
    headers.get(header::DATE).and_then(http_date)
}

fn http_date(line: &HeaderValue) -> Option<SystemTime> {
    httpdate::parse_http_date(line.to_str().ok()?).ok()
}

/// Age, or the time since Date where that is more (RFC 9111, section 4.2.3).
fn age(headers: &HeaderMap, now: SystemTime) -> Duration {
    let since_date = date(headers).and_then(|date| now.duration_since(date).ok());
    headers
        .get_all(header::AGE)
        .map(|age| delta_seconds(age.as_bytes()).unwrap_or(Duration::MAX))
        .chain(since_date)
        .max()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
