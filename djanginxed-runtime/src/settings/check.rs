//! What each setting may be.

use actix_web::http::StatusCode;
use actix_web::http::Uri;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::uri::Scheme;
use djanginxed_rules::{is_cookie_name, is_key_prefix, is_parameter_name};

use crate::config_error::ConfigError;
use crate::host::Host;

pub(crate) fn check_key_prefix(prefix: &str) -> Result<(), ConfigError> {
    if is_key_prefix(prefix) {
        Ok(())
    } else {
        Err(ConfigError::KeyPrefix(prefix.to_owned()))
    }
}

pub(crate) fn check_cookie(name: &str) -> Result<(), ConfigError> {
    if is_cookie_name(name) {
        Ok(())
    } else {
        Err(ConfigError::Cookie(name.to_owned()))
    }
}

pub(crate) fn check_parameter(name: &str) -> Result<(), ConfigError> {
    if is_parameter_name(name) {
        Ok(())
    } else {
        Err(ConfigError::Query(name.to_owned()))
    }
}

pub(crate) fn header_name(name: &str) -> Result<HeaderName, ConfigError> {
    // nginx knows a header by a variable, whose name has only these.
    let carried = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let refuse = || header_error(name, "its name is not one of A-Z a-z 0-9 -");
    if !name.bytes().all(carried) {
        return Err(refuse());
    }
    // By these nginx and the application tell each other something.
    if name.to_ascii_lowercase().starts_with("djanginxed-") {
        let problem = "fields that begin with Djanginxed- are this cache's own";
        return Err(header_error(name, problem));
    }
    name.parse().map_err(|_| refuse())
}

pub(crate) fn constant_header(
    name: &str,
    value: &str,
) -> Result<(HeaderName, HeaderValue), ConfigError> {
    /// What nginx, actix or this cache writes by itself.
    const OWN: [&str; 10] = [
        "cache-status",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "server",
        "set-cookie",
        "transfer-encoding",
        "vary",
    ];
    let parsed = header_name(name)?;
    if OWN.contains(&parsed.as_str()) {
        return Err(header_error(name, "it cannot be a constant of every page"));
    }
    if !value.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        || value.trim() != value
        || value.is_empty()
    {
        return Err(header_error(name, "its value is not visible ASCII"));
    }
    let value = value
        .parse()
        .map_err(|_| header_error(name, "its value is not visible ASCII"))?;
    Ok((parsed, value))
}

pub(crate) fn header_error(name: &str, problem: &'static str) -> ConfigError {
    ConfigError::Header {
        name: name.to_owned(),
        problem,
    }
}

pub(crate) fn checked_host(host: &str) -> Result<Host, ConfigError> {
    Host::parse(host).ok_or_else(|| ConfigError::Host(host.to_owned()))
}

/// Where an application answers itself: a host, and nothing behind it.
pub(crate) fn refresh_base(address: &str) -> Result<Uri, ConfigError> {
    let refuse = || ConfigError::RefreshThrough(address.to_owned());
    let uri: Uri = address.parse().map_err(|_| refuse())?;
    let is_plain = uri.scheme() == Some(&Scheme::HTTP)
        && uri.host().is_some_and(|host| !host.is_empty())
        && uri
            .authority()
            .is_some_and(|host| !host.as_str().contains('@'))
        && uri.path_and_query().is_none_or(|target| target == "/");
    if is_plain { Ok(uri) } else { Err(refuse()) }
}

/// A share of the workers that a server has by default.
pub(crate) fn half_of_the_processors() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, |count| count.get());
    (processors / 2).max(1)
}

/// A final status whose response is whole: not 206, nor one that speaks of a copy that
/// only this client has, or of this client (RFC 9110, section 15).
pub(crate) fn checked_status(status: u16) -> Result<StatusCode, ConfigError> {
    const OF_ONE_CLIENT: [u16; 8] = [206, 304, 401, 407, 412, 416, 417, 429];
    let whole = (200..600).contains(&status) && !OF_ONE_CLIENT.contains(&status);
    let parsed = StatusCode::from_u16(status).ok().filter(|_| whole);
    parsed.ok_or(ConfigError::Status(status))
}
