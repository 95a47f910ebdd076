//! The head of a whole response: status and end-to-end fields.

use std::fmt::Write;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Bytes;

use crate::settings::check::checked_status;

/// No head that is stored has more fields, or bytes.
const MAX_FIELDS: usize = 128;
const MAX_BYTES: usize = 64 << 10;

/// By this field srcache lets nginx answer Range; no visitor gets it. Of a packed body
/// the entity tag is weak, and parts are of the body that the tag stands for.
const RANGES: &str = "x-srcache-allow-ranges";

const CACHE_STATUS: &str = "cache-status";

/// What nginx's file adds to hits (RFC 9211).
pub(crate) const NGINX_HIT: &str = "nginx; hit";

/// What it adds to copies that stand in for errors.
pub(crate) const NGINX_COPY: &str = "nginx; fwd=stale; detail=stale-if-error";

/// The statuses to which nginx's `add_header` adds.
const OF_ADD_HEADER: [u16; 10] = [200, 201, 204, 206, 301, 302, 303, 304, 307, 308];

/// What a stored response says before its body. Its coding is not among the
/// fields: an entry may be packed, and unpacked, after the head was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    status: StatusCode,
    fields: Vec<(HeaderName, HeaderValue)>,
}

impl Head {
    /// The head to store of a response; `None` where it is larger than any reader
    /// takes.
    pub(crate) fn new(
        status: StatusCode,
        fields: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    ) -> Option<Head> {
        let fields: Vec<_> = fields.into_iter().collect();
        let head = Head { status, fields };
        // Two more, should the body be packed, and one, should it be an error.
        (head.fields.len() + 3 <= MAX_FIELDS && head.len() + 100 <= MAX_BYTES).then_some(head)
    }

    /// The end-to-end fields of a response, in their order, without those that nginx
    /// or the writer sets.
    pub(crate) fn end_to_end(
        headers: &HeaderMap,
    ) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        let named: Vec<HeaderName> = headers
            .get_all(header::CONNECTION)
            .flat_map(|line| line.as_bytes().split(|&byte| byte == b','))
            .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
            .collect();
        headers
            .iter()
            .filter(move |(name, _)| !is_never_stored(name) && !named.contains(name))
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn fields(&self) -> &[(HeaderName, HeaderValue)] {
        &self.fields
    }

    pub(crate) fn get(&self, name: &HeaderName) -> Option<&HeaderValue> {
        let mut fields = self.fields.iter();
        fields
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// About how many bytes it takes, stored or in memory.
    pub(crate) fn len(&self) -> usize {
        let field =
            |(name, value): &(HeaderName, HeaderValue)| name.as_str().len() + value.len() + 4;
        32 + self.fields.iter().map(field).sum::<usize>()
    }

    /// As nginx reads it: status line, fields, empty line. A packed body makes a
    /// strong ETag weak, as nginx does itself when it packs. An error says itself what
    /// nginx's file adds to other responses: were it to add that to errors, nginx's own
    /// would say it, too.
    pub(super) fn written(&self, is_gzip: bool, has_ranges: bool, said: Option<&str>) -> Bytes {
        let mut head = String::with_capacity(self.len() + 64);
        let reason = self.status.canonical_reason().unwrap_or("-");
        let _ = write!(head, "HTTP/1.1 {} {reason}\r\n", self.status.as_u16());
        let mut head = head.into_bytes();
        for (name, value) in &self.fields {
            let is_strong = is_gzip && name == header::ETAG && !value.as_bytes().starts_with(b"W/");
            let weakened: &[u8] = if is_strong { b"W/" } else { b"" };
            let line = [
                name.as_str().as_bytes(),
                b": ",
                weakened,
                value.as_bytes(),
                b"\r\n",
            ];
            line.iter().for_each(|part| head.extend_from_slice(part));
        }
        if is_gzip {
            head.extend_from_slice(b"content-encoding: gzip\r\n");
            if !self.varies_by_encoding() {
                head.extend_from_slice(b"vary: Accept-Encoding\r\n");
            }
        } else if has_ranges && self.status == StatusCode::OK {
            head.extend_from_slice(RANGES.as_bytes());
            head.extend_from_slice(b": 1\r\n");
        }
        if let Some(said) = said.filter(|_| self.is_error()) {
            let line = [CACHE_STATUS, ": ", said, "\r\n"];
            head.extend(line.iter().flat_map(|part| part.bytes()));
        }
        head.extend_from_slice(b"\r\n");
        head.into()
    }

    /// Whether nginx's `add_header` adds nothing to it.
    pub(super) fn is_error(&self) -> bool {
        !OF_ADD_HEADER.contains(&self.status.as_u16())
    }

    /// Whether Vary names Accept-Encoding already.
    pub(crate) fn varies_by_encoding(&self) -> bool {
        let vary = self.fields.iter().filter(|(name, _)| name == header::VARY);
        vary.flat_map(|(_, value)| value.as_bytes().split(|&byte| byte == b','))
            .any(|name| name.trim_ascii().eq_ignore_ascii_case(b"accept-encoding"))
    }

    /// Reads a head: untrusted, so `None` for all that no writer would have put there.
    /// Whether the body is packed, and where it begins.
    pub(super) fn read(bytes: &[u8]) -> Option<(Head, bool, usize)> {
        let mut lines = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut response = httparse::Response::new(&mut lines);
        let bounded = &bytes[..bytes.len().min(MAX_BYTES)];
        let httparse::Status::Complete(length) = response.parse(bounded).ok()? else {
            return None;
        };
        // actix would send a body behind 100 or 204 all the same, and whoever reads the
        // connection would take it for the answer to the next request.
        let status = checked_status(response.code?).ok()?;
        if is_alone(status) && bytes.len() > length {
            return None;
        }
        let mut head = Head {
            status,
            fields: Vec::with_capacity(response.headers.len()),
        };
        let mut is_gzip = false;
        for line in response.headers.iter() {
            let name = HeaderName::from_bytes(line.name.as_bytes()).ok()?;
            let value = HeaderValue::from_bytes(line.value).ok()?;
            if name == header::CONTENT_ENCODING {
                is_gzip = value == "gzip";
                if !is_gzip {
                    return None;
                }
            } else if name == RANGES || name == CACHE_STATUS {
                // Of the entry, not of the response.
            } else if is_never_stored(&name) {
                return None;
            } else {
                head.fields.push((name, value));
            }
        }
        Some((head, is_gzip, length))
    }
}

/// Whether no body follows (RFC 9110, sections 15.3.5 and 15.3.6).
fn is_alone(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT)
}

/// Fields of one connection or one answer, those that nginx sets or obeys, and those whose
/// meaning is spent when the response is stored (RFC 9110, section 7.6.1; RFC 9111,
/// sections 3.1 and 4; RFC 9213).
fn is_never_stored(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "age"
            | "cache-status"
            | "cdn-cache-control"
            | "connection"
            | "content-encoding"
            | "content-length"
            | "date"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authentication-info"
            | "proxy-authorization"
            | "proxy-connection"
            | "set-cookie"
            | "set-cookie2"
            | "surrogate-control"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    ) || name.as_str().starts_with("x-accel-")
        || name.as_str().starts_with("x-srcache-")
}

#[cfg(test)]
mod tests;
