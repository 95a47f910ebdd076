//! Query parameters that nginx takes out of the target, with either layout.

use djanginxed::Layout;
use djanginxed::nginx::Site;
use testkit::http::Request;

use crate::stack::{NGINX_HIT, Script, Stack, cache_status};

fn site(site: Site) -> Site {
    site.ignore_query("utm_*").ignore_query("gclid")
}

fn stack(layout: Layout) -> Stack {
    Stack::setup()
        .layout(layout)
        .site(site)
        .start(Script::html())
}

#[test]
fn a_page_is_rendered_once_whatever_is_ignored_and_shows_nothing_of_it() {
    for layout in [Layout::Body, Layout::Response] {
        let stack = stack(layout);
        let first = stack.get("/a%2Fb?utm_source=%22evil&x=|&gclid=1");
        assert_eq!(first.text(), "render 1 of /a%2Fb?x=|");
        for target in [
            "/a%2Fb?x=|",
            "/a%2Fb?utm_b&x=|",
            "/a%2Fb?gclid&utm_a&x=|&utm_b",
        ] {
            let hit = stack.get(target);
            assert_eq!(cache_status(&hit), NGINX_HIT, "{layout} {target}");
            assert_eq!(hit.text(), first.text());
        }
        assert_eq!(stack.get("/a%2Fb?gclid").text(), "render 2 of /a%2Fb");
        assert_eq!(cache_status(&stack.get("/a%2Fb")), NGINX_HIT);
        assert_eq!(stack.script.renders(), 2);
    }
}

#[test]
fn what_nginx_cannot_take_out_is_not_stored() {
    for layout in [Layout::Body, Layout::Response] {
        let stack = stack(layout);
        let many = format!("/a?{}", "gclid&x&".repeat(13));
        for number in 1..=2 {
            let response = stack.get(&many);
            assert_eq!(response.text(), format!("render {number} of {many}"));
        }
        let past = Request::get("/b?gclid").header("Authorization", "x");
        assert_eq!(stack.send(&past).text(), "render 3 of /b?gclid");
        assert!(stack.memcached.pages().is_empty());
    }
}
