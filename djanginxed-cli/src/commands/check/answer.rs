//! Who gave an answer, and what it holds.

use std::io::Read;

use flate2::read::GzDecoder;

use crate::http::{Problem, Response};

/// Who gave an answer, as its Cache-Status tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// nginx, from Memcached.
    Nginx,
    /// The application, which has rendered the page and stores it.
    Stored,
    /// The application, whose page is a stream that may be stored at its end.
    Streamed,
    /// The application, from what it has stored.
    Application,
    /// The application, which does not store the page.
    Refused,
    /// There is no Cache-Status.
    Unknown,
}

pub(super) fn by(response: &Response) -> By {
    let Some(status) = response.header("cache-status") else {
        return By::Unknown;
    };
    let is = |name: &str, parameter: &str| {
        members(&status)
            .any(|mut items| items.next() == Some(name) && items.any(|item| item == parameter))
    };
    if is("nginx", "hit") {
        By::Nginx
    } else if is("djanginxed", "hit") {
        By::Application
    } else if is("djanginxed", "stored") || is("djanginxed", "collapsed") {
        By::Stored
    } else if is("djanginxed", "fwd=uri-miss") && detail(response).is_none() {
        By::Streamed
    } else if members(&status).any(|mut items| items.next() == Some("djanginxed")) {
        By::Refused
    } else {
        // Another cache's.
        By::Unknown
    }
}

/// Whether an answer came, and from `whose`.
pub(super) fn is_by(answer: &Result<Response, Problem>, whose: By) -> bool {
    answer.as_ref().is_ok_and(|answer| by(answer) == whose)
}

/// Whether the application has rendered the page, and stores it now or at a stream's end.
pub(super) fn is_rendered(answer: &Result<Response, Problem>) -> bool {
    is_by(answer, By::Stored) || is_by(answer, By::Streamed)
}

fn members(status: &str) -> impl Iterator<Item = impl Iterator<Item = &str>> {
    status
        .split(',')
        .map(|member| member.split(';').map(str::trim))
}

/// The application's reason (`detail=`).
pub(super) fn detail(response: &Response) -> Option<String> {
    let status = response.header("cache-status")?;
    members(&status)
        .filter_map(|mut items| (items.next() == Some("djanginxed")).then_some(items))
        .flatten()
        .find_map(|item| item.strip_prefix("detail=").map(str::to_owned))
}

/// Whether the application took no part in its cache (`fwd=bypass`).
pub(super) fn is_bypass(response: &Response) -> bool {
    let status = response.header("cache-status").unwrap_or_default();
    members(&status).any(|mut items| items.any(|item| item == "fwd=bypass"))
}

/// Whether it is a page in place of an error.
pub(super) fn is_stand_in(response: &Response) -> bool {
    let status = response.header("cache-status").unwrap_or_default();
    members(&status).any(|mut items| items.any(|item| item == "detail=stale-if-error"))
}

/// Status and Cache-Status, as a person reads them.
pub(super) fn seen(response: &Response) -> String {
    match response.header("cache-status") {
        Some(status) => format!("status {}, Cache-Status {status}", response.status),
        None => format!("status {}, no Cache-Status", response.status),
    }
}

pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1F, 0x8B])
}

pub(super) fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    GzDecoder::new(bytes)
        .take(64 << 20)
        .read_to_end(&mut plain)
        .ok()?;
    Some(plain)
}

/// Whether it is one of nginx's own error pages.
pub(super) fn is_nginx_error_page(response: &Response) -> bool {
    let body = String::from_utf8_lossy(&response.body);
    let signed = |name| body.contains(&format!("<hr><center>{name}"));
    response.status >= 400 && (signed("nginx") || signed("openresty"))
}
