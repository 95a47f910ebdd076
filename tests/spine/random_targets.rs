//! Thousands of request targets, the same ones each time: each is answered by
//! nginx with its own page, or by the application.

use std::collections::BTreeSet;

use actix_web::web;
use djanginxed::PageKey;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use testkit::http::{Response, get};

use crate::stack::{NGINX_HIT, PREFIX, Script, Stack, cache_status, news, ok};

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
    assert_eq!(
        stack.memcached.pages(),
        keys.into_iter().collect::<Vec<_>>()
    );
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
