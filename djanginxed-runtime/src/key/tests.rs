use proptest::prelude::*;

use super::*;

#[test]
fn keys_are_those_that_nginx_computes() {
    for (prefix, target, hex) in [
        // RFC 1321's own test values.
        ("", "", "d41d8cd98f00b204e9800998ecf8427e"),
        ("", "abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("message ", "digest", "f96b697d7cb7938d525a2f31aaf161d0"),
        (
            "site1",
            "/articles/?page=2",
            "a3c88da81e02be8ea2e22d58d5f67357",
        ),
    ] {
        assert_eq!(PageKey::new(prefix, target).to_string(), hex);
    }
}

#[test]
fn a_target_is_taken_byte_for_byte() {
    let targets = [
        "/a", "/a?", "/a/", "/A", "/%61", "/a?x=%2F", "/a?x=%2f", "/a?x=/",
    ];
    let keys: std::collections::HashSet<_> = targets
        .iter()
        .map(|target| PageKey::new("", target))
        .collect();
    assert_eq!(keys.len(), targets.len());
}

#[test]
fn a_type_other_than_html_stands_in_the_key() {
    for (content_type, start) in [
        ("text/html", "site1"),
        ("Text/HTML", "site1"),
        ("application/json", "site1=application/json"),
        ("Application/Rss+XML", "site1=application/rss+xml"),
    ] {
        let recipe = KeyRecipe::new("site1", content_type);
        assert_eq!(recipe.start(), start);
        assert_eq!(
            recipe.expression("$request_uri"),
            format!("{start}$request_uri")
        );
        let key = PageKey::with_type("site1", content_type, "/a");
        assert_eq!(key, recipe.key("/a"));
        assert_eq!(key, PageKey::new(start, "/a"));
    }
}

#[test]
fn debug_names_the_digits() {
    let key = PageKey::new("", "");
    assert_eq!(
        format!("{key:?}"),
        "PageKey(d41d8cd98f00b204e9800998ecf8427e)"
    );
}

proptest! {
    #[test]
    fn pages_of_two_types_have_two_keys(
        prefix in "([A-Za-z0-9._:-]{1,8})?",
        others in "([A-Za-z0-9._:-]{1,8})?",
        content_type in "[a-z][a-z0-9.+-]{0,6}/[a-z][a-z0-9.+-]{0,6}",
        target in "/[a-z/=+.?]{0,12}",
        others_target in "/[a-z/=+.?]{0,12}",
    ) {
        let html = PageKey::new(&others, &others_target);
        let key = PageKey::with_type(&prefix, &content_type, &target);
        prop_assert_eq!(key == html, content_type == "text/html" && prefix == others && target == others_target);
    }

    #[test]
    fn prefix_and_target_are_hashed_as_one_string(prefix in ".*", target in ".*") {
        let key = PageKey::new(&prefix, &target);
        let digest = Md5::digest(format!("{prefix}{target}"));
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        prop_assert_eq!(key.to_string(), hex.as_str());
        prop_assert_eq!(&key.hex(), hex.as_bytes());
        prop_assert_eq!(key, PageKey::new("", &format!("{prefix}{target}")));
    }
}

#[test]
fn a_key_is_read_as_it_is_written() {
    let key = PageKey::new("site1", "/");
    assert_eq!(PageKey::read(&key.to_string()), Some(key));
    let wrong = [
        "",
        "0",
        &"g".repeat(32),
        &"0".repeat(31),
        &"0".repeat(33),
        &"é".repeat(16),
    ];
    assert_eq!(wrong.map(PageKey::read), [None; 6]);
}
