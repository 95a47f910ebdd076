//! A visitor's cookies as nginx finds them: in its variable `$cookie_NAME`, and in what
//! SSI tests.

/// The longest name, in bytes.
pub(super) const MAX_NAME: usize = 256;

/// nginx looks for cookies in a field of less bytes: an expression costs what the field is
/// long, and HTTP/2 makes many kilobytes out of a few bytes.
pub(crate) const TOO_LONG: usize = 4096;

/// The longest expression, in bytes: it has a name three times.
pub(super) const MAX_EXPRESSION: usize = 3 * MAX_NAME + 128;

const VARIABLE: &str = "$cookie_";
const QUOTED: &str = "\\Q";
const QUOTED_END: &str = "\\E";

/// The value of a cookie as `$cookie_NAME` has it: names without case, the first counts. Of
/// white space only spaces are skipped, and a comma ends a cookie that is another one, as
/// in nginx before 1.23.
pub(crate) fn value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut rest = line;
    loop {
        if let Some(after) = after_name(rest, name) {
            let (next, after) = after_spaces(after).split_first()?;
            if *next == b'=' {
                // A comma ends no value.
                return after_spaces(after).split(|byte| *byte == b';').next();
            }
            // It is skipped unseen, even where it ends the cookie.
            rest = after;
        }
        let end = memchr::memchr2(b';', b',', rest)?;
        rest = after_spaces(&rest[end + 1..]);
    }
}

fn after_name<'a>(rest: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (own, after) = rest.split_at_checked(name.len())?;
    own.eq_ignore_ascii_case(name).then_some(after)
}

fn after_spaces(bytes: &[u8]) -> &[u8] {
    let length = bytes.iter().take_while(|byte| **byte == b' ').count();
    &bytes[length..]
}

/// What SSI's `if` tests: whether [`value`] finds one that is not empty. The visitor's
/// value is looked at, and is no part of the expression.
///
/// In an expression a variable's name has no `.` and no `-`: such a cookie is looked for in
/// the field, whose lines are one there, and not in one that is [too long](TOO_LONG). Each possessive `+` keeps a match from costing more than the field's length.
pub(super) fn expression(name: &str) -> String {
    if name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        return format!("{VARIABLE}{name}");
    }
    let name = format!("{QUOTED}{name}{QUOTED_END} *+");
    format!(
        "$http_cookie = /(?i)^(?!.{{{TOO_LONG}}})(?:(?!{name}=)(?:{name}[^=])?+[^;,]*+[;,][;, ]*+)*+{name}= *+[^;]/"
    )
}

/// The name in what [`expression`] writes.
pub(super) fn name_in(tested: &str) -> Option<&str> {
    let name = match tested.strip_prefix(VARIABLE) {
        Some(name) => name,
        None => {
            let (_, rest) = tested.split_once(QUOTED)?;
            rest.split_once(QUOTED_END)?.0
        }
    };
    (expression(name) == tested).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_the_one_that_nginx_finds() {
        let found = |line: &'static str| value(line.as_bytes(), b"csrf");
        assert_eq!(found("a=1; csrf=x=y"), Some(&b"x=y"[..]));
        assert_eq!(found("CSRF = x,y; csrf=z"), Some(&b"x,y"[..]));
        assert_eq!(found("xcsrf=1;csrf=2"), Some(&b"2"[..]));
        assert_eq!(found("a=1,csrf=2"), Some(&b"2"[..]));
        assert_eq!(found("csrf=; csrf=2"), Some(&b""[..]));
        assert_eq!(found("csrf=  ;"), Some(&b""[..]));
        // nginx does not look at the sign behind a name.
        assert_eq!(found("csrf;csrf=1; csrf=2"), Some(&b"2"[..]));
        assert_eq!(found("csrf;csrf=1"), None);
        assert_eq!(found("a;\tcsrf=1"), None);
        for none in ["", "csrf", "csrf ", "csrfx=1", "a; csr", ";;", "csrf; a"] {
            assert_eq!(found(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_name_is_read_from_the_expression_that_tests_it() {
        let long = "a".repeat(MAX_NAME - 1);
        for name in [
            "basket",
            "Basket_2",
            "__Host-sid",
            "a.b",
            "-",
            "E",
            &format!("{long}-"),
        ] {
            let tested = expression(name);
            assert_eq!(name_in(&tested), Some(name));
            assert!(tested.len() <= MAX_EXPRESSION, "{tested}");
            for other in ["$", "$cookie_", &tested[1..], &tested[..tested.len() - 1]] {
                assert_ne!(name_in(other), Some(name), "{other}");
            }
            assert_eq!(name_in(&format!("{tested} != /x/")), None);
        }
    }
}
