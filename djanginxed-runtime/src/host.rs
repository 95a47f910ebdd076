//! A site's host, as the page cache's settings name it.

use std::fmt;
use std::net::Ipv6Addr;

/// A scheme that a page can be asked for with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    /// Reads a scheme without regard to case (RFC 9110, section 4.2.3).
    pub(crate) fn of(name: &[u8]) -> Option<Scheme> {
        if name.eq_ignore_ascii_case(b"http") {
            Some(Scheme::Http)
        } else if name.eq_ignore_ascii_case(b"https") {
            Some(Scheme::Https)
        } else {
            None
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        })
    }
}

/// A host, and the scheme if it is that one alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    pub(crate) scheme: Option<Scheme>,
    /// Without port and root dot; an IPv6 address in its brackets.
    pub(crate) name: String,
}

impl Host {
    /// Reads `www.example.com`, `[::1]:8080` or `https://www.example.com`.
    pub(crate) fn parse(value: &str) -> Option<Host> {
        let (scheme, host) = match value.split_once("://") {
            Some((scheme, host)) => (Some(Scheme::of(scheme.as_bytes())?), host),
            None => (None, value),
        };
        let name = without_port(host);
        is_name(name).then(|| Host {
            scheme,
            name: name.to_owned(),
        })
    }

    /// Whether `host`, with or without a port, is this one.
    pub(crate) fn is(&self, host: &str) -> bool {
        self.name.eq_ignore_ascii_case(without_port(host))
    }
}

/// Whether `hosts` name `host`, with or without a port, and do not want another scheme.
pub(crate) fn is_allowed(hosts: &[Host], host: &str, scheme: Scheme) -> bool {
    let mut named = hosts.iter().filter(|one| one.is(host));
    named.any(|one| one.scheme.is_none_or(|own| own == scheme))
}

fn is_name(name: &str) -> bool {
    let carried = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    is_ipv6(name) || !name.is_empty() && name.bytes().all(carried)
}

/// Whether `name` is an IPv6 address in its brackets.
pub(crate) fn is_ipv6(name: &str) -> bool {
    let address = name.strip_prefix('[');
    let address = address.and_then(|name| name.strip_suffix(']'));
    address.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

/// The host of `host[:port]`, IPv6 brackets kept, a root dot dropped. What is
/// no number is no port: `ours:@theirs` would lead a page's links elsewhere.
fn without_port(host: &str) -> &str {
    let host = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    host.strip_suffix('.').unwrap_or(host)
}
