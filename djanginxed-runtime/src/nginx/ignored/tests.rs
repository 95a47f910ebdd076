#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use super::{IgnoredQuery, RUNS, Target};

fn asked(target: &str) -> Target {
    let ignored = IgnoredQuery::new(["utm_source", "utm_*", "gclid", "a.b-c"]).unwrap();
    ignored.target_of(target.as_bytes())
}

#[test]
fn ignored_parameters_leave_the_others_as_they_are() {
    for (target, without) in [
        ("/?utm_source=1", "/"),
        ("/a?utm_source", "/a"),
        ("/a?utm_source=", "/a"),
        ("/a?utm_=1&utm_x", "/a"),
        ("/a?b=2&gclid=1&a=%2f+|", "/a?b=2&a=%2f+|"),
        ("/a?gclid=1&b", "/a?b"),
        ("/a?b&gclid=1", "/a?b"),
        ("/a?b&gclid=x=y?z&b", "/a?b&b"),
        ("//a/../%2F?gclid&utm_b&c=\"{}", "//a/../%2F?c=\"{}"),
        ("/a?a.b-c", "/a"),
        ("/a?&gclid", "/a"),
        ("/a?gclid&", "/a"),
        ("/a?&gclid&", "/a?&"),
        ("/a?&&gclid", "/a?&"),
        ("/a?b&&gclid&&c", "/a?b&&&c"),
        ("/a?utm_x#frag", "/a"),
    ] {
        let expected = Target::Without(without.into());
        assert_eq!(asked(target), expected, "{target}");
    }
}

#[test]
fn other_parameters_are_no_ignored_ones() {
    for target in [
        "/a",
        "/a?",
        "/a?&",
        "/a??gclid=1",
        "/gclid=1",
        "/a&gclid=1",
        "/a?GCLID=1",
        "/a?gclid2=1",
        "/a?xgclid=1",
        "/a?gclid%3D1",
        "/a?g%63lid=1",
        "/a?x;gclid=1",
        "/a?utm=1",
        "/a?a1b-c",
        "/a?x=gclid",
    ] {
        assert_eq!(asked(target), Target::Unchanged, "{target}");
    }
}

#[test]
fn more_runs_than_nginx_can_take_out_go_past() {
    let most = format!("/a?{}", ["gclid&gclid=2"; RUNS].join("&b&"));
    let kept = format!("/a?{}", ["b"; RUNS - 1].join("&"));
    assert_eq!(asked(&most), Target::Without(kept.into()));
    assert_eq!(asked(&format!("{most}&b&gclid")), Target::Past);
    assert_eq!(asked("?gclid"), Target::Past);
}
