//! The same faults as a visitor in front of nginx meets them.

use std::time::{Duration, Instant};

use testkit::{Memcached, Nginx, eventually, get};

use crate::app::{PREFIX, Site, at, run_of, status_of, wait};
use crate::outages::TOLERABLE;

/// nginx in front of `site`: it skips a server that hangs, since a second one
/// that refuses at once makes `max_fails` count.
fn in_front_of(site: &Site, memcached: &Memcached) -> Nginx {
    let (site, memcached) = (site.port, memcached.address());
    Nginx::start(|port| {
        format!(
            "upstream pages {{
                 server {memcached} max_fails=2 fail_timeout=5s;
                 server 127.0.0.1:1 backup;
                 keepalive 8;
             }}
             upstream app {{ server 127.0.0.1:{site}; }}
             server {{
                 listen 127.0.0.1:{port};
                 set_md5 $memcached_key {PREFIX}$request_uri;
                 default_type text/html;
                 charset utf-8;
                 add_header Cache-Status $from always;
                 set $from 'nginx; hit';
                 location / {{
                     memcached_pass pages;
                     memcached_connect_timeout 100ms;
                     memcached_send_timeout 100ms;
                     memcached_read_timeout 200ms;
                     error_page 404 405 500 502 504 = @app;
                 }}
                 location @app {{
                     set $from '';
                     proxy_pass http://app;
                     proxy_http_version 1.1;
                     proxy_set_header Connection '';
                 }}
             }}"
        )
    })
    .unwrap()
}

#[track_caller]
fn visits(nginx: &Nginx, name: &str) -> Duration {
    let asked = Instant::now();
    for number in 0..30 {
        let target = format!("/{name}/{number}");
        run_of(&get(nginx.port(), &target), &target);
    }
    asked.elapsed()
}

/// Breaks the server while pages are found by nginx, and mends it.
#[track_caller]
fn visitors_in_front_of_nginx_do_not_notice(mut broken: impl FnMut(&mut Memcached, bool)) {
    let mut memcached = Memcached::start().unwrap();
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
    eventually("nginx finds pages again", || {
        let response = get(nginx.port(), "/page/1");
        run_of(&response, "/page/1");
        response.header("cache-status") == Some("nginx; hit")
    });
    assert_eq!(status_of(&site.get("/page/1")), "hit");
}

#[test]
fn a_hung_memcached_behind_nginx_is_not_noticed() {
    visitors_in_front_of_nginx_do_not_notice(|memcached, broken| match broken {
        true => memcached.pause(),
        false => memcached.resume(),
    });
}

#[test]
fn a_killed_memcached_behind_nginx_is_not_noticed() {
    visitors_in_front_of_nginx_do_not_notice(|memcached, broken| match broken {
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
