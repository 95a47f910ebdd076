//! What became of a page, as its Cache-Status (RFC 9211) tells.

use crate::http::{Member, Response};

/// What became of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The application has stored it now.
    Stored,
    /// It was answered from the cache.
    AlreadyThere,
    /// The application answered, and does not store the page.
    Refused(String),
    /// It leads to another address, which is not asked for.
    Redirect(u16, String),
    /// A stream, whose outcome is not known when its head goes out.
    Open,
    /// No page.
    Failed(String),
}

pub(super) fn outcome(response: &Response) -> Outcome {
    let members = response.cache_status();
    let has = |parameter: &str| members.iter().any(|member| member.has(parameter));
    let detail = members.iter().find_map(Member::detail);
    // A page may be a redirect or an error (`.statuses`).
    match response.status {
        _ if has("hit") => Outcome::AlreadyThere,
        _ if has("stored") || has("collapsed") => Outcome::Stored,
        200 if detail.is_some() => Outcome::Refused(detail.unwrap_or_default().to_owned()),
        200 if has("fwd=uri-miss") => Outcome::Open,
        200 if !members.is_empty() => Outcome::Refused("bypass".to_owned()),
        200 => Outcome::Refused("no Cache-Status: not a cached page".to_owned()),
        300..=399 => Outcome::Redirect(
            response.status,
            response.header("location").unwrap_or_default(),
        ),
        status => Outcome::Failed(format!("status {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, cache_status: &str) -> Outcome {
        let mut headers = hyper::header::HeaderMap::new();
        if !cache_status.is_empty() {
            headers.insert("cache-status", cache_status.parse().unwrap());
        }
        let body = hyper::body::Bytes::new();
        outcome(&Response {
            status,
            headers,
            body,
        })
    }

    #[test]
    fn cache_status_tells_what_became_of_a_page() {
        let refused = |reason: &str| Outcome::Refused(reason.to_owned());
        assert_eq!(of(200, "nginx; hit"), Outcome::AlreadyThere);
        assert_eq!(of(200, "djanginxed; hit"), Outcome::AlreadyThere);
        assert_eq!(of(200, "djanginxed; fwd=uri-miss; stored"), Outcome::Stored);
        assert_eq!(
            of(200, "djanginxed; fwd=uri-miss; collapsed"),
            Outcome::Stored
        );
        assert_eq!(of(200, "djanginxed; fwd=uri-miss"), Outcome::Open);
        let reason = "djanginxed; fwd=uri-miss; detail=set-cookie";
        assert_eq!(of(200, reason), refused("set-cookie"));
        assert_eq!(
            of(200, "djanginxed; fwd=bypass; detail=cookie"),
            refused("cookie")
        );
        assert_eq!(of(200, "djanginxed; fwd=method"), refused("bypass"));
        assert_eq!(of(301, ""), Outcome::Redirect(301, String::new()));
        assert!(matches!(of(200, ""), Outcome::Refused(_)));
        assert_eq!(of(502, ""), Outcome::Failed("status 502".to_owned()));
        assert_eq!(of(404, "nginx; hit"), Outcome::AlreadyThere);
        assert_eq!(of(301, "djanginxed; fwd=uri-miss; stored"), Outcome::Stored);
        let missing = "djanginxed; fwd=uri-miss; detail=status";
        assert_eq!(of(404, missing), Outcome::Failed("status 404".to_owned()));
    }
}
