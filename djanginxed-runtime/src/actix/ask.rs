//! A request of the application to itself, for a part of a page.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Once;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderName};
use actix_web::web::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::personal::MAX_DEPTH;
use crate::settings::Settings;

/// By whom, how deep and with which nonce a part is asked for: `1 0123…`. nginx's file
/// clears it in what comes from visitors.
pub(super) static PART_FIELD: HeaderName = HeaderName::from_static("djanginxed-part");

/// A part that takes longer is its default text.
const PATIENCE: Duration = Duration::from_secs(5);

/// No part is larger, in bytes with its head.
const MAX_PART: usize = 1 << 20;

/// How a visitor's parts are asked for.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    /// Where the application answers; none where it cannot ask itself, or is not to.
    address: Option<String>,
    head: Vec<u8>,
}

impl Ask {
    /// Nobody: every part is its default text.
    pub(super) fn none() -> Ask {
        Ask {
            address: None,
            head: Vec::new(),
        }
    }

    /// As the visitor himself, with all that his request says of him, and for a part at
    /// `depth` of one: parts of parts have no parts.
    pub(super) fn of(request: &HttpRequest, depth: u8, nonce: &str, settings: &Settings) -> Ask {
        let address = (depth < MAX_DEPTH)
            .then(|| own_address(request).or_else(|| told_address(settings)))
            .flatten();
        let mut head = Vec::new();
        let mut line = |name: &str, value: &[u8]| {
            for piece in [name.as_bytes(), b": ", value, b"\r\n"] {
                head.extend_from_slice(piece);
            }
        };
        if address.is_some() {
            for (name, value) in request.headers().iter().filter(|(name, _)| is_passed(name)) {
                line(name.as_str(), value.as_bytes());
            }
            if !request.headers().contains_key(header::HOST) {
                line("host", request.connection_info().host().as_bytes());
            }
            let asked = format!("{} {nonce}", depth.saturating_add(1));
            line(PART_FIELD.as_str(), asked.as_bytes());
        }
        Ask { address, head }
    }

    /// The body of a 200; none where the application is not to be asked.
    pub(super) fn answer(
        self,
        target: String,
    ) -> Option<impl Future<Output = Option<Bytes>> + 'static> {
        let address = self.address?;
        let mut request = format!("GET {target} HTTP/1.1\r\nconnection: close\r\n").into_bytes();
        request.extend_from_slice(&self.head);
        request.extend_from_slice(b"\r\n");
        Some(async move {
            match timeout(PATIENCE, exchange(&address, &request)).await {
                Ok(Ok(response)) => body_of(response),
                _ => {
                    tracing::debug!(target, "a part was not answered");
                    None
                }
            }
        })
    }
}

/// Where this application listens. Without a peer there is no connection of TCP, and
/// what is told of the socket is made up.
fn own_address(request: &HttpRequest) -> Option<String> {
    let config = request.app_config();
    if request.peer_addr().is_none() || config.secure() {
        return None;
    }
    let mut address = config.local_addr();
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    Some(address.to_string())
}

/// Where it listens besides, as its settings say.
fn told_address(settings: &Settings) -> Option<String> {
    static UNKNOWN: Once = Once::new();
    let Some(care) = &settings.care else {
        UNKNOWN.call_once(|| {
            tracing::warn!(
                "what the application answers itself has the default texts of included parts: it \
                 can ask itself for parts over TCP without TLS alone; where it listens at such \
                 an address, too, say so by .refresh_through(…)"
            );
        });
        return None;
    };
    let port = care.base.port_u16().unwrap_or(80);
    Some(format!("{}:{port}", care.base.host()?))
}

/// Fields of the visitor; not those of a connection, of content, of his copy of the
/// page, or the word of a request of this process to itself.
fn is_passed(name: &HeaderName) -> bool {
    let name = name.as_str();
    !matches!(
        name,
        "accept-encoding"
            | "connection"
            | "djanginxed-part"
            | "djanginxed-refresh"
            | "expect"
            | "http2-settings"
            | "keep-alive"
            | "proxy-authorization"
            | "proxy-connection"
            | "range"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    ) && !["content-", "if-", "sec-websocket-"]
        .iter()
        .any(|start| name.starts_with(start))
}

/// A response that is over when the connection is.
async fn exchange(address: &str, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request).await?;
    let mut response = Vec::new();
    let limit = u64::try_from(MAX_PART + 1).unwrap_or(u64::MAX);
    stream.take(limit).read_to_end(&mut response).await?;
    Ok(response)
}

fn body_of(response: Vec<u8>) -> Option<Bytes> {
    if response.len() > MAX_PART {
        return None;
    }
    let mut lines = [httparse::EMPTY_HEADER; 128];
    let mut head = httparse::Response::new(&mut lines);
    let httparse::Status::Complete(length) = head.parse(&response).ok()? else {
        return None;
    };
    if head.code != Some(200) {
        return None;
    }
    let field = |name: &str| {
        let mut fields = head.headers.iter();
        let found = fields.find(|line| line.name.eq_ignore_ascii_case(name));
        found.map(|line| line.value.trim_ascii())
    };
    if field("transfer-encoding").is_some() {
        return unchunked(&response[length..]);
    }
    if let Some(announced) = field("content-length") {
        let announced: usize = str::from_utf8(announced).ok()?.parse().ok()?;
        if announced != response.len() - length {
            return None;
        }
    }
    Some(Bytes::from(response).slice(length..))
}

/// The body of which these are the chunks (RFC 9112, section 7.1); none where it has no end.
fn unchunked(chunks: &[u8]) -> Option<Bytes> {
    let mut body = Vec::with_capacity(chunks.len());
    let mut rest = chunks;
    loop {
        let httparse::Status::Complete((start, size)) = httparse::parse_chunk_size(rest).ok()?
        else {
            return None;
        };
        let size = usize::try_from(size).ok()?;
        if size == 0 {
            return Some(body.into());
        }
        let end = start.checked_add(size)?;
        body.extend_from_slice(rest.get(start..end)?);
        rest = rest.get(end..)?.strip_prefix(b"\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(response: &str) -> Option<Bytes> {
        body_of(response.as_bytes().to_vec())
    }

    #[test]
    fn a_part_is_the_whole_body_of_a_200() {
        let whole = Some(Bytes::from("ab"));
        assert_eq!(
            body("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab"),
            whole
        );
        assert_eq!(body("HTTP/1.1 200 OK\r\n\r\nab"), whole);
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n";
        assert_eq!(body(&format!("{chunked}0\r\n\r\n")), whole);
        for broken in [
            chunked.to_owned(),
            format!("{chunked}ffffffffffffffff\r\n"),
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab".to_owned(),
            "HTTP/1.1 404 No\r\ncontent-length: 2\r\n\r\nab".to_owned(),
            "HTTP/1.1 200 OK\r\ncontent-".to_owned(),
            String::new(),
        ] {
            assert_eq!(body(&broken), None, "{broken}");
        }
        let large = format!("HTTP/1.1 200 OK\r\n\r\n{}", "a".repeat(MAX_PART));
        assert_eq!(body(&large), None);
    }
}
