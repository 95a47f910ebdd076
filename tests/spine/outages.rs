//! Pages without Memcached: as good as with it, only not cached.

use std::time::Instant;

use testkit::http::{Request, get};
use testkit::{Memcached, eventually};

use crate::stack::{NGINX_HIT, Script, Stack, cache_status, wait};

/// A stack with the settings that a site has, time-out included.
fn usual(memcached: Memcached) -> Stack {
    Stack::setup()
        .memcached(memcached)
        .cache(|builder| builder.operation_timeout(std::time::Duration::from_millis(100)))
        .start(Script::html())
}

#[track_caller]
fn pages_come(stack: &Stack, targets: std::ops::Range<u32>) {
    for target in targets {
        let target = format!("/{target}");
        for port in [stack.nginx.port(), stack.application.port()] {
            let page = get(port, &target);
            assert_eq!(page.status, 200, "{page:?}");
            assert!(page.text().ends_with(&format!(" of {target}")), "{page:?}");
        }
        let head = Request::new("HEAD", &target).send(stack.nginx.port());
        assert_eq!(head.status, 200);
        let post = Request::new("POST", &target)
            .body("x")
            .send(stack.nginx.port());
        assert_eq!(post.status, 200);
    }
}

#[track_caller]
fn is_found_again(stack: &Stack, target: &str) {
    eventually("nginx finds a page in Memcached", || {
        let page = stack.get(target);
        assert_eq!(page.status, 200);
        cache_status(&page) == NGINX_HIT
    });
}

#[test]
fn an_application_starts_and_serves_with_memcached_down() {
    let mut memcached = Memcached::start().unwrap();
    memcached.stop();
    let mut stack = usual(memcached);
    pages_come(&stack, 0..10);
    stack.memcached.restart_empty().unwrap();
    is_found_again(&stack, "/0");
}

#[test]
fn nobody_is_told_that_a_page_is_stored_once_a_lookup_has_failed() {
    let mut stack = usual(Memcached::start().unwrap());
    let _ = stack.get("/0");
    stack.memcached.stop();
    for number in 1..10 {
        let status = cache_status(&stack.get(format!("/{number}")));
        assert!(!status.contains("stored"), "/{number}: {status}");
        assert!(status.starts_with("djanginxed; fwd=uri-miss"), "{status}");
    }
    stack.memcached.restart_empty().unwrap();
    is_found_again(&stack, "/0");
}

#[test]
fn pages_come_when_memcached_goes_down_later_and_are_found_again_when_it_is_back() {
    let mut stack = usual(Memcached::start().unwrap());
    let _ = stack.get("/0");
    assert_eq!(cache_status(&stack.get("/0")), NGINX_HIT);
    stack.memcached.kill();
    pages_come(&stack, 0..10);
    stack.memcached.restart_empty().unwrap();
    is_found_again(&stack, "/0");
}

#[test]
fn pages_come_while_memcached_hangs() {
    let mut stack = usual(Memcached::start().unwrap());
    let _ = stack.get("/0");
    stack.memcached.pause();
    let begun = Instant::now();
    pages_come(&stack, 0..10);
    // Each of the 40 requests waiting a second would be far beyond this.
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    stack.memcached.resume();
    is_found_again(&stack, "/1");
}

#[test]
fn a_delete_that_cannot_be_made_is_an_error() {
    let mut stack = Stack::start();
    let _ = stack.get("/a");
    let key = stack.pages.key("/a");
    stack.memcached.stop();
    let error = wait(stack.pages.delete(&key)).unwrap_err();
    assert!(
        error.to_string().contains(&stack.memcached.address()),
        "{error}"
    );
}

#[test]
fn a_flush_ends_with_memcached_down() {
    let mut stack = Stack::start();
    stack.memcached.stop();
    assert_eq!(get(stack.application.port(), "/a").status, 200);
    stack.settle();
}
