//! What waits for the writer is bounded, in number, in bytes and in time.

use std::thread;
use std::time::{Duration, Instant};

use testkit::{Fault, FaultProxy, Memcached, free_port};

use crate::app::{Site, at, builder, pages_sent_to, run_of, status_of, wait};

#[test]
fn what_the_queue_does_not_take_is_dropped_and_no_page_notices() {
    let mut memcached = Memcached::start().unwrap();
    let pages = at(&memcached.address())
        .lookup(false)
        .queue(2, 1_000_000)
        .build()
        .unwrap();
    let site = Site::quick(&pages);
    memcached.pause();
    let asked = Instant::now();
    let mut taken = 0;
    for number in 0..50 {
        let target = format!("/page/{number}");
        let response = site.get(&target);
        run_of(&response, &target);
        match status_of(&response) {
            "fwd=uri-miss; stored" => taken += 1,
            status => assert_eq!(status, "fwd=uri-miss; detail=queue-full"),
        }
    }
    assert_eq!(taken, 2);
    assert!(asked.elapsed() < Duration::from_secs(1));
    memcached.resume();
    wait(pages.flush());
    assert_eq!(memcached.pages().len(), 2);
}

#[test]
fn the_queue_is_bounded_by_bytes_too() {
    let mut memcached = Memcached::start().unwrap();
    let pages = at(&memcached.address())
        .lookup(false)
        .queue(1000, 100_000)
        .build()
        .unwrap();
    let site = Site::start(&pages, |visit| async move { visit.page_of(30_000) });
    memcached.pause();
    let mut taken = 0;
    for number in 0..20 {
        let target = format!("/page/{number}");
        let response = site.get(&target);
        run_of(&response, &target);
        if status_of(&response) == "fwd=uri-miss; stored" {
            taken += response.body.len();
        }
    }
    assert!((60_000..100_000).contains(&taken), "{taken} bytes taken");
    memcached.resume();
}

#[test]
fn of_several_renders_of_a_page_the_newest_is_stored() {
    let mut memcached = Memcached::start().unwrap();
    let pages = at(&memcached.address()).lookup(false).build().unwrap();
    let site = Site::quick(&pages);
    // What its index needs once is there then, too.
    run_of(&site.get("/page"), "/page");
    wait(pages.flush());
    let before = pages_sent_to(&memcached);
    memcached.pause();
    for run in 2..=51 {
        assert_eq!(run_of(&site.get("/page"), "/page"), run);
    }
    memcached.resume();
    wait(pages.flush());
    let item = memcached.get(pages.key("/page").to_string()).unwrap();
    let stored = String::from_utf8(item.bytes).unwrap();
    assert!(stored.contains("/page render 51 "), "{stored}");
    // The first may have been on its way already.
    assert!(pages_sent_to(&memcached) - before <= 2);
}

#[test]
fn a_flush_with_a_hung_server_ends() {
    let mut memcached = Memcached::start().unwrap();
    memcached.pause();
    let pages = at(&memcached.address()).lookup(false).build().unwrap();
    // Several batches, each of which would have a time-out of its own.
    let site = Site::start(&pages, |visit| async move { visit.page_of(400_000) });
    for number in 0..40 {
        let target = format!("/page/{number}");
        run_of(&site.get(&target), &target);
    }
    let asked = Instant::now();
    wait(pages.flush());
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(9), "it took {took:?}");
}

#[test]
fn a_flush_with_nothing_to_do_ends_at_once() {
    let address = format!("127.0.0.1:{}", free_port());
    wait(at(&address).build().unwrap().flush());
    wait(builder().build().unwrap().flush());
}

#[test]
fn a_flush_waits_until_every_page_is_stored() {
    let memcached = Memcached::start().unwrap();
    let pages = at(&memcached.address()).build().unwrap();
    let site = Site::quick(&pages);
    for number in 0..300 {
        run_of(&site.get(&format!("/{number}")), &format!("/{number}"));
    }
    wait(pages.flush());
    assert_eq!(memcached.pages().len(), 300);
}

#[test]
fn the_last_handle_drops_when_its_pages_are_stored() {
    let memcached = Memcached::start().unwrap();
    let proxy = FaultProxy::start(memcached.port()).unwrap();
    // Of two batches, each of two exchanges, in the two seconds that a drop may take.
    proxy.set(Fault::Delay(Duration::from_millis(200)));
    let pages = at(&proxy.address()).lookup(false).build().unwrap();
    let site = Site::quick(&pages);
    for number in 0..100 {
        run_of(&site.get(&format!("/{number}")), &format!("/{number}"));
    }
    drop(site);
    // actix's workers drop their handles a little after their server has ended.
    thread::sleep(Duration::from_millis(100));
    drop(pages);
    assert_eq!(memcached.pages().len(), 100);
}

#[test]
fn the_last_handle_drops_within_a_bound_when_the_server_hangs() {
    let mut memcached = Memcached::start().unwrap();
    memcached.pause();
    let pages = at(&memcached.address()).lookup(false).build().unwrap();
    let site = Site::quick(&pages);
    run_of(&site.get("/page"), "/page");
    let dropped = Instant::now();
    drop(site);
    drop(pages);
    let took = dropped.elapsed();
    assert!(took < Duration::from_secs(5), "it took {took:?}");
}
