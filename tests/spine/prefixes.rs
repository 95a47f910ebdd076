//! Several key prefixes behind one nginx, which chooses a location by another
//! path than the application a route.

use actix_web::web;

use crate::stack::{NGINX_HIT, Script, Stack, cache_status, news};

fn two_prefixes() -> Stack {
    Stack::setup()
        .routes(|routes| {
            routes.route("/news/{tail:.*}", web::get().to(news));
        })
        .site(|site| {
            site.page("/news/", "news", "text/html")
                .never_cache("/news/admin/")
        })
        .start(Script::html())
}

#[test]
fn a_target_that_nginx_takes_for_another_location_leaves_no_entry_behind() {
    let stack = two_prefixes();
    for target in [
        "/news/../a",
        "/news/..",
        "/news/%2e%2E/a",
        "/a/../news/1",
        "/./news/1",
        "/x/%2e./news/1?page=2",
        "/news%2F1",
        "/news%2f1",
        "/a%2F..%2Fnews/1",
        "/news/./admin/1",
        "/news/admin/../1",
        "/news/admin%2F1",
        "/news/admin/1",
    ] {
        for _ in 0..2 {
            let answer = stack.get(target);
            assert_eq!(answer.status, 200, "{target}");
            let said = format!("render {} of {target}", stack.script.renders());
            assert_eq!(answer.text(), said);
            let status = "djanginxed; fwd=bypass; detail=proxy";
            assert_eq!(cache_status(&answer), status, "{target}");
        }
    }
    assert_eq!(stack.memcached.stat("cmd_set"), 0);
}

#[test]
fn other_targets_of_each_prefix_are_hits() {
    let stack = two_prefixes();
    for target in [
        "/a",
        "/./a",
        "/x/../a",
        "/a%2Fb",
        "//news/1",
        "/NEWS/1",
        "/news/1",
        "/%6eew%73/1",
        "/news/./1",
        "/news/x/../1",
        "/news//1",
        "/news/a%2Fb",
        "/news/%2B",
        "http://127.0.0.1/news/2",
    ] {
        let miss = stack.get(target);
        assert_eq!(
            cache_status(&miss),
            "djanginxed; fwd=uri-miss; stored",
            "{target}"
        );
        let hit = stack.get(target);
        assert_eq!(cache_status(&hit), NGINX_HIT, "{target}");
        assert_eq!(hit.text(), miss.text(), "{target}");
    }
}
