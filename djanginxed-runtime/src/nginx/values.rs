//! Checks of everything that goes into nginx's file: where it is written
//! unquoted, only what needs no quotes is taken.

use djanginxed_rules::{is_cookie_name, is_key_prefix, is_media_type};

use super::error::{Error, refuse};
use super::text::quoted;
use crate::host::is_ipv6;

/// nginx reads no parameter of 4,096 bytes or more. What is written in one with
/// others, or in quotes, stays well below.
pub(super) const MAX_PARAMETER: usize = 3_500;

/// A host name for `server_name` and for the Host header, as nginx compares it:
/// in lower case, and without the root's dot.
pub(super) fn host_name(setting: &'static str, value: &str) -> Result<String, Error> {
    let refuse = |problem| Err(refuse(setting, value, problem));
    if value.contains('*') || value.starts_with('.') || value.starts_with('~') {
        return refuse(
            "a pattern would put every host that matches it under the same keys; name each host",
        );
    }
    if is_ipv6(value) {
        return Ok(value.to_ascii_lowercase());
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if !value.bytes().all(plain) || !value.bytes().any(|byte| byte.is_ascii_alphanumeric()) {
        return refuse("write a host name of A-Z a-z 0-9 . _ -, without scheme, port or path");
    }
    let name = value.strip_suffix('.').unwrap_or(value);
    if name.len() > 253
        || name
            .split('.')
            .any(|label| !(1..=63).contains(&label.len()))
    {
        return refuse("a host name is 253 characters at most, each part 1 to 63 (RFC 1035)");
    }
    Ok(name.to_ascii_lowercase())
}

/// The path of a `location`, or `= ` and the one path that it is for. nginx compares it
/// with the decoded path.
pub(super) fn location(written: &str) -> Result<String, Error> {
    let refuse = |problem| Err(refuse("location", written, problem));
    let value = written.strip_prefix("= ").unwrap_or(written);
    if !value.starts_with('/') {
        return refuse(
            "a location is a path and begins with \"/\", or with \"= /\" where it is one path alone",
        );
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._~-+@:,!&()*=".contains(&byte);
    if !value.bytes().all(plain) {
        return refuse(
            "use A-Z a-z 0-9 and / . _ ~ - + @ : , ! & ( ) * =; choose a shorter path above it",
        );
    }
    if value
        .split('/')
        .any(|segment| matches!(segment, "." | ".."))
        || value.contains("//")
    {
        return refuse(
            "nginx compares it with a path without \"//\", \".\" and \"..\", so it would never match",
        );
    }
    if value.len() > MAX_LOCATION {
        return refuse("use 200 characters at most; choose a shorter path above it");
    }
    Ok(written.to_owned())
}

/// Each character of it becomes up to 14 in a regular expression.
const MAX_LOCATION: usize = 200;

pub(super) fn key_prefix(value: &str) -> Result<String, Error> {
    if value.is_empty() || is_key_prefix(value) {
        return Ok(value.to_owned());
    }
    Err(refuse(
        "key prefix",
        value,
        "use 1 to 64 of A-Z a-z 0-9 . _ : -, or nothing at all",
    ))
}

pub(super) fn media_type(value: &str) -> Result<String, Error> {
    // `#` begins a comment where a word begins, and a media type does not begin with it.
    if is_media_type(value) {
        return Ok(value.to_owned());
    }
    Err(refuse(
        "content type",
        value,
        "write a media type without parameters, for example \"application/rss+xml\"",
    ))
}

/// A size as nginx writes it: bytes, or with k, m or g; 0 is no limit.
pub(super) fn size(value: &str) -> Result<String, Error> {
    let digits = value.trim_end_matches(['k', 'K', 'm', 'M', 'g', 'G']);
    let units = value.len() - digits.len();
    if units <= 1 && (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(value.to_owned());
    }
    Err(refuse(
        "client_max_body_size",
        value,
        "write a number of bytes, or one with k, m or g, for example \"10m\"; \"0\" is no limit",
    ))
}

/// What tells this site's upstreams and variables from another site's.
pub(super) fn site_name(value: &str) -> Result<String, Error> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    // nginx's hash of variables takes names of 46 characters as it is.
    if (1..=26).contains(&value.len()) && value.bytes().all(plain) {
        return Ok(format!("djanginxed_{value}"));
    }
    Err(refuse("site name", value, "use 1 to 26 of a-z 0-9 _"))
}

const TOO_LONG: &str = "it is longer than nginx takes (3,500 characters)";

/// A file's path, which stands quoted.
pub(super) fn file(setting: &'static str, value: &str) -> Result<String, Error> {
    if value.is_empty() || value.contains('$') || value.chars().any(char::is_control) {
        return Err(refuse(
            setting,
            value,
            "write a path without \"$\" and control characters",
        ));
    }
    if quoted(value).len() > MAX_PARAMETER {
        return Err(refuse(setting, value, TOO_LONG));
    }
    Ok(value.to_owned())
}

/// The name of a header that hits carry.
pub(super) fn header_name(name: &str) -> Result<String, Error> {
    if name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && name.len() <= MAX_PARAMETER
    {
        return Ok(name.to_owned());
    }
    Err(refuse(
        "header",
        name,
        "use A-Z a-z 0-9 - _, and 3,500 characters at most",
    ))
}

/// The value of a header that hits carry.
pub(super) fn header_value(value: &[u8]) -> Result<String, Error> {
    let text = String::from_utf8_lossy(value).into_owned();
    let plain = |byte: u8| byte == b'\t' || (0x20..0x7F).contains(&byte);
    if !value.iter().all(|&byte| plain(byte)) {
        return Err(refuse(
            "header value",
            &text,
            "use visible ASCII characters",
        ));
    }
    if text.contains('$') {
        return Err(refuse(
            "header value",
            &text,
            "nginx reads \"$\" as the start of a variable and has no way to write the character itself",
        ));
    }
    if quoted(&text).len() > MAX_PARAMETER {
        return Err(refuse("header value", &text, TOO_LONG));
    }
    Ok(text)
}

/// nginx's variable for a request header.
pub(super) fn header_variable(name: &str) -> String {
    format!("$http_{}", name.to_ascii_lowercase().replace('-', "_"))
}

/// The name of a request header that takes a request out of the cache, in lower
/// case.
pub(super) fn bypass_header(name: &str) -> Result<String, Error> {
    if name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    {
        return Ok(name.to_ascii_lowercase());
    }
    Err(refuse(
        "bypass header",
        name,
        "nginx only sees header names of A-Z a-z 0-9 -",
    ))
}

/// A bypass cookie's name, which becomes a regular expression.
pub(super) fn cookie_name(name: &str) -> Result<String, Error> {
    if is_cookie_name(name) && name.len() <= MAX_COOKIE_NAME {
        return Ok(name.to_owned());
    }
    Err(refuse(
        "bypass cookie",
        name,
        "use A-Z a-z 0-9 . _ -, and 128 characters at most",
    ))
}

/// Each character of it becomes up to 17 in a regular expression.
const MAX_COOKIE_NAME: usize = 128;
