//! Memcached goes away, in every way, while visitors keep coming.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use testkit::{Fault, FaultProxy, Memcached, eventually, free_port};

use crate::app::{Site, at, builder, run_of, status_of, wait};

/// Longer than any visitor of a quick page may take, whatever Memcached does:
/// the time-out of a lookup, several times over, and a busy machine.
pub(crate) const TOLERABLE: Duration = Duration::from_secs(3);

/// Many visits one after the other, none of which may wait for a dead server.
#[track_caller]
pub(crate) fn visits_do_not_wait(site: &Site, name: &str) {
    let asked = Instant::now();
    for number in 0..50 {
        let target = format!("/{name}/{number}");
        run_of(&site.get(&target), &target);
    }
    let took = asked.elapsed();
    assert!(took < TOLERABLE, "50 visits took {took:?}");
}

/// Waits until visits to pages that nobody has asked for are answered without
/// asking the failing server.
#[track_caller]
pub(crate) fn until_skipped(site: &Site, name: &str) {
    let mut number = 0;
    eventually("the server is skipped", || {
        number += 1;
        let target = format!("/{name}/until/{number}");
        let response = site.get(&target);
        run_of(&response, &target);
        status_of(&response) == "fwd=uri-miss; detail=skipped"
    });
}

/// Waits until a page that nobody has asked for is stored again.
#[track_caller]
pub(crate) fn until_stored(site: &Site, name: &str) {
    let mut number = 0;
    eventually("pages are stored again", || {
        number += 1;
        let target = format!("/{name}/{number}");
        let response = site.get(&target);
        run_of(&response, &target);
        if status_of(&response) != "fwd=uri-miss; stored" {
            return false;
        }
        eventually("it is a hit or lost", || {
            status_of(&site.get(&target)) != "fwd=uri-miss"
        });
        status_of(&site.get(&target)) == "hit"
    });
}

/// Visitors who come all the time; stopped, they tell how many they were.
fn with_visitors(site: &Site, during: impl FnOnce()) -> usize {
    let (stop, visits) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for visitor in 0..3 {
            let (stop, visits) = (&stop, &visits);
            scope.spawn(move || {
                for number in (0..).take_while(|_| !stop.load(Ordering::SeqCst)) {
                    // Some pages are found, some are new.
                    let target = format!("/load/{}", (number * (visitor + 1)) % 500);
                    let asked = Instant::now();
                    run_of(&site.get(&target), &target);
                    let took = asked.elapsed();
                    assert!(took < TOLERABLE, "{target} took {took:?}");
                    visits.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        during();
        stop.store(true, Ordering::SeqCst);
    });
    visits.into_inner()
}

/// Breaks the server at `address` under load and mends it; visitors notice
/// nothing, then its absence, then that it is back.
#[track_caller]
pub(crate) fn visitors_do_not_notice(address: &str, mut broken: impl FnMut(bool)) {
    let pages = at(address).build().unwrap();
    let site = Site::quick(&pages);
    until_stored(&site, "before");
    let visits = with_visitors(&site, || {
        broken(true);
        until_skipped(&site, "during");
        visits_do_not_wait(&site, "during");
        thread::sleep(Duration::from_millis(500));
        visits_do_not_wait(&site, "later");
        broken(false);
        until_stored(&site, "after");
    });
    assert!(visits > 100, "only {visits} visits");
    wait(pages.flush());
}

#[test]
fn a_stopped_process_that_hangs_is_not_noticed() {
    let mut memcached = Memcached::start().unwrap();
    visitors_do_not_notice(&memcached.address(), |broken| {
        if broken {
            memcached.pause();
        } else {
            memcached.resume();
        }
    });
}

#[test]
fn a_killed_process_is_not_noticed() {
    let mut memcached = Memcached::start().unwrap();
    visitors_do_not_notice(&memcached.address(), |broken| {
        if broken {
            memcached.kill();
        } else {
            memcached.restart_empty().unwrap();
        }
    });
}

#[track_caller]
fn a_faulty_network_is_not_noticed(fault: Fault) {
    let memcached = Memcached::start().unwrap();
    let proxy = FaultProxy::start(memcached.port()).unwrap();
    visitors_do_not_notice(&proxy.address(), |broken| {
        proxy.set(if broken { fault } else { Fault::None });
    });
}

#[test]
fn refused_connections_are_not_noticed() {
    a_faulty_network_is_not_noticed(Fault::Refuse);
}

#[test]
fn connections_that_never_answer_are_not_noticed() {
    a_faulty_network_is_not_noticed(Fault::Hang);
}

#[test]
fn answers_that_come_a_second_late_are_not_noticed() {
    a_faulty_network_is_not_noticed(Fault::Delay(Duration::from_secs(1)));
}

#[test]
fn answers_of_nonsense_are_not_noticed() {
    a_faulty_network_is_not_noticed(Fault::Garbage);
}

#[test]
fn connections_closed_within_an_answer_are_not_noticed() {
    a_faulty_network_is_not_noticed(Fault::Cut);
}

#[test]
fn connections_reset_within_an_answer_are_not_noticed() {
    a_faulty_network_is_not_noticed(Fault::Reset);
}

#[test]
fn an_empty_restart_costs_each_page_one_render() {
    let mut memcached = Memcached::start().unwrap();
    let pages = at(&memcached.address()).build().unwrap();
    let site = Site::quick(&pages);
    for _ in 0..3 {
        run_of(&site.get("/page"), "/page");
        wait(pages.flush());
    }
    assert_eq!(site.runs("/page"), 1);
    let visits = with_visitors(&site, || {
        memcached.restart_empty().unwrap();
        until_stored(&site, "after");
    });
    assert!(visits > 0);
    let before = site.runs("/page");
    eventually("the page is found", || {
        status_of(&site.get("/page")) == "hit"
    });
    wait(pages.flush());
    assert_eq!(site.runs("/page"), before + 1);
}

#[test]
fn an_application_starts_and_serves_without_its_memcached() {
    let pages = at(&format!("127.0.0.1:{}", free_port())).build().unwrap();
    let site = Site::quick(&pages);
    visits_do_not_wait(&site, "first");
    until_skipped(&site, "down");
    visits_do_not_wait(&site, "later");
}

#[test]
fn a_host_name_that_nobody_knows_is_not_noticed() {
    let pages = at("memcached.invalid:11211").build().unwrap();
    let site = Site::quick(&pages);
    let asked = Instant::now();
    run_of(&site.get("/first"), "/first");
    assert!(asked.elapsed() < TOLERABLE);
    until_skipped(&site, "unknown");
    visits_do_not_wait(&site, "later");
}

#[test]
fn of_several_servers_only_the_dead_ones_pages_are_rendered_again() {
    let mut servers: Vec<_> = (0..3).map(|_| Memcached::start().unwrap()).collect();
    let addresses: Vec<_> = servers.iter().map(Memcached::address).collect();
    let pages = builder()
        .memcached(&addresses)
        .key_prefix(crate::app::PREFIX)
        .build()
        .unwrap();
    let site = Site::quick(&pages);
    let targets: Vec<_> = (0..90).map(|number| format!("/page/{number}")).collect();
    for target in &targets {
        run_of(&site.get(target), target);
    }
    wait(pages.flush());
    let dead = |target: &str| pages.key(target).to_string();
    let lost = servers[1].pages();
    assert!((1..90).contains(&lost.len()), "{} keys", lost.len());
    servers[1].pause();
    until_skipped_one(&site, &targets, |target| lost.contains(&dead(target)));
    let asked = Instant::now();
    for target in &targets {
        let response = site.get(target);
        run_of(&response, target);
        let expected = if lost.contains(&dead(target)) {
            "fwd=uri-miss; detail=skipped"
        } else {
            "hit"
        };
        assert_eq!(status_of(&response), expected, "{target}");
    }
    assert!(asked.elapsed() < TOLERABLE);
    servers[1].resume();
    eventually("every page is found", || {
        targets
            .iter()
            .all(|target| status_of(&site.get(target)) == "hit")
    });
}

#[track_caller]
fn until_skipped_one(site: &Site, targets: &[String], on_dead: impl Fn(&str) -> bool) {
    let target = targets.iter().find(|target| on_dead(target)).unwrap();
    eventually("the dead server is skipped", || {
        status_of(&site.get(target)) == "fwd=uri-miss; detail=skipped"
    });
}
