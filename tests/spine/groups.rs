//! Pages for groups: nginx and the application believe the same cookies.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::web;
use djanginxed::nginx::{Md5, Site};
use djanginxed::{Layout, PageCache, PageCacheBuilder, PageKey, Variant, Vary};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use testkit::http::{Request, Response};

use crate::stack::{NGINX_HIT, Script, Stack, cache_status, ok};
use crate::variants::requests;

const SECRET: &str = "kL3/x+Yw0123456789abcdefghijklmnopqrstuvw=";

fn by_md5(secret: &str) -> Vary {
    Vary::group("group", ["member", "a.b-c_D"], secret)
}

fn by_hmac(secret: &str) -> Vary {
    by_md5(secret).hmac()
}

fn grouped(vary: Vary) -> PageCacheBuilder {
    PageCache::builder().vary(vary)
}

/// The cookie's value, made by another process with the same settings, or other ones.
fn signed(vary: Vary, value: &str, seconds: u64) -> Vec<u8> {
    let pages = grouped(vary).build().unwrap();
    let life = Duration::from_secs(seconds);
    let cookie = pages.group_cookie("group", value, life);
    cookie.value().as_bytes().to_vec()
}

/// A line of cookies around a group's cookie with one thing wrong, if any; or two lines.
fn lines(good: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<Vec<u8>>> {
    let new = prop_oneof![
        4 => "[A-Za-z0-9._ =-]".prop_map(String::into_bytes),
        1 => select(&[b"\xe9", b"\xff", b"\t", b"\"", b","]).prop_map(|byte| byte.to_vec()),
        1 => Just("é".as_bytes().to_vec()),
    ];
    let other = select(good.clone());
    let edits = (0..16_usize, any::<Index>(), new, other);
    (select(good), edits).prop_map(|(value, (edit, at, new, other))| {
        let at = at.index(value.len());
        let named = |value: &[u8]| [b"group=", value].concat();
        let line = |value: &[u8]| [b"a=b; ", &named(value)[..]].concat();
        let (before, after) = value.split_at(at);
        let edited = match edit {
            0 => [before, &new, &after[1..]].concat(),
            1 => [before, &new, after].concat(),
            2 => [before, &after[1..]].concat(),
            3 => before.to_vec(),
            4 => [&new, &b"; "[..], &named(&value)].concat(),
            5 => [&value, &b"; "[..], &named(&other)].concat(),
            6 => [b" ", &value[..], b"\t"].concat(),
            7 => [b"\"", &value[..], b"\""].concat(),
            8 => other_group(&value),
            // The last digit of a signature has bits that say nothing.
            9 => [&value[..value.len() - 1], &new].concat(),
            10 => return vec![line(&value), named(&other)],
            11 => return vec![b"group".to_vec(), line(&value)],
            _ => value,
        };
        vec![line(&edited)]
    })
}

fn other_group(value: &[u8]) -> Vec<u8> {
    match value.strip_prefix(b"member") {
        Some(rest) => [b"a.b-c_D", rest].concat(),
        None => value.to_vec(),
    }
}

struct Case {
    layout: Layout,
    md5: Md5,
    /// How the cookies are signed, and how they are not.
    kinds: [fn(&str) -> Vary; 2],
}

const CASES: [Case; 5] = [
    Case {
        layout: Layout::Body,
        md5: Md5::SetMisc,
        kinds: [by_md5, by_hmac],
    },
    Case {
        layout: Layout::Response,
        md5: Md5::SetMisc,
        kinds: [by_md5, by_hmac],
    },
    Case {
        layout: Layout::Body,
        md5: Md5::Njs,
        kinds: [by_md5, by_hmac],
    },
    Case {
        layout: Layout::Body,
        md5: Md5::Njs,
        kinds: [by_hmac, by_md5],
    },
    Case {
        layout: Layout::Response,
        md5: Md5::Njs,
        kinds: [by_hmac, by_md5],
    },
];

/// A site whose handler says the group of its visitor, and where nginx finds under each
/// group's key what was put there by hand.
fn start(case: &Case) -> Stack {
    let vary = case.kinds[0](SECRET);
    let stack = Stack::setup()
        .cache(|pages| pages.vary(vary))
        .layout(case.layout)
        .md5(case.md5)
        .routes(|config| {
            let told = |variant: Variant| async move {
                ok().body(format!("~{}", variant.get("group").unwrap()))
            };
            config.route("/plain", web::get().to(told));
        })
        .start(Script::html());
    for value in ["", "member", "a.b-c_D"] {
        let key = PageKey::new(&format!("site1~{value}"), "/hit").to_string();
        let (flags, head) = match case.layout {
            Layout::Body => (0, ""),
            _ => (4, "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n"),
        };
        stack
            .memcached
            .set(key, flags, 0, format!("{head}~{value}"));
    }
    stack
}

fn ask(stack: &Stack, target: &str, lines: &[Vec<u8>]) -> Response {
    let request = (lines.iter()).fold(Request::get(target), |request, line| {
        request.header("Cookie", line)
    });
    let answer = request.send(stack.nginx.port());
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// The group that nginx takes a visitor for.
fn hit(stack: &Stack, lines: &[Vec<u8>]) -> String {
    let answer = ask(stack, "/hit", lines);
    assert_eq!(cache_status(&answer), NGINX_HIT, "{lines:?}");
    answer.text().to_owned()
}

#[test]
fn nginx_and_the_application_believe_the_same_groups() {
    for case in CASES {
        let stack = start(&case);
        let [own, other] = case.kinds;
        let ended = signed(own(SECRET), "member", 0);
        std::thread::sleep(Duration::from_millis(2_100));
        let member = signed(own(SECRET), "member", 600);
        let editor = signed(own(SECRET), "a.b-c_D", 9_000_000_000);
        let nobodys = [
            ended,
            signed(own(&SECRET.to_lowercase()), "member", 600),
            signed(other(SECRET), "member", 600),
        ];
        let one = |value: &[u8]| vec![[b"group=", value].concat()];
        assert_eq!(hit(&stack, &one(&member)), "~member");
        assert_eq!(hit(&stack, &one(&editor)), "~a.b-c_D");
        for anonymous in nobodys.iter().map(Vec::as_slice).chain([&b"x"[..], b""]) {
            assert_eq!(hit(&stack, &one(anonymous)), "~", "{anonymous:?}");
        }
        let good = [vec![member, editor], nobodys.to_vec()].concat();
        let mut runner = TestRunner::default();
        let mut seen = BTreeMap::<String, usize>::new();
        for _ in 0..requests() {
            let lines = lines(good.clone());
            let lines = lines.new_tree(&mut runner).unwrap().current();
            let told = ask(&stack, "/plain", &lines).text().to_owned();
            assert_eq!(hit(&stack, &lines), told, "{lines:?}");
            *seen.entry(told).or_default() += 1;
        }
        assert!(
            seen.len() == 3 && seen.values().all(|count| *count > 5),
            "{seen:?}"
        );
    }
}

#[test]
fn a_groups_cookie_is_what_the_application_sets() {
    for vary in [by_md5(SECRET), by_hmac(SECRET)] {
        let pages = grouped(vary).build().unwrap();
        let cookie = pages.group_cookie("group", "member", Duration::from_secs(60));
        let text = cookie.to_string();
        assert!(text.starts_with("group=member."), "{text}");
        for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=60"] {
            assert!(text.contains(part), "{text}");
        }
        let shown = format!("{pages:?} {:?}", Site::new(&pages));
        assert!(!shown.contains(SECRET), "{shown}");
    }
}

#[test]
#[should_panic(expected = "declare it with Vary::group")]
fn a_group_that_is_not_declared_has_no_cookie() {
    let pages = grouped(by_md5(SECRET)).build().unwrap();
    let _ = pages.group_cookie("group", "admin", Duration::from_secs(60));
}
