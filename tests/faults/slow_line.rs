//! A line to Memcached that is slow, and a server that answers all the same.

use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use djanginxed::PageCache;
use testkit::{Fault, FaultProxy, Memcached};

use crate::app::{Site, at, status_of, wait};

const LARGE: usize = 800_000;
const VISITORS: usize = 64;

/// How long a lookup may take. The lines below are slower than that by what they carry,
/// and by no measure of this machine: it may be busy, or the program not optimised.
const TIMEOUT: Duration = Duration::from_secs(3);

/// A server behind a line.
struct Stand {
    _memcached: Memcached,
    proxy: FaultProxy,
}

impl Stand {
    fn start() -> Stand {
        // With room for all of them, and for the indexes.
        let memcached = Memcached::builder().memory_mb(128).start().unwrap();
        let proxy = FaultProxy::start(memcached.port()).unwrap();
        Stand {
            _memcached: memcached,
            proxy,
        }
    }

    fn pages(&self) -> PageCache {
        at(&self.proxy.address())
            .operation_timeout(TIMEOUT)
            .build()
            .unwrap()
    }

    /// Of 32 large pages, 25.6 MB, most are not there in time.
    fn slow_down(&self) {
        self.proxy.set(Fault::Line(3_000_000));
    }

    /// No lookup of a large page is in time.
    fn slow_down_further(&self) {
        self.proxy.set(Fault::Line(200_000));
    }
}

fn site(pages: &PageCache) -> Site {
    Site::start(pages, |visit| async move {
        let size = if visit.target.starts_with("/large") {
            LARGE
        } else {
            1_000
        };
        visit.page_of(size)
    })
}

fn large(number: usize) -> String {
    format!("/large/{number}")
}

fn store_all(pages: &PageCache, site: &Site) {
    site.get("/small");
    wait(pages.flush());
    for number in 0..VISITORS {
        site.get(&large(number));
        wait(pages.flush());
    }
}

#[test]
fn large_pages_on_a_slow_line_keep_no_small_page_waiting() {
    let stand = Stand::start();
    let pages = stand.pages();
    let site = site(&pages);
    store_all(&pages, &site);
    stand.slow_down();
    let crowd: Vec<_> = (0..VISITORS)
        .map(|number| site.ask(&large(number)))
        .collect();
    for _ in 0..20 {
        assert_eq!(status_of(&site.get("/small")), "hit");
    }
    for mut visitor in crowd {
        assert!(visitor.receive().unwrap().body.len() >= LARGE);
    }
    wait(pages.flush());
    assert_eq!(
        status_of(&site.get(&large(0))),
        "hit",
        "the server is skipped"
    );
}

#[test]
fn a_server_that_is_busy_sending_is_not_skipped() {
    let stand = Stand::start();
    let pages = stand.pages();
    store_all(&pages, &site(&pages));
    // One that does not know which pages are large, and stores nothing: only
    // lookups say how the server is.
    let site = Site::start(&stand.pages(), |visit| async move {
        let mut response = visit.page_of(LARGE);
        let private = HeaderValue::from_static("private");
        response.headers_mut().insert(CACHE_CONTROL, private);
        response
    });
    for _ in 0..5 {
        stand.slow_down_further();
        let crowd: Vec<_> = (0..VISITORS)
            .map(|number| site.ask(&large(number)))
            .collect();
        for mut visitor in crowd {
            assert!(visitor.receive().unwrap().body.len() >= LARGE);
        }
        stand.proxy.set(Fault::None);
        assert_eq!(
            status_of(&site.get("/small")),
            "hit",
            "the server is skipped"
        );
    }
}

#[test]
fn large_pages_that_nobody_knows_to_be_large_keep_no_small_page_waiting() {
    let stand = Stand::start();
    let pages = stand.pages();
    store_all(&pages, &site(&pages));
    // One that has just started, and is asked for everything at once.
    let pages = stand.pages();
    let site = site(&pages);
    stand.slow_down();
    let ask = |number| {
        // They come one after another, and take every connection that there is.
        std::thread::sleep(Duration::from_millis(1));
        site.ask(&large(number))
    };
    let crowd: Vec<_> = (0..VISITORS).map(ask).collect();
    assert_eq!(status_of(&site.get("/small")), "hit");
    for mut visitor in crowd {
        assert!(visitor.receive().unwrap().body.len() >= LARGE);
    }
}
