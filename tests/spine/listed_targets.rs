//! The request targets of `request-targets.txt`, byte for byte: nginx and the
//! application name a page alike, or the page is not found at all.

use actix_web::HttpResponse;
use djanginxed::PageKey;
use testkit::http::Request;

use crate::stack::{NGINX_HIT, PREFIX, Script, Stack, cache_status};

/// `hit`, `miss` or `400`, and the target; the file's header says what they mean.
fn listed() -> Vec<(&'static str, Vec<u8>)> {
    let lines = include_str!("../request-targets.txt").lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (expected, target) = line.split_once('\t').unwrap();
            (expected, unescaped(target))
        })
        .collect()
}

/// The bytes of a target in which `\xHH`, `\t` and `\\` are escapes.
fn unescaped(text: &str) -> Vec<u8> {
    let Some((before, escape)) = text.split_once('\\') else {
        return text.as_bytes().to_vec();
    };
    let (byte, length) = match escape.as_bytes()[0] {
        b'x' => (u8::from_str_radix(&escape[1..3], 16).unwrap(), 3),
        b't' => (b'\t', 1),
        b'\\' => (b'\\', 1),
        _ => panic!("unknown escape in {text:?}"),
    };
    [before.as_bytes(), &[byte], &unescaped(&escape[length..])].concat()
}

/// What the application and nginx's `$request_uri` have of a target on the wire.
fn origin_form(target: &[u8]) -> &str {
    let target = str::from_utf8(target).unwrap();
    target.strip_prefix("http://h").unwrap_or(target)
}

/// A stack that answers for the host of the absolute-form target, too.
fn stack() -> Stack {
    Stack::setup()
        .site(|site| site.server_name("h"))
        .start(Script::html())
}

#[test]
fn every_listed_target_is_a_hit_a_miss_or_refused_as_listed() {
    let stack = stack();
    let targets = listed();
    assert!(targets.len() > 50, "{}", targets.len());
    for (expected, target) in targets {
        stack.memcached.command("flush_all");
        let name = String::from_utf8_lossy(&target).into_owned();
        let (first, second) = (stack.get(&target), stack.get(&target));
        match expected {
            "hit" => {
                assert_eq!(first.status, 200, "{name}: {first:?}");
                assert_eq!(cache_status(&second), NGINX_HIT, "{name}");
                assert_eq!(second.body, first.body, "{name}");
                let of_target = format!(" of {}", origin_form(&target));
                assert!(second.text().ends_with(&of_target), "{second:?}");
                assert!(stack.item(origin_form(&target)).is_some(), "{name}");
            }
            "miss" => {
                let (page, _) = name.split_once('#').unwrap();
                for response in [first, second, stack.get(page)] {
                    assert!(
                        response.text().ends_with(&format!(" of {page}")),
                        "{name}: {response:?}"
                    );
                }
                assert!(stack.item(&name).is_none(), "{name}");
            }
            "400" => {
                assert_eq!((first.status, second.status), (400, 400), "{name}");
                assert!(stack.memcached.pages().is_empty(), "{name}");
            }
            other => panic!("unknown expectation {other:?}"),
        }
    }
}

#[test]
fn the_application_by_itself_tells_every_listed_target_from_the_others() {
    let stack = stack();
    let mut stored = 0;
    for (expected, target) in listed() {
        stack.memcached.command("flush_all");
        let name = String::from_utf8_lossy(&target).into_owned();
        let (first, second) = (stack.ask(&target), stack.ask(&target));
        if expected == "hit" {
            assert_eq!(first.status, 200, "{name}");
        }
        if first.status != 200 {
            assert_eq!((first.status, second.status), (400, 400), "{name}");
            assert!(stack.memcached.pages().is_empty(), "{name}");
            continue;
        }
        let (page, _) = name.split_once('#').unwrap_or((&name, ""));
        let page = origin_form(page.as_bytes());
        assert!(first.text().ends_with(&format!(" of {page}")), "{first:?}");
        if !page.starts_with('/') {
            assert!(stack.memcached.pages().is_empty(), "{name}");
            continue;
        }
        assert_eq!(cache_status(&second), "djanginxed; hit", "{name}");
        assert_eq!(second.body, first.body, "{name}");
        let key = PageKey::new(PREFIX, page).to_string();
        assert_eq!(stack.memcached.pages(), [key], "{name}");
        stored += 1;
    }
    assert!(stored >= 38, "{stored}");
}

#[test]
fn a_query_of_thousands_of_bytes_is_part_of_the_key() {
    let stack = Stack::start();
    let long = format!("/a?{}", "x".repeat(7000));
    for target in [format!("{long}1"), format!("{long}2")] {
        let page = stack.get(&target);
        assert_eq!(page.status, 200);
        let hit = stack.get(&target);
        assert_eq!(cache_status(&hit), NGINX_HIT);
        assert_eq!(hit.body, page.body);
    }
    assert_eq!(stack.script.renders(), 2);
}

#[test]
fn the_host_of_an_absolute_target_is_not_part_of_the_key() {
    let stack = stack();
    let page = stack.get("http://h/abs?x=1");
    let hit = stack.get("/abs?x=1");
    assert_eq!(cache_status(&hit), NGINX_HIT);
    assert_eq!(hit.body, page.body);
    let by_application = stack.ask("http://127.0.0.1/abs?x=1");
    assert_eq!(cache_status(&by_application), "djanginxed; hit");
}

#[test]
fn an_asterisk_is_no_page() {
    let stack = Stack::setup().start(Script::new(|_| HttpResponse::Ok().finish()));
    let response = stack.send_past_nginx(&Request::new("OPTIONS", "*"));
    assert_eq!(cache_status(&response), "djanginxed; fwd=method");
    assert!(stack.memcached.pages().is_empty());
}
