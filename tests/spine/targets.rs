//! Request targets, byte for byte: nginx and the application name a page alike,
//! or the page is not found at all.

use std::collections::BTreeSet;

use actix_web::{HttpResponse, web};
use djanginxed::PageKey;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use testkit::http::{Request, Response, get};

use crate::stack::{NGINX_HIT, PREFIX, Script, Stack, cache_status, news, ok};

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
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let used = match &after[..1] {
            "x" => {
                bytes.push(u8::from_str_radix(&after[1..3], 16).unwrap());
                3
            }
            "t" => {
                bytes.push(b'\t');
                1
            }
            "\\" => {
                bytes.push(b'\\');
                1
            }
            other => panic!("unknown escape \\{other} in {text:?}"),
        };
        rest = &after[used..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
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
                assert!(stack.memcached.keys().is_empty(), "{name}");
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
            assert!(stack.memcached.keys().is_empty(), "{name}");
            continue;
        }
        let (page, _) = name.split_once('#').unwrap_or((&name, ""));
        let page = origin_form(page.as_bytes());
        assert!(first.text().ends_with(&format!(" of {page}")), "{first:?}");
        if !page.starts_with('/') {
            assert!(stack.memcached.keys().is_empty(), "{name}");
            continue;
        }
        assert_eq!(cache_status(&second), "djanginxed; hit", "{name}");
        assert_eq!(second.body, first.body, "{name}");
        let key = PageKey::new(PREFIX, page).to_string();
        assert_eq!(stack.memcached.keys(), [key], "{name}");
        stored += 1;
    }
    assert!(stored >= 38, "{stored}");
}

/// Pieces that targets are made of, the rare and the forbidden ones among them.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        12 => "[a-zA-Z0-9]{1,4}".prop_map(String::into_bytes),
        6 => "%[2-7][0-9A-Fa-f]".prop_map(String::into_bytes),
        2 => "%[89A-Fa-f][0-9A-Fa-f]".prop_map(String::into_bytes),
        8 => "[-._~!$&'()*+,;=:@?/]".prop_map(String::into_bytes),
        3 => "[|{}\\^\\\\\\[\\]]".prop_map(String::into_bytes),
        6 => prop::sample::select(vec!["/", "//", "/./", "/../", "..", "%2e%2e/", "%2F", "%3F"])
            .prop_map(|piece| piece.as_bytes().to_vec()),
        1 => prop::sample::select(vec!["#", "\"", "<", ">", "`", "%", "%0", "%00", "%0a", "%zz"])
            .prop_map(|piece| piece.as_bytes().to_vec()),
        1 => (0x7f..=0xffu8).prop_map(|byte| vec![byte]),
    ]
}

/// `count` different targets that begin with `start`, always the same ones.
pub(crate) fn random_targets(start: &'static str, count: usize) -> BTreeSet<Vec<u8>> {
    let path = vec(piece(), 0..6);
    let query = prop::option::of(vec(piece(), 0..5));
    let target = (path, query).prop_map(move |(path, query)| {
        let mut target = [start.as_bytes(), &path.concat()].concat();
        if let Some(query) = query {
            target.push(b'?');
            target.extend(query.concat());
        }
        target
    });
    let mut runner = TestRunner::deterministic();
    let mut targets = BTreeSet::new();
    while targets.len() < count {
        targets.insert(target.new_tree(&mut runner).unwrap().current());
    }
    targets
}

/// Asks nginx for each target, waits for the writer, and asks again.
pub(crate) fn twice(
    stack: &Stack,
    targets: BTreeSet<Vec<u8>>,
) -> Vec<(Vec<u8>, Response, Response)> {
    let ask = |target: Vec<u8>| {
        let response = get(stack.nginx.port(), &target);
        (target, response)
    };
    let first: Vec<_> = targets.into_iter().map(ask).collect();
    stack.settle();
    let again = |(target, first)| {
        let second = get(stack.nginx.port(), &target);
        (target, first, second)
    };
    first.into_iter().map(again).collect()
}

#[test]
fn of_thousands_of_targets_each_is_answered_by_nginx_or_never_stored() {
    let stack = Stack::start();
    let (mut hits, mut refused, mut fragments) = (0, 0, 0);
    let mut keys = BTreeSet::new();
    for (target, first, second) in twice(&stack, random_targets("/", 3000)) {
        let name = String::from_utf8_lossy(&target).into_owned();
        assert_eq!(first.status, second.status, "{name}");
        if first.status != 200 {
            assert_eq!(first.status, 400, "{name}: {first:?}");
            assert!(stack.item(&name).is_none(), "{name}");
            refused += 1;
            continue;
        }
        // actix drops a fragment, which no browser sends.
        let (page, fragment) = name.split_once('#').unwrap_or((&name, ""));
        assert!(
            second.text().ends_with(&format!(" of {page}")),
            "{second:?}"
        );
        assert_eq!(first.body, second.body, "{name}");
        keys.insert(PageKey::new(PREFIX, page).to_string());
        if cache_status(&second) == NGINX_HIT {
            hits += 1;
        } else {
            assert!(name.contains('#'), "{name} was not stored: {first:?}");
            assert!(stack.item(&name).is_none(), "{name}: {fragment}");
            fragments += 1;
        }
    }
    assert_eq!(stack.memcached.keys(), keys.into_iter().collect::<Vec<_>>());
    assert!(
        hits > 1500 && refused > 100 && fragments > 10,
        "{hits} {refused} {fragments}"
    );
}

#[test]
fn no_target_gets_a_page_of_another_location() {
    let stack = Stack::setup()
        .routes(|routes| {
            routes.route("/news/{tail:.*}", web::get().to(news));
        })
        .site(|site| site.page("/news/", "news", "text/html"))
        .start(Script::new(|render| {
            let route = render.request.match_pattern().unwrap_or_default();
            ok().body(format!("{} by {route:?}", render.text()))
        }));
    let mut hits = 0;
    for start in [
        "/news/",
        "/%6eews/",
        "//news/",
        "/x/../news/",
        "/news/../",
        "/news%2F",
    ] {
        for (target, first, second) in twice(&stack, random_targets(start, 60)) {
            let name = String::from_utf8_lossy(&target).into_owned();
            let route = |response: &Response| {
                response
                    .text()
                    .split_once(" by ")
                    .map(|(_, route)| route.to_owned())
            };
            assert_eq!(first.status, second.status, "{name}");
            assert_eq!(route(&first), route(&second), "{name}");
            if cache_status(&second) == NGINX_HIT {
                assert_eq!(first.body, second.body, "{name}");
                hits += 1;
            }
        }
    }
    assert!(hits > 100, "{hits}");
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
    assert!(stack.memcached.keys().is_empty());
}
