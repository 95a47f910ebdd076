//! What hits lack under [`Layout::Body`](crate::layout::Layout::Body).

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::personal::mentions;

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

/// Whether a field has a part in it that nginx has not been told to write.
pub(crate) fn has_own_marker(headers: &HeaderMap, declared: &[(HeaderName, HeaderValue)]) -> bool {
    let is_declared = |name: &HeaderName, value: &HeaderValue| {
        declared.iter().any(|(n, v)| n == name && v == value)
    };
    headers
        .iter()
        .any(|(name, value)| mentions(value.as_bytes()) && !is_declared(name, value))
}
