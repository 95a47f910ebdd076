//! A URL, whose request target stays byte for byte as written.

use crate::failure::Failure;

/// An `http` or `https` URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) origin: Origin,
    /// Path and query as a client sends them.
    pub(crate) target: String,
}

/// Scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub(crate) tls: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Url {
    pub(crate) fn parse(text: &str) -> Result<Url, Failure> {
        let wrong = |problem| Failure::Usage(format!("URL {text:?}: {problem}"));
        let (tls, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            _ => return Err(wrong("it begins with neither http:// nor https://")),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (host, port) = host_and_port(authority, tls).map_err(wrong)?;
        let host = as_asked_for(&host).map_err(wrong)?;
        Ok(Url {
            origin: Origin { tls, host, port },
            target: encoded(&request_target(target)).map_err(wrong)?,
        })
    }

    /// What `text` means where this URL is the one that it stands at (RFC 3986,
    /// section 5.2): a URL, or one without its beginning.
    pub(crate) fn join(&self, text: &str) -> Result<Url, Failure> {
        if text.contains("://") {
            return Url::parse(text);
        }
        let scheme = self.origin.scheme();
        let host = self.origin.host_header();
        let path = path_of(&self.target);
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let whole = match text {
            text if text.starts_with("//") => format!("{scheme}:{text}"),
            text if text.starts_with('/') => format!("{scheme}://{host}{text}"),
            text if text.starts_with('?') => format!("{scheme}://{host}{path}{text}"),
            text => format!("{scheme}://{host}{}", plain(&format!("{folder}/{text}"))),
        };
        Url::parse(&whole)
    }
}

impl Origin {
    pub(crate) fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// Where it listens, `host:port`.
    pub(crate) fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// As in the Host header: without the scheme's own port.
    pub(crate) fn host_header(&self) -> String {
        match (self.tls, self.port) {
            (false, 80) | (true, 443) => self.host.clone(),
            _ => self.address(),
        }
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Url { origin, target } = self;
        write!(f, "{}://{}{target}", origin.scheme(), origin.host_header())
    }
}

/// The path of `target`, and its query with the `?`, where it has one.
pub(crate) fn path_and_query(target: &str) -> (&str, &str) {
    target.split_at(target.find('?').unwrap_or(target.len()))
}

pub(crate) fn path_of(target: &str) -> &str {
    path_and_query(target).0
}

/// `target` with what no client sends as it is, or the application refuses as it is,
/// percent-encoded as browsers do. All else stays as written: it may be a name of its own.
pub(crate) fn encoded(target: &str) -> Result<String, &'static str> {
    let mut encoded = String::with_capacity(target.len());
    let mut in_query = false;
    for c in target.chars() {
        in_query |= c == '?';
        // actix answers these with 400.
        let is_refused = matches!((c, in_query), ('<' | '>', _) | ('"', true) | ('`', false));
        match c {
            c if c.is_ascii_control() => {
                return Err("it has a control character, which nginx refuses: percent-encode it");
            }
            c if c.is_ascii() && c != ' ' && !is_refused => encoded.push(c),
            c => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    encoded.push_str(&format!("%{byte:02X}"));
                }
            }
        }
    }
    Ok(encoded)
}

/// `text` without its percent-encodings, as nginx's `$uri` has a path.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| byte == b'%');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(encoded) => {
                bytes.push(encoded);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `path` without its `.` and `..`, which are for who resolves it.
fn plain(path: &str) -> String {
    let (path, query) = path_and_query(path);
    let mut parts: Vec<&str> = Vec::new();
    let all: Vec<&str> = path.split('/').collect();
    for (at, part) in all.iter().enumerate() {
        let last = at + 1 == all.len();
        match *part {
            "." | ".." => {
                if *part == ".." && parts.len() > 1 {
                    parts.pop();
                }
                if last {
                    parts.push("");
                }
            }
            part => parts.push(part),
        }
    }
    format!("{}{query}", parts.join("/"))
}

/// A name with é as the resolver knows it.
fn as_asked_for(host: &str) -> Result<String, &'static str> {
    if host.is_ascii() {
        return Ok(host.to_owned());
    }
    idna::domain_to_ascii(host).map_err(|_| "its host cannot be a name")
}

fn host_and_port(authority: &str, tls: bool) -> Result<(String, u16), &'static str> {
    if authority.contains('@') {
        return Err("pages for a user are not cached; leave out the user");
    }
    // The colons of an IPv6 address stand before its bracket.
    let after_host = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let (host, port) = match authority[after_host..].find(':') {
        Some(colon) => authority.split_at(after_host + colon),
        None => (authority, ""),
    };
    if host.is_empty() {
        return Err("it names no host");
    }
    let port = match port.strip_prefix(':') {
        None if tls => 443,
        None => 80,
        Some(port) => port
            .parse()
            .map_err(|_| "its port is not a number up to 65535")?,
    };
    Ok((host.to_owned(), port))
}

/// Clients keep the fragment to themselves and send `/` for no path.
fn request_target(text: &str) -> String {
    let text = text.split('#').next().unwrap_or_default();
    if text.starts_with('/') {
        text.to_owned()
    } else {
        format!("/{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> String {
        Url::parse(url).unwrap().target
    }

    #[test]
    fn the_target_stays_as_written() {
        assert_eq!(
            target("http://h/a%2Fb/../c?x=a|b{1}&y"),
            "/a%2Fb/../c?x=a|b{1}&y"
        );
        assert_eq!(target("http://h//a?"), "//a?");
        assert_eq!(target("https://h"), "/");
        assert_eq!(target("http://h?q=http://i/"), "/?q=http://i/");
        assert_eq!(target("http://h/a#frag"), "/a");
    }

    #[test]
    fn what_no_client_sends_is_encoded_as_browsers_do() {
        assert_eq!(
            target("http://h/caf\u{e9} 1?q=\u{e9}"),
            "/caf%C3%A9%201?q=%C3%A9"
        );
        assert_eq!(target("http://h/\"<`?\"<>`"), "/\"%3C%60?%22%3C%3E`");
        let host = Url::parse("http://caf\u{e9}.example/").unwrap().origin.host;
        assert_eq!(host, "xn--caf-dma.example");
        assert!(encoded("/a\u{7}").is_err());
    }

    #[test]
    fn an_address_is_completed_by_where_it_stands() {
        let base = Url::parse("https://h:81/maps/a.xml?x").unwrap();
        for (text, whole) in [
            ("http://i/b", "http://i/b"),
            ("//i/b", "https://i/b"),
            ("/b", "https://h:81/b"),
            ("b?y", "https://h:81/maps/b?y"),
            ("../b/./c/", "https://h:81/b/c/"),
            ("../../..", "https://h:81/"),
            ("?y", "https://h:81/maps/a.xml?y"),
        ] {
            assert_eq!(base.join(text).unwrap().to_string(), whole, "{text}");
        }
    }

    #[test]
    fn host_and_port_are_found() {
        let origin = |url| {
            let origin = Url::parse(url).unwrap().origin;
            (origin.host, origin.port)
        };
        assert_eq!(origin("http://h:81/a:1"), ("h".to_owned(), 81));
        assert_eq!(origin("https://h/"), ("h".to_owned(), 443));
        assert_eq!(origin("HTTP://[::1]:81/"), ("[::1]".to_owned(), 81));
        assert_eq!(origin("http://[::1]/"), ("[::1]".to_owned(), 80));
    }

    #[test]
    fn what_is_no_url_is_refused_by_name() {
        for text in ["ftp://h/", "h/a", "http:///a", "http://h:x/", "http://u@h/"] {
            let error = Url::parse(text).unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        }
    }
}
