//! The same faults as a visitor in front of nginx meets them.

use std::time::{Duration, Instant};

use testkit::{Memcached, Module, Nginx, eventually, eventually_within, free_port, get};

use crate::app::{Site, at, run_of, status_of, wait};
use crate::outages::TOLERABLE;

/// nginx with the generated file in front of `site`.
pub(crate) fn in_front_of(site: &Site, memcached: &Memcached) -> Nginx {
    let pages = at(&memcached.address()).build().unwrap();
    let file = djanginxed::nginx::Site::new(&pages)
        .server_name("127.0.0.1")
        .app(format!("127.0.0.1:{}", site.port));
    Nginx::builder()
        .modules([Module::SetMisc, Module::Srcache])
        .start(|port| {
            let file = file
                .clone()
                .listen(format!("127.0.0.1:{port}"))
                .inner(format!("127.0.0.1:{}", free_port()));
            file.generate().unwrap().site()
        })
        .unwrap()
}

#[track_caller]
pub(crate) fn visits(nginx: &Nginx, name: &str) -> Duration {
    let asked = Instant::now();
    for number in 0..30 {
        let target = format!("/{name}/{number}");
        run_of(&get(nginx.port(), &target), &target);
    }
    asked.elapsed()
}

/// Breaks the server while pages are found by nginx, and mends it.
#[track_caller]
pub(crate) fn visitors_in_front_of_nginx_do_not_notice(
    mut memcached: Memcached,
    mut broken: impl FnMut(&mut Memcached, bool),
) {
    let pages = at(&memcached.address()).build().unwrap();
    let site = Site::quick(&pages);
    let nginx = in_front_of(&site, &memcached);
    visits(&nginx, "page");
    wait(pages.flush());
    assert_eq!(
        get(nginx.port(), "/page/1").header("cache-status"),
        Some("nginx; hit")
    );
    assert_eq!(site.runs("/page/1"), 1);

    broken(&mut memcached, true);
    // nginx and the application each find out in their own time-outs.
    let took = visits(&nginx, "page");
    assert!(took < Duration::from_secs(4), "{took:?}");
    let took = visits(&nginx, "page");
    assert!(took < TOLERABLE, "{took:?} when everybody knows");

    broken(&mut memcached, false);
    // On a busy machine a lookup may take too long, and nginx then leaves Memcached
    // alone for another five seconds.
    eventually_within(Duration::from_secs(60), "nginx finds pages again", || {
        let response = get(nginx.port(), "/page/1");
        run_of(&response, "/page/1");
        response.header("cache-status") == Some("nginx; hit")
    });
    eventually("the application finds pages again", || {
        status_of(&site.get("/page/1")) == "hit"
    });
}

#[test]
fn a_hung_memcached_behind_nginx_is_not_noticed() {
    let memcached = Memcached::start().unwrap();
    visitors_in_front_of_nginx_do_not_notice(memcached, |memcached, broken| match broken {
        true => memcached.pause(),
        false => memcached.resume(),
    });
}

#[test]
fn a_killed_memcached_behind_nginx_is_not_noticed() {
    let memcached = Memcached::start().unwrap();
    visitors_in_front_of_nginx_do_not_notice(memcached, |memcached, broken| match broken {
        true => memcached.kill(),
        false => memcached.restart_empty().unwrap(),
    });
}

#[test]
fn nginx_asks_again_for_a_page_that_was_deleted() {
    let memcached = Memcached::start().unwrap();
    let pages = at(&memcached.address()).build().unwrap();
    let site = Site::quick(&pages);
    let nginx = in_front_of(&site, &memcached);
    for run in 1..=5 {
        assert_eq!(run_of(&get(nginx.port(), "/page"), "/page"), run);
        wait(pages.flush());
        wait(pages.delete(&pages.key("/page"))).unwrap();
    }
}
