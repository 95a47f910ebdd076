//! Everything that is counted, made to happen.

use std::os::unix::net::UnixDatagram;
use std::thread;

use actix_web::rt;
use djanginxed::Purge;
use testkit::http::{Request, Response};
use testkit::{eventually, free_port};

use crate::site::{METRICS, Running};

impl Running {
    /// Sends `request` to the application itself.
    pub(crate) fn ask(&self, request: Request) -> Response {
        request.header("Host", "127.0.0.1").send(self.application)
    }
}

/// What Prometheus reads.
pub(crate) fn exported() -> String {
    METRICS.render()
}

/// A site of which nobody renders the pages anew.
pub(crate) fn unrefreshed() -> Running {
    let nobody = format!("http://127.0.0.1:{}", free_port());
    Running::with(|pages| pages.refresh_through(&nobody))
}

/// Everything but what needs a Memcached that is gone.
pub(crate) fn all_is_well_and_some_is_not(site: &Running) {
    site.until_hit("/articles/1");
    site.get("/session");
    site.ask(Request::get("/articles/1").header("Authorization", "x"));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| site.ask(Request::get("/slow")));
        }
    });
    tell_the_feed_nonsense(site);
    eventually("a stale page is rendered anew", || {
        site.ask(Request::get("/stale"));
        exported().contains("djanginxed_refreshes_total{")
    });
    eventually("a page that is looked after is not rendered", || {
        site.get("/stale");
        exported().contains("djanginxed_refresh_failures_total")
    });
    site.ask(Request::get("/breaks"));
    eventually("a copy stands in", || {
        site.ask(Request::get("/breaks").header("Broken", "1"));
        exported().contains("djanginxed_stale_if_error_total")
    });
    site.ask(Request::get("/tagged/a%20b"));
    lose_an_index(site);
    let pages = &site.pages;
    rt::System::new().block_on(async {
        pages.delete(&pages.key("/articles/1")).await.unwrap();
        pages.purge(Purge::tag("articles")).await.unwrap();
    });
}

pub(crate) fn tell_the_feed_nonsense(site: &Running) {
    let stranger = UnixDatagram::unbound().unwrap();
    stranger.send_to(b"hello", &site.feed).unwrap();
}

/// Memcached throws an index away before a purge asks for it.
fn lose_an_index(site: &Running) {
    site.ask(Request::get("/tagged/lost"));
    let pages = &site.pages;
    rt::System::new().block_on(pages.flush());
    for key in site.memcached.keys() {
        let key = key.replace("%3A", ":");
        if key.starts_with("tag:") && !key.starts_with("tag:0000") {
            site.memcached.delete(key);
        }
    }
    let purged = rt::System::new().block_on(pages.purge(Purge::tag("lost")));
    assert!(!purged.unwrap().is_complete());
}

pub(crate) fn memcached_goes(site: &mut Running) {
    site.memcached.stop();
    eventually("the breaker opens", || {
        site.ask(Request::get("/articles/2"));
        exported().contains("djanginxed_breaker_open{")
    });
    site.ask(Request::new("POST", "/change"));
    eventually("a page is dropped", || {
        site.ask(Request::get("/articles/3"));
        exported().contains("djanginxed_dropped_total{")
    });
}

pub(crate) fn memcached_is_back(site: &mut Running) {
    assert!(exported().contains("djanginxed_repeated_purges_total 0"));
    site.memcached.restart_empty().unwrap();
}
