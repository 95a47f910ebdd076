//! Pages that stand in for errors: of a handler, and of an application that is down.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use djanginxed::{PageCache, Purge, nginx};
use testkit::http::{Request, Response};
use testkit::{Memcached, Nginx, eventually, free_port, get};

use crate::app::{Site, at, run_of, wait};
use crate::way::{self, WAYS, Way};

const ERRORS: [u16; 4] = [500, 502, 503, 504];

/// In place of a status: the handler panics.
const PANIC: u16 = 1;

/// A site that can be brought into trouble, whose pages live for a second and then stand
/// in for errors, but for those below `/bare`.
struct Troubled {
    memcached: [Memcached; 2],
    pages: PageCache,
    site: Site,
    trouble: Arc<AtomicU16>,
    way: Way,
}

impl Troubled {
    fn start(way: Way) -> Troubled {
        let memcached = [(); 2].map(|()| Memcached::start().unwrap());
        let pages = at("")
            .memcached(memcached.each_ref().map(Memcached::address))
            .layout(way.layout())
            .gzip(way == Way::Bodies)
            .bypass_cookie("session")
            .stale_if_error(Duration::from_secs(3600))
            .build()
            .unwrap();
        let trouble = Arc::new(AtomicU16::new(0));
        let handlers = Arc::clone(&trouble);
        let site = Site::start(&pages, move |visit| {
            let trouble = handlers.load(Ordering::SeqCst);
            async move {
                assert_ne!(trouble, PANIC, "a handler panics on purpose");
                if trouble != 0 {
                    let status = StatusCode::from_u16(trouble).unwrap();
                    return HttpResponse::build(status).body("its own error");
                }
                let life = match visit.target.starts_with("/bare") {
                    true => "max-age=1, stale-if-error=0",
                    false => "max-age=1",
                };
                let mut page = visit.page();
                let life = HeaderValue::from_static(life);
                page.headers_mut().insert(CACHE_CONTROL, life);
                page
            }
        });
        Troubled {
            memcached,
            pages,
            site,
            trouble,
            way,
        }
    }

    /// Renders the pages, and waits until their time is over.
    fn fill(&self, targets: &[&str]) {
        for target in targets {
            assert_eq!(run_of(&self.site.get(target), target), 1);
        }
        wait(self.pages.flush());
        let is_there = |target: &&str| {
            let key = self.pages.key(target).to_string();
            self.memcached
                .iter()
                .any(|server| server.get(&key).is_some())
        };
        eventually("the pages' time is over", || !targets.iter().any(is_there));
    }

    /// nginx in front of who listens there.
    fn nginx(&self, port: u16) -> Nginx {
        let file = nginx::Site::new(&self.pages)
            .server_name("127.0.0.1")
            .stale_if_error(true)
            .md5(self.way.md5())
            .app(format!("127.0.0.1:{port}"));
        way::nginx(self.way.layout(), self.way.md5())
            .start(|port| {
                let file = file.clone().listen(format!("127.0.0.1:{port}"));
                let file = file.inner(format!("127.0.0.1:{}", free_port()));
                file.generate().unwrap().site()
            })
            .unwrap()
    }
}

#[track_caller]
fn stands_in(response: &Response, target: &str, status: &str) {
    assert_eq!(run_of(response, target), 1);
    assert_eq!(response.header("cache-status"), Some(status));
}

#[test]
fn a_handler_that_fails_or_panics_is_stood_in_for() {
    for way in WAYS {
        let troubled = Troubled::start(way);
        troubled.fill(&["/a"]);
        for status in ERRORS {
            troubled.trouble.store(status, Ordering::SeqCst);
            let said = format!("djanginxed; fwd=stale; fwd-status={status}; detail=stale-if-error");
            stands_in(&troubled.site.get("/a"), "/a", &said);
            let own = troubled.site.get("/never/stored");
            assert_eq!((own.status, own.text()), (status, "its own error"));
        }
        troubled.trouble.store(PANIC, Ordering::SeqCst);
        let said = "djanginxed; fwd=stale; fwd-status=500; detail=stale-if-error";
        stands_in(&troubled.site.get("/a"), "/a", said);
        let own = troubled.site.ask("/never/stored").receive();
        assert!(own.is_err(), "a panic closes the connection");
        troubled.trouble.store(404, Ordering::SeqCst);
        assert_eq!(troubled.site.get("/a").status, 404);
    }
}

#[test]
fn in_memory_a_page_stands_in_for_errors_too() {
    let pages = PageCache::builder()
        .stale_if_error(Duration::from_secs(3600))
        .build()
        .unwrap();
    let site = Site::start(&pages, |visit| async move {
        let life = HeaderValue::from_static("max-age=1");
        let mut response = match visit.number {
            1 => visit.page(),
            _ => HttpResponse::ServiceUnavailable().finish(),
        };
        response.headers_mut().insert(CACHE_CONTROL, life);
        response
    });
    assert_eq!(run_of(&site.get("/a"), "/a"), 1);
    eventually("its time is over", || {
        let again = site.get("/a");
        assert_eq!(run_of(&again, "/a"), 1);
        let said = again.header("cache-status").unwrap();
        said.contains("fwd=stale; fwd-status=503")
    });
    assert!(wait(pages.delete(&pages.key("/a"))).unwrap());
    assert_eq!(site.get("/a").status, 503);
}

#[test]
fn nginx_serves_what_stands_in_where_the_application_is_down() {
    for way in WAYS {
        let troubled = Troubled::start(way);
        let targets: Vec<_> = (0..8).map(|number| format!("/page/{number}")).collect();
        let targets: Vec<_> = targets.iter().map(String::as_str).collect();
        troubled.fill(&[&targets[..], &["/bare"]].concat());
        let nginx = troubled.nginx(free_port());
        for target in &targets {
            let said = "nginx; fwd=stale; detail=stale-if-error";
            stands_in(&get(nginx.port(), target), target, said);
            let gzip = Request::get(*target).header("accept-encoding", "gzip");
            let gzip = gzip.send(nginx.port());
            assert_eq!(
                (gzip.status, gzip.header("cache-status")),
                (200, Some(said))
            );
            let head = Request::new("HEAD", *target).send(nginx.port());
            assert_eq!(
                (head.status, head.header("cache-status")),
                (200, Some(said))
            );
        }
        for bypassed in [
            Request::get("/page/0").header("cookie", "session=1"),
            Request::new("POST", "/page/0"),
            Request::get("/bare"),
            Request::get("/never/stored"),
        ] {
            let response = bypassed.send(nginx.port());
            assert_eq!(response.status, 502, "{response:?}");
        }
        // A page that is there is served as ever.
        let fresh = troubled.pages.key("/page/0");
        assert!(!wait(troubled.pages.delete(&fresh)).unwrap());
        assert_eq!(
            get(nginx.port(), "/page/0").status,
            502,
            "a delete takes it away"
        );
        let purged = wait(troubled.pages.purge(Purge::everything())).unwrap();
        assert!(purged.is_complete());
        for target in &targets {
            assert_eq!(
                get(nginx.port(), target).status,
                502,
                "a purge takes it away"
            );
        }
    }
}

#[test]
fn nginx_serves_what_stands_in_for_errors_of_the_application_or_shows_them() {
    for way in WAYS {
        let troubled = Troubled::start(way);
        troubled.fill(&["/a", "/bare"]);
        // Another application, which has no page that could stand in.
        let trouble = Arc::new(AtomicU16::new(500));
        let statuses = Arc::clone(&trouble);
        let other = Site::start(&PageCache::builder().build().unwrap(), move |_| {
            let status = StatusCode::from_u16(statuses.load(Ordering::SeqCst)).unwrap();
            async move { HttpResponse::build(status).body("its own error") }
        });
        let nginx = troubled.nginx(other.port);
        for status in [500, 502, 503, 504] {
            trouble.store(status, Ordering::SeqCst);
            let said = "nginx; fwd=stale; detail=stale-if-error";
            stands_in(&get(nginx.port(), "/a"), "/a", said);
            for (request, asked) in [
                (Request::get("/bare"), 2),
                (Request::new("HEAD", "/bare"), 2),
                (Request::get("/a").header("cookie", "session=1"), 1),
                (Request::new("POST", "/a"), 1),
            ] {
                let before = other.arrived();
                let own = request.send(nginx.port());
                assert_eq!(own.status, status);
                if status != 504 {
                    assert!(own.body.is_empty() || own.text() == "its own error");
                    assert_eq!(other.arrived() - before, asked);
                }
            }
        }
        for status in [200, 404, 501] {
            trouble.store(status, Ordering::SeqCst);
            let own = get(nginx.port(), "/a");
            assert_eq!((own.status, own.text()), (status, "its own error"));
        }
    }
}
