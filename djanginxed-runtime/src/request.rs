//! Step 1: may this request take part at all?

use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::http::{Method, Uri};

use crate::host::{self, Host, Scheme};
use crate::reason::Bypass;
use crate::settings::Settings;

/// How a request takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A GET: looks up, may lead or follow other requests, may store.
    Full,
    /// A GET with Range or a condition: looks up and may store, but leads
    /// nobody, since its answer may be a part of the page or a 304.
    Alone,
    /// Of the application to itself: renders the page anew, and stores it.
    Refresh,
    /// A HEAD: looks up, never stores.
    LookupOnly,
    /// Neither looked up, nor coalesced, nor stored.
    Bypass(Bypass),
}

/// By this header nginx's file says of a request that its page is neither looked
/// up there nor, therefore, of any use in a store.
static PROXY_BYPASS: HeaderName = HeaderName::from_static("djanginxed-bypass");

// A name that is given as text is parsed each time.
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What the decision needs to know of a request.
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
    /// Whether content comes with it, whatever announces that.
    pub(crate) has_content: bool,
}

/// Host and scheme as actix's `connection_info` has them, which believes
/// forwarding headers.
pub(crate) struct Connection {
    pub(crate) host: String,
    pub(crate) scheme: String,
}

impl<'a> Asked<'a> {
    /// Path and query as the client sent them: nginx's `$request_uri`.
    ///
    /// Never `uri` itself, which carries the host of an absolute-form target.
    pub(crate) fn target(&self) -> &'a str {
        self.uri
            .path_and_query()
            .map_or("", |target| target.as_str())
    }
}

/// Decides how a request takes part. `connection` is asked for only where it
/// matters, since working it out is not free.
pub(crate) fn part(
    asked: &Asked<'_>,
    settings: &Settings,
    connection: impl FnOnce() -> Connection,
) -> Part {
    if !settings.enabled {
        return Part::Bypass(Bypass::Disabled);
    }
    if asked.method != Method::GET && asked.method != Method::HEAD {
        return Part::Bypass(Bypass::Method);
    }
    if let Some(bypass) = bypass(asked, settings, connection) {
        return Part::Bypass(bypass);
    }
    if asked.method == Method::HEAD {
        Part::LookupOnly
    } else if wants_part_or_condition(asked.headers) {
        Part::Alone
    } else {
        Part::Full
    }
}

fn bypass(
    asked: &Asked<'_>,
    settings: &Settings,
    connection: impl FnOnce() -> Connection,
) -> Option<Bypass> {
    let headers = asked.headers;
    if headers.contains_key(header::AUTHORIZATION) {
        Some(Bypass::Authorization)
    } else if has_cookie(headers, &settings.bypass_cookies) {
        Some(Bypass::Cookie)
    } else if settings
        .bypass_headers
        .iter()
        .any(|name| headers.contains_key(name))
    {
        Some(Bypass::Header)
    } else if let Some(elsewhere) = origin_bypass(asked, &settings.hosts, connection) {
        Some(elsewhere)
    } else if headers.contains_key(header::UPGRADE) {
        Some(Bypass::Upgrade)
    } else if asked.has_content || announces_content(headers) {
        Some(Bypass::Content)
    } else if headers.contains_key(&PROXY_BYPASS) {
        // The last of those that nginx knows, so that the true cause is named.
        Some(Bypass::Proxy)
    } else if !asked.target().starts_with('/') {
        Some(Bypass::Target)
    } else {
        None
    }
}

/// Whether a cookie has one of `names`. Names are compared as loosely as any
/// reader of cookies might: without case, white space and percent-encoding,
/// so that no handler sees a cookie that was overlooked here.
fn has_cookie(headers: &HeaderMap, names: &[String]) -> bool {
    if names.is_empty() {
        return false;
    }
    sent_names(headers).any(|sent| {
        let sent = percent_decoded(sent);
        // Readers of cookies trim what Unicode takes for white space, too.
        let sent = String::from_utf8_lossy(&sent);
        names
            .iter()
            .any(|name| sent.trim().eq_ignore_ascii_case(name))
    })
}

/// The names of the cookies that came with a request, as they were sent.
pub(crate) fn cookie_names(headers: &HeaderMap) -> Vec<String> {
    sent_names(headers)
        .map(|name| String::from_utf8_lossy(name).trim().to_owned())
        .collect()
}

fn sent_names(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers
        .get_all(header::COOKIE)
        .flat_map(|line| line.as_bytes().split(|&byte| byte == b';' || byte == b','))
        .map(|pair| pair.split(|&byte| byte == b'=').next().unwrap_or(pair))
}

fn percent_decoded(name: &[u8]) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let mut decoded = Vec::with_capacity(name.len());
    let mut rest = name;
    while let [first, tail @ ..] = rest {
        if let (b'%', [high, low, after @ ..]) = (first, tail)
            && let (Some(high), Some(low)) = (digit(high), digit(low))
        {
            decoded.push((high * 16 + low) as u8);
            rest = after;
        } else {
            decoded.push(*first);
            rest = tail;
        }
    }
    decoded
}

/// Whether the request is for another site than this one: what a page writes
/// into its own links must not be a stranger's choice.
fn origin_bypass(
    asked: &Asked<'_>,
    hosts: &[Host],
    connection: impl FnOnce() -> Connection,
) -> Option<Bypass> {
    if !schemes_are_known(asked) {
        return Some(Bypass::Scheme);
    }
    // Userinfo in a target has no meaning here, and would stand in the page's own URL.
    let authority = asked.uri.authority();
    if authority.is_some_and(|authority| authority.as_str().contains('@')) {
        return Some(Bypass::Host);
    }
    if hosts.is_empty() && !asked.headers.contains_key(header::FORWARDED) {
        return None;
    }
    let connection = connection();
    let Some(scheme) = Scheme::of(connection.scheme.as_bytes()) else {
        return Some(Bypass::Scheme);
    };
    if hosts.is_empty() {
        return None;
    }
    let ours = |host: &str| hosts.iter().any(|one| one.is(host));
    let mut lines = asked.headers.get_all(header::HOST).peekable();
    let unnamed = lines.peek().is_none() && asked.uri.host().is_none();
    if unnamed
        || lines.any(|line| !line.to_str().is_ok_and(ours))
        || asked.uri.host().is_some_and(|host| !ours(host))
        || !ours(&connection.host)
    {
        return Some(Bypass::Host);
    }
    (!host::is_allowed(hosts, &connection.host, scheme)).then_some(Bypass::Scheme)
}

/// Whether a path is spelt as browsers spell it: encoded is only what has to be, in
/// upper-case digits. actix finds a route by the decoded path, whoever compares the
/// path as sent does not (`/%65dit`).
pub(crate) fn is_plainly_spelt(path: &str) -> bool {
    path.match_indices('%').all(|(at, _)| {
        let Some(digits) = path.get(at + 1..at + 3) else {
            return false;
        };
        let is_upper = |digit: u8| digit.is_ascii_digit() || (b'A'..=b'F').contains(&digit);
        let byte = u8::from_str_radix(digits, 16).unwrap_or(b'a');
        digits.bytes().all(is_upper) && !(byte.is_ascii_alphanumeric() || PLAIN.contains(&byte))
    })
}

/// What stands in a path as it is, beside letters and digits (RFC 3986, section 3.3).
const PLAIN: &[u8] = b"-._~!$&'()*+,;=:@/";

/// Whether each scheme that the request names by itself is http or https.
fn schemes_are_known(asked: &Asked<'_>) -> bool {
    let target = asked.uri.scheme_str();
    let forwarded = asked.headers.get_all(&FORWARDED_PROTO);
    let mut forwarded = forwarded.flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
    target.is_none_or(|scheme| Scheme::of(scheme.as_bytes()).is_some())
        && forwarded.all(|scheme| Scheme::of(scheme.trim_ascii()).is_some())
}

fn announces_content(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TRANSFER_ENCODING)
        || headers
            .get_all(header::CONTENT_LENGTH)
            .any(|length| length.as_bytes() != b"0")
}

fn wants_part_or_condition(headers: &HeaderMap) -> bool {
    const CONDITIONS: [HeaderName; 6] = [
        header::RANGE,
        header::IF_RANGE,
        header::IF_NONE_MATCH,
        header::IF_MODIFIED_SINCE,
        header::IF_MATCH,
        header::IF_UNMODIFIED_SINCE,
    ];
    CONDITIONS.iter().any(|name| headers.contains_key(name))
}

/// Whether Accept-Encoding allows gzip (RFC 9110, section 12.5.3).
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let mut any = None;
    let lines = headers.get_all(header::ACCEPT_ENCODING);
    let codings = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    for coding in codings {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let accepted = is_positive(weight);
        match name.trim() {
            name if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => {
                return accepted;
            }
            "*" => any = Some(accepted),
            _ => {}
        }
    }
    any.unwrap_or(false)
}

/// Whether a weight is absent or above zero. What cannot be read is not: every
/// client can take a page that is not packed.
fn is_positive(weight: &str) -> bool {
    let weight = weight.trim();
    let value = weight.strip_prefix("q=").or(weight.strip_prefix("Q="));
    weight.is_empty() || value.is_some_and(|value| value.parse().is_ok_and(|q: f32| q > 0.0))
}

#[cfg(test)]
mod tests;
