//! Fields of a request as nginx's variables have them.

use std::borrow::Cow;

use actix_web::http::header::{HeaderMap, HeaderName};

/// All lines of a field as one.
pub(super) fn joined<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    separator: &[u8],
) -> Cow<'a, [u8]> {
    let mut lines = headers.get_all(name).map(|line| line.as_bytes());
    let first = Cow::Borrowed(lines.next().unwrap_or_default());
    lines.fold(first, |all, line| {
        Cow::Owned([&all, separator, line].concat())
    })
}

/// Without the blanks at both ends. Of white space only these two count: nginx's
/// regular expressions name them.
pub(super) fn line(value: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !is_blank(byte));
    let end = value.iter().rposition(|byte| !is_blank(byte));
    match (start, end) {
        (Some(start), Some(end)) => &value[start..=end],
        _ => &[],
    }
}

/// The value of the first cookie of exactly this name, as it was sent.
pub(super) fn cookie<'a>(cookies: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    cookies.split(|&byte| byte == b';').find_map(|pair| {
        let equals = pair.iter().position(|&byte| byte == b'=')?;
        (line(&pair[..equals]) == name).then_some(&pair[equals + 1..])
    })
}
