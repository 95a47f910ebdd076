//! What may stand in djanginxed's settings: the one home of each rule, for the macro
//! that reads literals, for the runtime that checks the rest, and for the tool.
//!
//! Everything is `const`, so that the compiler is the one that refuses a wrong
//! constant. Use the `djanginxed` crate, not this one.

#![no_std]

/// The longest key prefix, in bytes.
pub const MAX_KEY_PREFIX: usize = 64;

/// The longest type, and the longest subtype, in bytes (RFC 6838, section 4.2).
pub const MAX_TYPE_NAME: usize = 127;

/// The longest tag, in bytes.
pub const MAX_TAG: usize = 1024;

/// The most tags that a page may have.
pub const MAX_TAGS: usize = 1000;

/// What a tag is, for messages.
pub const TAG: &str = "1 to 1,024 visible ASCII characters";

/// The longest timeout, in seconds: ten years.
pub const MAX_TIMEOUT: u32 = 315_360_000;

/// What is allowed in a key prefix, for messages.
pub const KEY_PREFIX: &str = "1 to 64 of `A-Z a-z 0-9 . _ : -`";

/// Whether `byte` may stand in a key prefix: it stands unquoted in nginx's file.
#[must_use]
pub const fn is_key_prefix_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'-')
}

/// Whether `prefix` can stand unquoted in nginx's file, and ends where a target's
/// `/` begins.
#[must_use]
pub const fn is_key_prefix(prefix: &str) -> bool {
    let bytes = prefix.as_bytes();
    if bytes.is_empty() || bytes.len() > MAX_KEY_PREFIX {
        return false;
    }
    let mut at = 0;
    while at < bytes.len() {
        if !is_key_prefix_byte(bytes[at]) {
            return false;
        }
        at += 1;
    }
    true
}

/// Whether `media_type` is `type/subtype`, each one of RFC 6838's restricted names:
/// 1 to 127 characters that nginx takes unquoted, the first a letter or a digit.
#[must_use]
pub const fn is_media_type(media_type: &str) -> bool {
    let bytes = media_type.as_bytes();
    let (mut names, mut length, mut at) = (1, 0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'/' if names == 1 && length > 0 => {
                names = 2;
                length = 0;
            }
            byte if byte.is_ascii_alphanumeric() => length += 1,
            b'!' | b'#' | b'&' | b'-' | b'^' | b'_' | b'.' | b'+' if length > 0 => length += 1,
            _ => return false,
        }
        if length > MAX_TYPE_NAME {
            return false;
        }
        at += 1;
    }
    names == 2 && length > 0
}

/// Whether `name` is a cookie's name that nginx's file can look for.
#[must_use]
pub const fn is_cookie_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !(bytes[at].is_ascii_alphanumeric() || matches!(bytes[at], b'.' | b'_' | b'-')) {
            return false;
        }
        at += 1;
    }
    !bytes.is_empty()
}

/// The longest value of a rule that pages vary by, in bytes.
pub const MAX_VARIANT_VALUE: usize = 64;

/// Whether pages may vary by `value`: 1 to 64 of `A-Z a-z 0-9 . _ -`, which stand
/// unquoted in nginx's file, and end where a key's `~`, `=` or `/` begins.
#[must_use]
pub const fn is_variant_value(value: &str) -> bool {
    is_cookie_name(value) && value.len() <= MAX_VARIANT_VALUE
}

/// The longest name of a query parameter, in bytes.
pub const MAX_PARAMETER_NAME: usize = 64;

/// What the name of a query parameter is, for messages.
pub const PARAMETER_NAME: &str = "1 to 64 of `A-Z a-z 0-9 . _ -`";

/// Whether `name` is that of a query parameter as browsers send it, with nothing
/// encoded.
#[must_use]
pub const fn is_parameter_name(name: &str) -> bool {
    is_cookie_name(name) && name.len() <= MAX_PARAMETER_NAME
}

/// Whether each of `names` [is one](is_parameter_name).
#[must_use]
pub const fn are_parameter_names(names: &[&str]) -> bool {
    let mut at = 0;
    while at < names.len() {
        if !is_parameter_name(names[at]) {
            return false;
        }
        at += 1;
    }
    true
}

/// Whether `tag` names a group of pages: 1 to 1,024 visible ASCII characters.
#[must_use]
pub const fn is_tag(tag: &str) -> bool {
    let bytes = tag.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_graphic() {
            return false;
        }
        at += 1;
    }
    !bytes.is_empty() && bytes.len() <= MAX_TAG
}

/// Whether `template` is a tag in which `{name}` stands for a segment of the route.
#[must_use]
pub const fn is_tag_template(template: &str) -> bool {
    if !is_tag(template) {
        return false;
    }
    let bytes = template.as_bytes();
    let (mut at, mut open) = (0, None);
    while at < bytes.len() {
        match (bytes[at], open) {
            (b'{', None) => open = Some(at),
            (b'}', Some(start)) if at > start + 1 => open = None,
            (b'{' | b'}', _) => return false,
            _ => {}
        }
        at += 1;
    }
    open.is_none()
}

/// Whether each of `templates` [is one](is_tag_template).
#[must_use]
pub const fn are_tag_templates(templates: &[&str]) -> bool {
    let mut at = 0;
    while at < templates.len() {
        if !is_tag_template(templates[at]) {
            return false;
        }
        at += 1;
    }
    true
}

/// Reads a switch as people write it: `1`, `true`, `yes`, `on`, or their opposites.
#[must_use]
pub fn switch(word: &str) -> Option<bool> {
    let word = word.trim();
    let is = |known: &str| word.eq_ignore_ascii_case(known);
    if ["1", "true", "yes", "on"].into_iter().any(is) {
        Some(true)
    } else if ["0", "false", "no", "off"].into_iter().any(is) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_what_stands_unquoted_in_nginx_and_has_no_slash() {
        for good in [
            "a",
            "site1",
            "A.b_c:d-9",
            str::from_utf8(&[b'x'; 64]).unwrap(),
        ] {
            assert!(is_key_prefix(good), "{good}");
        }
        let long = [b'x'; 65];
        for bad in [
            "",
            "a b",
            "a/b",
            "a;b",
            "a$b",
            "a=b",
            "a~b",
            "é",
            str::from_utf8(&long).unwrap(),
        ] {
            assert!(!is_key_prefix(bad), "{bad}");
        }
    }

    #[test]
    fn a_media_type_has_two_names_and_no_parameters() {
        for good in ["text/html", "application/rss+xml", "a/b"] {
            assert!(is_media_type(good), "{good}");
        }
        for bad in [
            "",
            "text",
            "/html",
            "text/",
            "text/html; charset=utf-8",
            "a/b/c",
            "a/.b",
        ] {
            assert!(!is_media_type(bad), "{bad}");
        }
    }

    #[test]
    fn a_variants_value_stands_unquoted_in_nginx() {
        let long = [b'x'; MAX_VARIANT_VALUE + 1];
        for good in [
            "de",
            "pt-BR",
            "a.b_C-9",
            str::from_utf8(&long[1..]).unwrap(),
        ] {
            assert!(is_variant_value(good), "{good}");
        }
        for bad in [
            "",
            "a b",
            "a~b",
            "a=b",
            "a/b",
            "$a",
            "é",
            str::from_utf8(&long).unwrap(),
        ] {
            assert!(!is_variant_value(bad), "{bad}");
        }
    }

    #[test]
    fn a_parameters_name_is_sent_as_it_is_written() {
        let long = [b'x'; MAX_PARAMETER_NAME + 1];
        for good in ["page", "q", "a.b_C-9", str::from_utf8(&long[1..]).unwrap()] {
            assert!(is_parameter_name(good), "{good}");
        }
        let long = str::from_utf8(&long).unwrap();
        for bad in ["", "a b", "a=b", "a&b", "a%62", "a+b", "é", long] {
            assert!(!is_parameter_name(bad), "{bad}");
            assert!(!are_parameter_names(&["page", bad]), "{bad}");
        }
        assert!(are_parameter_names(&[]));
    }

    #[test]
    fn a_tag_is_visible_ascii() {
        for good in ["articles", "article:7", "~!@"] {
            assert!(is_tag(good), "{good}");
        }
        let long = [b'x'; MAX_TAG + 1];
        for bad in [
            "",
            "two words",
            "é",
            "line\n",
            str::from_utf8(&long).unwrap(),
        ] {
            assert!(!is_tag(bad), "{bad}");
        }
    }

    #[test]
    fn a_tag_of_a_route_has_names_between_braces() {
        for good in ["articles", "article:{id}", "{lang}:{id}", "{a}{b}"] {
            assert!(is_tag_template(good), "{good}");
        }
        for bad in [
            "", "{}", "{", "}", "a{b", "a}b", "{a{b}}", "{a}}", "{a} b", "é{a}",
        ] {
            assert!(!is_tag_template(bad), "{bad}");
        }
    }

    #[test]
    fn a_switch_is_one_of_eight_words_in_any_case() {
        assert_eq!(switch(" ON "), Some(true));
        assert_eq!(switch("no"), Some(false));
        assert_eq!(switch("maybe"), None);
        assert_eq!(switch(""), None);
    }
}
