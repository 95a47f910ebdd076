//! Who gave an answer, and what it holds.

use crate::gzip;
use crate::http::{Member, Problem, Response};

pub(super) type Answer = Result<Response, Problem>;

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
    let members = response.cache_status();
    let is = |cache: &str, parameter: &str| {
        let mut own = members.iter().filter(|member| member.cache == cache);
        own.any(|member| member.has(parameter))
    };
    if is("nginx", "hit") {
        By::Nginx
    } else if is("djanginxed", "hit") {
        By::Application
    } else if is("djanginxed", "stored") || is("djanginxed", "collapsed") {
        By::Stored
    } else if is("djanginxed", "fwd=uri-miss") && detail(response).is_none() {
        By::Streamed
    } else if members.iter().any(|member| member.cache == "djanginxed") {
        By::Refused
    } else {
        // Nobody's, or another cache's.
        By::Unknown
    }
}

/// Whether an answer came, and from `whose`.
pub(super) fn is_by(answer: &Answer, whose: By) -> bool {
    answer.as_ref().is_ok_and(|answer| by(answer) == whose)
}

/// Whether nginx may have given it: who says nothing may be nginx.
pub(super) fn may_be_nginx(answer: &Answer) -> bool {
    is_by(answer, By::Nginx) || is_by(answer, By::Unknown)
}

/// Whether the application has rendered the page, and stores it now or at a stream's end.
pub(super) fn is_rendered(answer: &Answer) -> bool {
    is_by(answer, By::Stored) || is_by(answer, By::Streamed)
}

/// The application's reason (`detail=`).
pub(super) fn detail(response: &Response) -> Option<String> {
    let members = response.cache_status();
    let mut own = members.iter().filter(|member| member.cache == "djanginxed");
    own.find_map(Member::detail).map(str::to_owned)
}

/// Whether the application took no part in its cache.
pub(super) fn is_bypass(response: &Response) -> bool {
    has(response, "fwd=bypass")
}

/// Whether it is a page in place of an error.
pub(super) fn is_stand_in(response: &Response) -> bool {
    has(response, "detail=stale-if-error")
}

/// Whether a cache on the way says so.
fn has(response: &Response, parameter: &str) -> bool {
    let members = response.cache_status();
    members.iter().any(|member| member.has(parameter))
}

/// Status and Cache-Status, as a person reads them.
pub(super) fn seen(response: &Response) -> String {
    match response.header("cache-status") {
        Some(status) => format!("status {}, Cache-Status {status}", response.status),
        None => format!("status {}, no Cache-Status", response.status),
    }
}

/// The same, or why there is no answer.
pub(super) fn said(answer: &Answer) -> String {
    match answer {
        Ok(response) => seen(response),
        Err(problem) => problem.to_string(),
    }
}

pub(super) fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    match gzip::unpacked(bytes, 64 << 20) {
        (plain, None) => Some(plain),
        (_, Some(_)) => None,
    }
}

/// Whether it is one of nginx's own error pages.
pub(super) fn is_nginx_error_page(response: &Response) -> bool {
    let body = String::from_utf8_lossy(&response.body);
    let signed = |name| body.contains(&format!("<hr><center>{name}"));
    response.status >= 400 && (signed("nginx") || signed("openresty"))
}
