//! What a stored head grants browsers and caches behind nginx.
//!
//! A hit says what was stored, however long ago. `max-age=600` would thus grant ten
//! minutes from each hit on, so a stored response says when it ends instead:
//! Expires, which is compared with the Date that nginx gives each hit (RFC 9111,
//! sections 4.2.1 and 5.3).

use std::time::{Duration, SystemTime};

use actix_web::http::header::{self, HeaderMap, HeaderValue};

use crate::control::{age, delta_seconds, until_expires};

/// Cache-Control and Expires as they are stored.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) cache_control: Vec<HeaderValue>,
    pub(crate) expires: Option<HeaderValue>,
}

/// What is another answer for each visitor: no cache keeps it for others, and a browser
/// asks before it shows it again.
pub(crate) const PERSONAL: HeaderValue = HeaderValue::from_static("private, no-cache");

impl Grant {
    /// Of a page with parts.
    pub(crate) fn personal() -> Grant {
        Grant {
            cache_control: vec![PERSONAL],
            expires: None,
        }
    }

    /// What `headers` grant at the moment `now`, in absolute terms.
    pub(crate) fn of(headers: &HeaderMap, now: SystemTime) -> Grant {
        let lines = || headers.get_all(header::CACHE_CONTROL);
        let relative = lines().flat_map(directives).filter_map(seconds).min();
        let is_zero =
            |part: &&[u8]| name(part).eq_ignore_ascii_case(b"max-age") && seconds(part) == Some(0);
        let expires = match relative {
            // It grants nothing, now and later.
            Some(0) if lines().flat_map(directives).any(|part| is_zero(&part)) => {
                return Grant {
                    cache_control: lines()
                        .filter_map(|line| without(line, |part| is_zero(&part)))
                        .collect(),
                    expires: None,
                };
            }
            Some(seconds) => Some(Duration::from_secs(seconds.into())),
            None => until_expires(headers, now),
        };
        let left = expires.map(|granted| granted.saturating_sub(age(headers, now)));
        Grant {
            cache_control: lines()
                .filter_map(|line| without(line, |_| false))
                .collect(),
            expires: left.and_then(|left| http_date(now.checked_add(left)?)),
        }
    }
}

/// A line without `max-age` and `s-maxage`, save what `keeps` says.
fn without(line: &HeaderValue, keeps: impl Fn(&[u8]) -> bool) -> Option<HeaderValue> {
    let kept: Vec<_> = directives(line)
        .filter(|part| seconds(part).is_none() || keeps(part))
        .collect();
    if kept.is_empty() {
        return None;
    }
    HeaderValue::from_bytes(&kept.join(&b", "[..])).ok()
}

/// The directives of a line; a comma in quotes ends none.
fn directives(line: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    let ends = move |byte: &u8| {
        quoted ^= *byte == b'"';
        !quoted && *byte == b','
    };
    let parts = line.as_bytes().split(ends).map(<[u8]>::trim_ascii);
    parts.filter(|part| !part.is_empty())
}

fn name(directive: &[u8]) -> &[u8] {
    let end = directive.iter().position(|&byte| byte == b'=');
    directive[..end.unwrap_or(directive.len())].trim_ascii()
}

/// The seconds that a directive grants, if it is one that does. What cannot be read
/// grants none.
fn seconds(directive: &[u8]) -> Option<u32> {
    let name = name(directive);
    let grants = name.eq_ignore_ascii_case(b"max-age") || name.eq_ignore_ascii_case(b"s-maxage");
    grants.then(|| {
        let value = directive.splitn(2, |&byte| byte == b'=').nth(1);
        let granted = value.and_then(delta_seconds).unwrap_or_default();
        u32::try_from(granted.as_secs()).unwrap_or(u32::MAX)
    })
}

fn http_date(at: SystemTime) -> Option<HeaderValue> {
    /// The last moment of the year 9999, beyond which HTTP has no dates.
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    let since = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let at = SystemTime::UNIX_EPOCH + since.min(LAST);
    HeaderValue::try_from(httpdate::fmt_http_date(at)).ok()
}

#[cfg(test)]
mod tests;
