use std::time::{Duration, Instant};

use testkit::{Fault, FaultProxy, Memcached, eventually};

use crate::stand::{Stand, cache, is_hit, stand};
use djanginxed::Layout;
use djanginxed::nginx::Md5;

/// A stand of bodies, and those of whole responses.
fn stands() -> Vec<Stand> {
    let whole = [Md5::SetMisc, Md5::Njs].map(|md5| {
        let memcached = Memcached::start().unwrap();
        let pages = cache(&memcached).layout(Layout::Response).build().unwrap();
        Stand::over(memcached, &pages, md5, |site| site).of_responses()
    });
    std::iter::once(stand()).chain(whole).collect()
}

#[test]
fn with_memcached_down_the_application_answers() {
    stands().into_iter().for_each(answers_with_memcached_down);
}

fn answers_with_memcached_down(mut stand: Stand) {
    stand.store("site1", "/a", "stored");
    stand.memcached.stop();
    for _ in 0..5 {
        assert!(!is_hit(&stand.get("/a")));
    }
    stand.memcached.restart_empty().unwrap();
    stand.store("site1", "/a", "stored");
    eventually("nginx asks Memcached again", || is_hit(&stand.get("/a")));
}

#[test]
fn a_hung_memcached_is_soon_left_alone() {
    stands().into_iter().for_each(soon_leaves_memcached_alone);
}

fn soon_leaves_memcached_alone(mut stand: Stand) {
    stand.memcached.pause();
    let begin = Instant::now();
    for _ in 0..60 {
        assert!(!is_hit(&stand.get("/a")));
    }
    // 60 time-outs of 100 ms would be 6 s.
    assert!(begin.elapsed() < Duration::from_secs(3));
    stand.memcached.resume();
}

#[test]
fn one_hung_server_of_two_does_not_keep_visitors_waiting() {
    let first = Memcached::start().unwrap();
    let mut second = Memcached::start().unwrap();
    let pages = cache(&first)
        .memcached([first.address(), second.address()])
        .build()
        .unwrap();
    let stand = Stand::over(first, &pages, Md5::SetMisc, |site| site);
    second.pause();
    let begin = Instant::now();
    for number in 0..120 {
        assert!(!is_hit(&stand.get(&format!("/{number}"))));
    }
    assert!(begin.elapsed() < Duration::from_secs(3));
    second.resume();
}

#[test]
fn nonsense_from_memcached_is_a_miss() {
    takes_nonsense_for_a_miss(Layout::Body, Md5::SetMisc);
    takes_nonsense_for_a_miss(Layout::Response, Md5::SetMisc);
    takes_nonsense_for_a_miss(Layout::Response, Md5::Njs);
}

fn takes_nonsense_for_a_miss(layout: Layout, md5: Md5) {
    let memcached = Memcached::start().unwrap();
    let proxy = FaultProxy::start(memcached.port()).unwrap();
    let pages = cache(&memcached)
        .memcached([proxy.address()])
        .layout(layout)
        .build()
        .unwrap();
    let mut stand = Stand::over(memcached, &pages, md5, |site| site);
    if layout == Layout::Response {
        stand = stand.of_responses();
    }
    stand.store("site1", "/a", "stored");
    assert!(is_hit(&stand.get("/a")));
    for fault in [Fault::Garbage, Fault::Reset, Fault::Refuse] {
        proxy.set(fault);
        assert!(!is_hit(&stand.get("/a")), "{fault:?}");
    }
}
