//! One render of a cold page over several processes: here several caches, each with a
//! site, that share nothing but Memcached.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use djanginxed::{PageCache, PageKey};
use testkit::http::{Connection, Response};
use testkit::{Memcached, eventually};

use crate::app::{Gate, PREFIX, Site, Visit, at, run_of, status_of};

const PAGE: &str = "/page?of=all";

/// Longer than a lock lives: who waits so long has not been let go.
const PATIENCE: Duration = Duration::from_secs(30);

fn caches(memcached: &Memcached, count: usize) -> Vec<PageCache> {
    let cache = |_| {
        at(&memcached.address())
            .render_lock(true)
            .coalesce_timeout(PATIENCE)
            // A busy machine is no fault of the server.
            .operation_timeout(PATIENCE)
            .build()
    };
    (0..count).map(cache).collect::<Result<_, _>>().unwrap()
}

/// Sites that count their renders together, and wait at a gate for the first `gated`.
fn sites(
    caches: &[PageCache],
    gated: usize,
    respond: fn(&Visit) -> actix_web::HttpResponse,
) -> (Vec<Site>, Arc<AtomicUsize>, Gate) {
    let (renders, gate) = (Arc::new(AtomicUsize::new(0)), Gate::default());
    let site = |pages| {
        let (renders, gate) = (Arc::clone(&renders), gate.clone());
        Site::start(pages, move |visit| {
            let number = renders.fetch_add(1, Ordering::SeqCst) + 1;
            let gate = gate.clone();
            async move {
                if number <= gated {
                    gate.pass().await;
                }
                respond(&visit)
            }
        })
    };
    (caches.iter().map(site).collect(), renders, gate)
}

fn answer(mut visitor: Connection) -> Response {
    visitor.receive().expect("a whole response")
}

fn is_locked(memcached: &Memcached) -> bool {
    let lock = format!("lk:{}", PageKey::new(PREFIX, PAGE));
    memcached.get(&lock).is_some()
}

#[test]
fn a_thousand_visitors_of_three_processes_share_one_render() {
    let memcached = Memcached::start().unwrap();
    let (sites, renders, gate) = sites(&caches(&memcached, 3), 1, Visit::page);
    let crowds: Vec<_> = (sites.iter().map(|site| site.crowd(PAGE, 334))).collect();
    eventually("one renders", || renders.load(Ordering::SeqCst) == 1);
    gate.open();
    let mut stored = 0;
    for response in crowds.into_iter().flatten().map(answer) {
        assert_eq!(run_of(&response, PAGE), 1);
        stored += usize::from(status_of(&response) == "fwd=uri-miss; stored");
    }
    assert_eq!((stored, renders.load(Ordering::SeqCst)), (1, 1));
    eventually("the lock is given back", || !is_locked(&memcached));
}

#[test]
fn who_waited_for_another_process_says_so() {
    let memcached = Memcached::start().unwrap();
    let (sites, renders, gate) = sites(&caches(&memcached, 2), 1, Visit::page);
    let first = sites[0].ask(PAGE);
    eventually("the first renders", || renders.load(Ordering::SeqCst) == 1);
    let second = sites[1].crowd(PAGE, 1).remove(0);
    gate.open();
    assert_eq!(status_of(&answer(first)), "fwd=uri-miss; stored");
    assert_eq!(status_of(&answer(second)), "fwd=uri-miss; collapsed");
}

#[test]
fn a_response_for_its_visitor_alone_lets_other_processes_go_at_once() {
    let memcached = Memcached::start().unwrap();
    let respond = |visit: &Visit| {
        let mut response = visit.page();
        let name = actix_web::http::header::SET_COOKIE;
        let headers = response.headers_mut();
        headers.insert(name, "a=b".parse().unwrap());
        response
    };
    let (sites, renders, gate) = sites(&caches(&memcached, 2), 1, respond);
    let first = sites[0].ask(PAGE);
    eventually("the first renders", || renders.load(Ordering::SeqCst) == 1);
    let second = sites[1].crowd(PAGE, 1).remove(0);
    let asked = Instant::now();
    gate.open();
    for response in [answer(first), answer(second)] {
        assert_eq!(status_of(&response), "fwd=uri-miss; detail=set-cookie");
    }
    assert!(
        asked.elapsed() < Duration::from_secs(8),
        "it waited for the lock's end"
    );
    assert_eq!(renders.load(Ordering::SeqCst), 2);
}

#[test]
fn a_visitor_who_leaves_gives_the_lock_back() {
    let memcached = Memcached::start().unwrap();
    let (sites, renders, gate) = sites(&caches(&memcached, 2), 1, Visit::page);
    let first = sites[0].ask(PAGE);
    eventually("the first renders", || renders.load(Ordering::SeqCst) == 1);
    let second = sites[1].crowd(PAGE, 1).remove(0);
    let asked = Instant::now();
    first.reset().unwrap();
    assert_eq!(run_of(&answer(second), PAGE), 1);
    assert!(
        asked.elapsed() < Duration::from_secs(8),
        "it waited for the lock's end"
    );
    gate.open();
}

#[test]
fn a_killed_process_costs_the_others_its_lock_at_the_most() {
    let memcached = Memcached::start().unwrap();
    let lock = format!("lk:{}", PageKey::new(PREFIX, PAGE));
    // As a process leaves it that was killed in the middle of a render.
    memcached.set(&lock, 0, 2, b"");
    let (sites, ..) = sites(&caches(&memcached, 1), 0, Visit::page);
    assert_eq!(run_of(&sites[0].get(PAGE), PAGE), 1);
}

#[test]
fn nobody_waits_longer_than_the_coalesce_timeout() {
    let memcached = Memcached::start().unwrap();
    let lock = format!("lk:{}", PageKey::new(PREFIX, PAGE));
    memcached.set(&lock, 0, 600, b"");
    let short = Duration::from_millis(300);
    let pages = at(&memcached.address()).render_lock(true);
    let pages = pages.coalesce_timeout(short).build().unwrap();
    let site = Site::quick(&pages);
    assert_eq!(run_of(&site.get(PAGE), PAGE), 1);
    assert!(is_locked(&memcached));
}

#[test]
fn without_the_lock_each_process_renders() {
    let memcached = Memcached::start().unwrap();
    let cache = |_| at(&memcached.address()).build();
    let caches: Vec<_> = (0..2).map(cache).collect::<Result<_, _>>().unwrap();
    let (sites, renders, gate) = sites(&caches, 2, Visit::page);
    let visitors: Vec<_> = sites.iter().map(|site| site.ask(PAGE)).collect();
    eventually("both render", || renders.load(Ordering::SeqCst) == 2);
    gate.open();
    for visitor in visitors {
        assert_eq!(status_of(&answer(visitor)), "fwd=uri-miss; stored");
    }
}
