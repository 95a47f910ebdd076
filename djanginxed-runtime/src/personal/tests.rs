use proptest::prelude::*;

use super::stored::Stored;
use super::*;

fn text(segments: &[Segment]) -> Vec<u8> {
    let mut text = Vec::new();
    for segment in segments {
        match segment {
            Segment::Text(bytes) => text.extend_from_slice(bytes),
            Segment::Part(part) => text.extend_from_slice(part.to_string().as_bytes()),
        }
    }
    text
}

/// Neighbours of one kind in one piece.
fn joined(segments: Vec<Segment>) -> Vec<Segment> {
    let mut joined: Vec<Segment> = Vec::new();
    for segment in segments {
        match (joined.last_mut(), segment) {
            (Some(Segment::Text(before)), Segment::Text(text)) => {
                *before = [&before[..], &text[..]].concat().into();
            }
            (_, segment) => joined.push(segment),
        }
    }
    joined
}

fn in_chunks(body: &[u8], sizes: &[usize]) -> Vec<Segment> {
    let mut splitter = Splitter::default();
    let mut segments = Vec::new();
    let mut rest = body;
    for size in sizes {
        let (chunk, after) = rest.split_at((*size).min(rest.len()));
        segments.extend(splitter.push(chunk));
        rest = after;
    }
    segments.extend(splitter.push(rest));
    segments.extend(splitter.end());
    joined(segments)
}

/// Pieces of which hostile pages are made.
fn piece() -> impl Strategy<Value = String> {
    let forged = "djpart[0-9a-f]{32}(n|k6162|i2f61y)z";
    prop_oneof![
        Just(nonce().to_string()),
        "[a-z.-]{1,8}".prop_map(|name| cookie(name).to_string()),
        (
            "(/[a-z$\"?<#]{0,6}|x)",
            "(<!-?-?#?[a-z]{0,3}|)",
            prop::option::of("[a-zA-Z.-]{1,4}")
        )
            .prop_map(|(target, html, cookie)| included(&target, &html, cookie.as_deref())),
        forged,
        "<!--#(echo var=\"http_authorization\" |endblock |include virtual=\"/x\" )?-->",
        "<!--# (if expr=\"\\$cookie_a\"|else|endif) -->",
        "(<|!|-|--|#|<!|<!--|djpart|dj|d|z| |é|[0-9a-f]{33})",
    ]
}

fn included(target: &str, html: &str, cookie: Option<&str>) -> String {
    let part = include(target).or(html);
    match cookie {
        Some(name) => part.only_with_cookie(name).to_string(),
        None => part.to_string(),
    }
}

fn body() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..12).prop_map(|pieces| pieces.concat())
}

/// A stored page without the commands that the writer writes.
fn without_commands(page: &[u8]) -> Vec<u8> {
    let mut rest = Vec::new();
    for segment in read(page) {
        match segment {
            Segment::Text(bytes) => rest.extend_from_slice(&bytes),
            Segment::Part(Part::Include { default, .. }) => {
                rest.extend_from_slice(b"|");
                rest.extend_from_slice(default.as_bytes());
                rest.extend_from_slice(b"|");
            }
            Segment::Part(_) => rest.extend_from_slice(b"|"),
        }
    }
    rest
}

proptest! {
    #[test]
    fn a_body_is_taken_apart_alike_wherever_its_chunks_end(
        body in body(),
        sizes in prop::collection::vec(0usize..40, 0..40),
    ) {
        let whole = joined(split(body.as_bytes()));
        prop_assert_eq!(in_chunks(body.as_bytes(), &sizes), whole.clone());
        prop_assert_eq!(text(&whole), body.as_bytes());
    }

    #[test]
    fn a_stored_page_has_no_command_but_those_of_its_parts(body in body()) {
        let stored = Stored::of(body.as_bytes());
        let rest = without_commands(&stored.text);
        prop_assert!(memchr::memmem::find(&rest, b"<!--#").is_none(), "{stored:?}");
        let parts = |segments: Vec<Segment>| -> Vec<Part> {
            let parts = segments.into_iter().filter_map(|segment| match segment {
                Segment::Part(Part::Include { target: None, .. }) | Segment::Text(_) => None,
                Segment::Part(Part::Include {
                    target,
                    default,
                    cookie,
                }) => Some(Part::Include {
                    target,
                    default: default.replace("<!--#", "<!-- #"),
                    cookie,
                }),
                Segment::Part(part) => Some(part),
            });
            parts.collect()
        };
        let expected = parts(split(body.as_bytes()));
        prop_assert_eq!(stored.parts, expected.len());
        // What stands before a default text may make a command of its first sign.
        if !body.contains('#') {
            prop_assert_eq!(parts(read(&stored.text)), expected);
        }
    }

    #[test]
    fn no_bytes_from_a_store_are_too_strange_to_be_read(page in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(text(&read(&page)), page);
    }
}

#[test]
fn a_marker_survives_what_templates_do_to_text() {
    for part in [
        nonce().to_string(),
        cookie("csrftoken").to_string(),
        include("/a?b=\"<&'").or("<b>'\"&</b>").to_string(),
        include("/").only_with_cookie("a_B.c-d").to_string(),
    ] {
        assert!(
            part.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        );
    }
}

#[test]
fn a_code_is_for_one_part_alone() {
    let marker = cookie("a").to_string();
    assert_eq!(
        split(marker.as_bytes()),
        [Segment::Part(Part::Cookie("a".into()))]
    );
    let code = &marker["djpart".len()..][..32];
    for words in ["n", "k62", "k6161", "i2f61y", "i2f61yk61", "k61n", ""] {
        let forged = format!("djpart{code}{words}z");
        assert!(!marker::has_markers(forged.as_bytes()), "{forged}");
    }
    let with = include("/").only_with_cookie("a").to_string();
    let without = with.replace("k61z", "z");
    assert!(marker::has_markers(with.as_bytes()) && with != without);
    assert!(!marker::has_markers(without.as_bytes()));
}

#[test]
fn commands_are_what_nginx_reads() {
    let stored = |body: String| String::from_utf8(Stored::of(body.as_bytes()).text).unwrap();
    assert_eq!(
        stored(format!("a{}b", nonce())),
        format!("a<!--# echo var=\"{NONCE_VARIABLE}\" default=\"\" -->b")
    );
    let page = stored(include("/a b?$x=1#\"").or("<i>").to_string());
    assert!(page.starts_with("<!--# block name=\"d"), "{page}");
    let asked = format!(
        "--><i><!--# endblock --><!--# include virtual=\"{PART_PATH}?/a%20b?%24x=1%23%22\" stub=\"d"
    );
    assert!(page.contains(&asked), "{page}");
}

#[test]
fn a_condition_is_around_the_include_and_has_its_own_default_text() {
    let stored = |name: &str| {
        let part = include("/a").or("<i>#").only_with_cookie(name).to_string();
        String::from_utf8(Stored::of(part.as_bytes()).text).unwrap()
    };
    let page = stored("Basket_1");
    let asked = format!(
        "--><i>#<!--# endblock --><!--# if expr=\"$cookie_Basket_1\" --><!--# include \
         virtual=\"{PART_PATH}?/a\" stub=\"d"
    );
    assert!(page.contains(&asked), "{page}");
    assert!(
        page.ends_with("\" --><!--# else --><i>#<!--# endif -->"),
        "{page}"
    );
    assert!(stored("__Host-sid").contains("<!--# if expr=\"$http_cookie = /(?i)^"));
    for broken in [
        page.replace("$cookie_Basket_1", "$cookie_"),
        page.replace("$cookie_Basket_1", "$http_cookie"),
        page.replace("else --><i>#", "else --><b>"),
        page.replace("<!--# endif -->", ""),
    ] {
        assert!(!has_commands(broken.as_bytes()), "{broken}");
    }
}

#[test]
fn an_include_for_a_cookie_that_nobody_can_have_is_its_default_text() {
    for name in [
        "",
        "a b",
        "a=",
        "$uri",
        "\" -->",
        "a\\E",
        "é",
        &"a".repeat(257),
    ] {
        let part = include("/a").only_with_cookie(name).or("<b>").to_string();
        let stored = Stored::of(part.as_bytes());
        assert_eq!(
            (stored.text.as_slice(), stored.parts),
            (&b"<b>"[..], 0),
            "{name}"
        );
    }
    let last = include("/a").only_with_cookie("a b").only_with_cookie("b");
    assert_eq!(Stored::of(last.to_string().as_bytes()).includes, 1);
}

#[test]
fn what_cannot_be_asked_for_is_its_default_text() {
    for target in [
        "",
        "a",
        "http://e/",
        &format!("/{}", "a".repeat(MAX_TARGET)),
    ] {
        let stored = Stored::of(include(target).or("<b>").to_string().as_bytes());
        assert_eq!(
            (stored.text.as_slice(), stored.parts),
            (&b"<b>"[..], 0),
            "{target}"
        );
    }
    let long = include("/").or("x".repeat(MAX_DEFAULT + 1)).to_string();
    assert!(
        !Stored::of(long.as_bytes())
            .text
            .windows(2)
            .any(|pair| pair == b"xx")
    );
    assert_eq!(cookie("a b").to_string(), "");
}

#[test]
fn a_comment_that_parts_leave_behind_is_no_command() {
    let body = format!("<!--{}#echo -->", include("no target"));
    assert_eq!(Stored::of(body.as_bytes()).text, b"<!-- #echo -->");
    let body = format!("<!--{}", include("/").or("#echo -->"));
    let page = Stored::of(body.as_bytes()).text;
    assert_eq!(
        memchr::memmem::find_iter(&page, b"<!--#").count(),
        3,
        "the three of an include"
    );
}

#[test]
fn no_page_ends_like_a_commands_beginning() {
    for end in ["<", "<!", "<!-", "<!--"] {
        let stored = Stored::of(format!("a{end}").as_bytes());
        assert_eq!(stored.text, format!("a{end}\n").as_bytes());
        let stored = Stored::of(format!("{}{end}", nonce()).as_bytes());
        assert!(stored.text.ends_with(format!("-->{end}\n").as_bytes()));
        let of_default = include("no target").or(end).to_string();
        let stored = Stored::of(of_default.as_bytes());
        assert_eq!(stored.text, format!("{end}\n").as_bytes());
    }
    for whole in ["", "a", "<b>", "--", "<!-- #", "!"] {
        assert_eq!(Stored::of(whole.as_bytes()).text, whole.as_bytes());
    }
}

#[test]
fn a_page_that_somebody_else_has_written_is_looked_through_once() {
    let name = "d0123456789abcdef0123456789abcdef";
    for command in [
        "<!--# block name=\"",
        &format!("<!--# block name=\"{name}\" -->"),
    ] {
        let page = command.repeat((1 << 20) / command.len()) + "\" --><!--# echo var=\"cookie_";
        assert_eq!(read(page.as_bytes()), [Segment::Text(page.into())]);
    }
}
