//! What a response says to caches: directives, dates, ages (RFC 9111, section 5).

use std::time::{Duration, SystemTime};

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::date::http_date;

/// The parts of a comma-separated field, over all its lines. A semicolon, which
/// people write for a comma, ends a part too.
pub(crate) fn list(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    parts(headers.get_all(name))
}

fn parts<'a>(lines: impl Iterator<Item = &'a HeaderValue>) -> impl Iterator<Item = &'a [u8]> {
    lines
        .flat_map(|line| line.as_bytes().split(|byte| b",;".contains(byte)))
        .map(<[u8]>::trim_ascii)
        .filter(|part| !part.is_empty())
}

static CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

/// What a response says to this cache: in CDN-Cache-Control where there is one, else in
/// Cache-Control (RFC 9213, section 2.2). A targeted field that is not well formed is
/// as none, but what it says may be meant: then both count.
#[derive(Debug)]
pub(crate) struct Control<'a> {
    lines: Vec<&'a HeaderValue>,
    /// Whether CDN-Cache-Control speaks instead of Cache-Control, and of Expires and
    /// Pragma, which belong to that.
    pub(crate) is_targeted: bool,
}

impl<'a> Control<'a> {
    pub(crate) fn of(headers: &'a HeaderMap) -> Control<'a> {
        let mut lines: Vec<_> = headers.get_all(&CDN_CACHE_CONTROL).collect();
        let is_targeted = {
            let mut members = parts(lines.iter().copied()).peekable();
            // An empty field is as none (section 2.1).
            members.peek().is_some() && members.all(is_member)
        };
        if !is_targeted {
            lines.extend(headers.get_all(header::CACHE_CONTROL));
        }
        Control { lines, is_targeted }
    }

    /// The directives, as name and value (RFC 9111, section 5.2).
    fn directives(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
        parts(self.lines.iter().copied()).map(directive)
    }

    /// Most responses say nothing, and each question of them is answered by that.
    fn is_silent(&self) -> bool {
        self.lines.is_empty()
    }

    pub(crate) fn has(&self, name: &[u8]) -> bool {
        let mut names = self.directives().map(|(name, _)| name);
        !self.is_silent() && names.any(|own| own.eq_ignore_ascii_case(name))
    }

    /// Whether one of the words stands anywhere, as [`says`] looks for it.
    pub(crate) fn says(&self, words: &[&[u8]]) -> bool {
        !self.is_silent() && has_word(self.lines.iter().copied(), words)
    }

    /// The smallest value of a directive; what cannot be read leaves no life.
    pub(crate) fn seconds_of(&self, name: &[u8]) -> Option<Duration> {
        if self.is_silent() {
            return None;
        }
        self.directives()
            .filter(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| delta_seconds(value.unwrap_or_default()).unwrap_or(Duration::ZERO))
            .min()
    }
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

fn directive(part: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut sides = part.splitn(2, |&byte| byte == b'=');
    let name = sides.next().unwrap_or_default().trim_ascii();
    (name, sides.next())
}

/// Whether one of the words stands anywhere in a field: also in a quoted string,
/// or beside a separator that is none. That finds too many, if anything.
pub(crate) fn says(headers: &HeaderMap, name: &HeaderName, words: &[&[u8]]) -> bool {
    has_word(headers.get_all(name), words)
}

fn has_word<'a>(lines: impl Iterator<Item = &'a HeaderValue>, words: &[&[u8]]) -> bool {
    let ends_word = |byte: &u8| !(byte.is_ascii_alphanumeric() || b"-_".contains(byte));
    lines
        .flat_map(|line| line.as_bytes().split(ends_word))
        .any(|found| words.iter().any(|word| found.eq_ignore_ascii_case(word)))
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
    let mut lines = headers.get_all(header::EXPIRES).peekable();
    lines.peek()?;
    let from = date(headers).unwrap_or(now);
    let left = |line: &HeaderValue| {
        http_date(line)
            .and_then(|expires| expires.duration_since(from).ok())
            .unwrap_or_default()
    };
    lines.map(left).min()
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
