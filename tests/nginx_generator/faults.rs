use std::time::{Duration, Instant};

use testkit::{Fault, FaultProxy, Memcached, eventually};

use crate::stand::{Stand, cache, is_hit, stand};
use djanginxed::nginx::Md5;

#[test]
fn with_memcached_down_the_application_answers() {
    let mut stand = stand();
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
    let mut stand = stand();
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
    let memcached = Memcached::start().unwrap();
    let proxy = FaultProxy::start(memcached.port()).unwrap();
    let pages = cache(&memcached)
        .memcached([proxy.address()])
        .build()
        .unwrap();
    let stand = Stand::over(memcached, &pages, Md5::SetMisc, |site| site);
    stand.store("site1", "/a", "stored");
    assert!(is_hit(&stand.get("/a")));
    for fault in [Fault::Garbage, Fault::Reset, Fault::Refuse] {
        proxy.set(fault);
        assert!(!is_hit(&stand.get("/a")), "{fault:?}");
    }
}
