//! Step 6: response -> [`Decision`]. May this response be given to others?

mod loss;

use std::time::{Duration, SystemTime};

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use djanginxed_rules::MAX_TIMEOUT;

pub use self::loss::Loss;
pub(crate) use self::loss::{has_own_marker, private_losses, refused_loss};

use crate::control::{Control, age, list, says, unquoted, until_expires};
use crate::layout::Layout;
use crate::life::Life;
use crate::media::gets_charset;
use crate::page::Page;
use crate::reason::Reason;
use crate::settings::Settings;
use crate::vary::Rules;

/// What becomes of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It is stored, and lives this long from the start of its render.
    Store(Life),
    /// It reaches the visitor who asked for it and nobody else.
    Skip(Reason),
}

/// What a response is judged by, besides itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<'a> {
    pub(crate) page: &'a Page,
    pub(crate) settings: &'a Settings,
}

/// Judges what is known before the body: status, headers and life.
pub(crate) fn decide(
    status: StatusCode,
    headers: &HeaderMap,
    terms: Terms<'_>,
    now: SystemTime,
) -> Decision {
    if !terms.settings.statuses.contains(&status) {
        return Decision::Skip(Reason::Status);
    }
    let control = &Control::of(headers);
    let refused = refused_for_all(status, headers, control, &terms.settings.vary).or_else(|| {
        match terms.settings.layout {
            Layout::Body => refused_by_loss(headers, terms),
            Layout::Response => refused_whole(status, headers),
        }
    });
    if let Some(reason) = refused {
        return Decision::Skip(reason);
    }
    match fresh(status, headers, control, terms, now) {
        Duration::ZERO => Decision::Skip(Reason::Expired),
        fresh => Decision::Store(Life {
            fresh,
            stale: stale(status, control, terms),
            error: stands_in(status, control, terms),
        }),
    }
}

fn refused_for_all(
    status: StatusCode,
    headers: &HeaderMap,
    control: &Control<'_>,
    rules: &Rules,
) -> Option<Reason> {
    if headers.contains_key(header::SET_COOKIE) {
        Some(Reason::SetCookie)
    } else if forbids_sharing(status, headers, control) {
        Some(Reason::CacheControl)
    } else if varies(headers, rules) {
        Some(Reason::Vary)
    } else if is_encoded(headers) {
        Some(Reason::ContentEncoding)
    } else {
        None
    }
}

/// Where a hit is the body alone, under one type and the declared headers.
fn refused_by_loss(headers: &HeaderMap, terms: Terms<'_>) -> Option<Reason> {
    if !has_type_of(headers, terms.page) {
        Some(Reason::ContentType)
    } else if refused_loss(headers, &terms.settings.headers).is_some() {
        Some(Reason::Header)
    } else {
        None
    }
}

/// Where a hit is the whole response: nginx would guess a type that is missing, and
/// obeys X-Accel fields of a miss alone.
fn refused_whole(status: StatusCode, headers: &HeaderMap) -> Option<Reason> {
    let types = headers.get_all(header::CONTENT_TYPE).count();
    let is_command = |name: &HeaderName| name.as_str().starts_with("x-accel-");
    if types > 1 || types == 0 && status == StatusCode::OK {
        Some(Reason::ContentType)
    } else if headers.keys().any(is_command) {
        Some(Reason::Header)
    } else {
        None
    }
}

/// Judges what only the body tells, once it is there.
pub(crate) fn decide_body(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    terms: Terms<'_>,
    limit: usize,
) -> Result<(), Reason> {
    let is_body = terms.settings.layout == Layout::Body;
    if body.is_empty() && (is_body || status == StatusCode::OK) {
        Err(Reason::Empty)
    } else if body.len() > limit {
        Err(Reason::TooLarge)
    } else if is_body && is_misnamed(headers, body, terms.page) {
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

/// Whether the response is not to be shared: by the field for this cache, by
/// Surrogate-Control, which older caches of this place obey, or by Pragma where
/// Cache-Control does not go before it. `must-understand` keeps `no-store` for those who
/// do not know the status (RFC 9111, section 5.2.2.3).
fn forbids_sharing(status: StatusCode, headers: &HeaderMap, control: &Control<'_>) -> bool {
    let understood = || lasts(status) && control.has(b"must-understand");
    let pragma = || {
        !headers.contains_key(header::CACHE_CONTROL)
            && !control.is_targeted
            && says(headers, &header::PRAGMA, &[b"no-cache"])
    };
    // In one go: most responses say nothing of it.
    let forbids = || {
        control.says(&[b"private", b"no-cache"]) || control.says(&[b"no-store"]) && !understood()
    };
    control.says(&[b"private", b"no-cache", b"no-store"]) && forbids()
        || says(headers, &SURROGATE_CONTROL, &[b"no-store"])
        || pragma()
}

static SURROGATE_CONTROL: HeaderName = HeaderName::from_static("surrogate-control");

/// Whether the response depends on what no variant is made of.
fn varies(headers: &HeaderMap, rules: &Rules) -> bool {
    list(headers, header::VARY)
        .any(|name| !name.eq_ignore_ascii_case(b"accept-encoding") && !rules.cover(name))
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

/// Whether a response of this status may be taken again without having said so
/// (RFC 9110, section 15.1): not a redirect for now, nor a server in trouble.
fn lasts(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501
    )
}

/// The page's timeout, for errors the shorter one of errors, or what the response
/// grants a shared cache, whichever is shorter, less its age (RFC 9111, section 4.2).
fn fresh(
    status: StatusCode,
    headers: &HeaderMap,
    control: &Control<'_>,
    terms: Terms<'_>,
    now: SystemTime,
) -> Duration {
    let granted = control
        .seconds_of(b"s-maxage")
        .or_else(|| control.seconds_of(b"max-age"))
        .or_else(|| (!control.is_targeted).then(|| until_expires(headers, now))?);
    // RFC 9111, section 4.2.2.
    if granted.is_none() && !lasts(status) && !control.has(b"public") {
        return Duration::ZERO;
    }
    let mut timeout = terms.page.timeout();
    if status.is_client_error() || status.is_server_error() {
        timeout = timeout.min(terms.settings.error_timeout);
    }
    let life = granted.map_or(timeout, |granted| granted.min(timeout));
    life.saturating_sub(age(headers, now))
}

/// For how long the page may be given out after that: what the response says, else
/// what the page does, and not at all where the response forbids it, or is an error
/// (RFC 5861, section 3; RFC 9111, section 4.2.4).
fn stale(status: StatusCode, control: &Control<'_>, terms: Terms<'_>) -> Duration {
    let own = || terms.page.own_stale().unwrap_or(terms.settings.stale);
    late(status, control, b"stale-while-revalidate", own)
}

/// For how long it stands in for an error of the application, likewise (RFC 5861,
/// section 4).
fn stands_in(status: StatusCode, control: &Control<'_>, terms: Terms<'_>) -> Duration {
    let own = || terms.page.stands_in(terms.settings);
    late(status, control, b"stale-if-error", own)
}

fn late(
    status: StatusCode,
    control: &Control<'_>,
    directive: &[u8],
    own: impl FnOnce() -> Duration,
) -> Duration {
    let must_ask = || control.has(b"must-revalidate") || control.has(b"proxy-revalidate");
    if status.is_server_error() || must_ask() {
        return Duration::ZERO;
    }
    let late = control.seconds_of(directive).unwrap_or_else(own);
    late.min(Duration::from_secs(MAX_TIMEOUT.into()))
}

#[cfg(test)]
mod tests;
