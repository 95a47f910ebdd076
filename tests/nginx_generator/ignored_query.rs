//! Ignored query parameters: nginx's maps against the function beside them.

use djanginxed::nginx::{IgnoredQuery, Md5, Site, Target};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use testkit::Memcached;
use testkit::http::{Connection, Request};

use crate::hits::targets;
use crate::stand::{Stand, cache, is_hit};

const NAMES: [&str; 5] = ["utm_source", "utm_*", "gclid", "a.b-c", "x*"];

fn site(site: Site) -> Site {
    NAMES.into_iter().fold(site, Site::ignore_query)
}

fn ignored() -> IgnoredQuery {
    IgnoredQuery::new(NAMES).unwrap()
}

fn stand(md5: Md5) -> Stand {
    let memcached = Memcached::start().unwrap();
    let pages = cache(&memcached).build().unwrap();
    // What nginx makes of a target is told to who asks for that host.
    Stand::edited(memcached, &pages, md5, site, |port, file| {
        format!(
            "{file}\nserver {{ listen 127.0.0.1:{port}; server_name echo;
            location / {{ return 200 \"$djanginxed_ignored $djanginxed_target\"; }} }}"
        )
    })
}

/// Parameters that are ignored, that nearly are, and that have nothing to do with it.
fn parameter() -> impl Strategy<Value = Vec<u8>> {
    const USUAL: &[&str] = &[
        "utm_source=1",
        "utm_source",
        "utm_=",
        "utm_x=a=b",
        "gclid=%26",
        "gclid",
        "a.b-c=1",
        "x",
        "",
    ];
    const OTHER: &[&str] = &[
        "",
        "b",
        "b=1",
        "gclid2=1",
        "GCLID=1",
        "utm=1",
        "a0b-c",
        "%75tm_source=1",
        "y?gclid=1",
        "y;gclid=1",
        "=gclid",
        "#gclid",
        "utm_x#f",
        "$q{1}",
    ];
    prop_oneof![
        3 => select(USUAL).prop_map(|text| text.as_bytes().to_vec()),
        3 => select(OTHER).prop_map(|text| text.as_bytes().to_vec()),
        1 => vec(select(&b"gclidutm_sourcex=?;\"'|\\{}[]%20+/.~\xff\xc3\xa9"[..]), 0..12)
            .prop_filter("nginx refuses it", |bytes| !bytes.contains(&b'%')),
    ]
}

fn target() -> impl Strategy<Value = Vec<u8>> {
    const PATHS: &[&str] = &[
        "/",
        "/a",
        "//a",
        "/./a",
        "/a%2Fb",
        "/a&gclid=1",
        "/gclid=1&",
        "/a\"b|\\{}",
        "/\u{e9}",
    ];
    let short = vec(parameter(), 0..8);
    let long = vec(parameter(), 8..60);
    let query =
        prop_oneof![1 => Just(None), 9 => prop_oneof![4 => short, 1 => long].prop_map(Some)];
    (select(PATHS), query).prop_map(|(path, query)| {
        let mut target = path.as_bytes().to_vec();
        if let Some(query) = query {
            target.push(b'?');
            target.extend(query.join(&b'&'));
        }
        target
    })
}

/// What nginx answers for the host `echo` when it makes `asked` of `target`.
fn told(target: &[u8], asked: Target) -> Vec<u8> {
    match asked {
        Target::Without(target) => [b" ", &target[..]].concat(),
        Target::Past => b"1 ".to_vec(),
        _ => [b" ", target].concat(),
    }
}

#[test]
fn nginx_makes_of_6000_targets_what_the_function_makes_of_them() {
    let (stand, ignored) = (stand(Md5::SetMisc), ignored());
    let mut runner = TestRunner::default();
    let mut seen = [0; 3];
    for _ in 0..60 {
        let mut connection = Connection::open(stand.nginx.port()).unwrap();
        for _ in 0..100 {
            let target = target().new_tree(&mut runner).unwrap().current();
            let request = Request::get(&target).header("Host", "echo");
            connection.send(&request).unwrap();
            let response = connection.receive().unwrap();
            let text = String::from_utf8_lossy(&target);
            assert_eq!(response.status, 200, "{text}");
            let asked = ignored.target_of(&target);
            seen[match asked {
                Target::Unchanged => 0,
                Target::Past => 1,
                _ => 2,
            }] += 1;
            let past = asked == Target::Past;
            let told = told(&target, asked);
            let answer = &response.body[..];
            // What goes past is asked for as it is.
            assert!(
                if past {
                    answer.starts_with(&told)
                } else {
                    answer == told
                },
                "{text}: {response:?}"
            );
        }
    }
    assert!(seen.iter().all(|count| *count > 100), "{seen:?}");
}

#[test]
fn the_longest_targets_are_worked_out_at_once() {
    let (stand, ignored) = (stand(Md5::SetMisc), ignored());
    for query in [
        "utm_a&".repeat(1_200),
        "b&".repeat(3_500),
        format!("{}gclid", "b&".repeat(3_500)),
        format!("gclid&{}", "b&".repeat(3_500)),
        "utm_a&b&".repeat(900),
        format!("gclid={}", "x".repeat(7_000)),
        "utm".repeat(2_300),
    ] {
        let target = format!("/a?{query}");
        let expected = ignored.target_of(target.as_bytes());
        let response = Request::get(&target)
            .header("Host", "echo")
            .send(stand.nginx.port());
        assert!(
            response
                .body
                .starts_with(&told(target.as_bytes(), expected))
        );
    }
    assert!(
        !stand.nginx.error_log().contains("pcre"),
        "{}",
        stand.nginx.error_log()
    );
}

#[test]
fn every_listed_target_with_an_ignored_parameter_is_the_hit_of_the_one_without() {
    for md5 in [Md5::SetMisc, Md5::Njs] {
        let stand = stand(md5);
        let pairs: Vec<_> = targets()
            .filter(|target| !target.starts_with("http"))
            .map(|target| with_and_without(&target))
            .collect();
        for (asked, kept) in &pairs {
            let missed = stand.get(asked);
            assert!(!is_hit(&missed), "{asked}");
            let seen = missed.text().lines().next();
            assert_eq!(seen, Some(format!("GET {kept}").as_str()));
        }
        for (asked, kept) in &pairs {
            stand.store("site1", kept, asked);
            for target in [asked, kept] {
                let found = stand.get(target);
                assert!(is_hit(&found), "{md5:?} {target}");
                assert_eq!(found.text(), asked);
            }
        }
    }
}

/// `target` with an ignored parameter, and what nginx makes of it.
fn with_and_without(target: &str) -> (String, String) {
    let mark = if target.contains('?') { '&' } else { '?' };
    let asked = format!("{target}{mark}utm_source=%2F|");
    match ignored().target_of(asked.as_bytes()) {
        Target::Without(kept) => (asked, String::from_utf8(kept).unwrap()),
        other => panic!("{asked}: {other:?}"),
    }
}

#[test]
fn what_goes_past_the_cache_keeps_its_parameters() {
    let stand = stand(Md5::SetMisc);
    stand.store("site1", "/a", "stored");
    let target = "/a?utm_source=1&b";
    let many = format!("/a?{}", "gclid&b&".repeat(13));
    for (request, seen) in [
        (
            Request::new("POST", target).body("x"),
            format!("POST {target}\n"),
        ),
        (
            Request::get(target).header("Authorization", "x"),
            format!("GET {target}\n"),
        ),
        (Request::get(target).body("x"), format!("GET {target}\n")),
        (Request::get(&many), format!("GET {many}\n")),
    ] {
        let answer = stand.send(request);
        assert!(!is_hit(&answer));
        assert!(answer.text().starts_with(&seen), "{}", answer.text());
        assert!(answer.text().contains("\ndjanginxed-bypass: 1\n"));
    }
    // A target without a path, which nginx has no key for.
    let bare = stand.get("http://www.example.com?gclid");
    assert!(bare.text().starts_with("GET /?gclid\n"), "{}", bare.text());
    let head = stand.send(Request::new("HEAD", "/a?utm_source=1"));
    assert!(is_hit(&head));
    let line = "\"HEAD /a?utm_source=1 HTTP/1.1\"";
    testkit::eventually("the log has the target as sent", || {
        stand.nginx.access_log().contains(line)
    });
}

#[test]
fn locations_of_their_own_and_never_cached_ones_stay_what_they_are() {
    let stand = Stand::with(cache, |own| {
        site(
            own.page("/feed/", "site2", "text/xml")
                .never_cache("/admin/")
                .name("blog"),
        )
    });
    stand.store_as("site2", "text/xml", "/feed/?b", "feed");
    assert_eq!(stand.get("/feed/?utm_x&b").text(), "feed");
    let admin = stand.get("/admin/?utm_x&b");
    assert!(
        admin.text().starts_with("GET /admin/?utm_x&b\n"),
        "{}",
        admin.text()
    );
    let whole = stand.get("http://www.example.com//x?utm_x&b");
    assert!(whole.text().starts_with("GET //x?b\n"), "{}", whole.text());
    let page = stand.get("/x?utm_x&b");
    assert!(page.text().starts_with("GET /x?b\n"), "{}", page.text());
    // nginx takes it for /x, the application for a feed.
    let other = stand.get("/feed/../x?utm_x&b");
    assert!(
        other.text().starts_with("GET /feed/../x?utm_x&b\n"),
        "{}",
        other.text()
    );
}
