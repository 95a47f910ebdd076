//! Requests for a part of a page, or for a page that has changed.

use actix_web::HttpResponse;
use testkit::http::Request;

use crate::stack::{NGINX_HIT, Render, Script, Stack, cache_status, ok};

fn ranged(target: &str) -> Request {
    Request::get(target).header("Range", "bytes=0-5")
}

fn conditional(target: &str) -> Request {
    Request::get(target).header("If-None-Match", "\"v1\"")
}

/// A handler that knows ranges and entity tags.
fn careful(render: Render) -> HttpResponse {
    if render.header("if-none-match") == "\"v1\"" {
        HttpResponse::NotModified()
            .insert_header(("ETag", "\"v1\""))
            .finish()
    } else if render.header("range") != "nobody" {
        HttpResponse::PartialContent()
            .content_type("text/html")
            .insert_header(("Content-Range", "bytes 0-5/14"))
            .body(render.text()[..6].to_owned())
    } else {
        ok().insert_header(("ETag", "\"v1\"")).body(render.text())
    }
}

#[test]
fn nginx_cuts_a_range_out_of_a_stored_page() {
    let stack = Stack::start();
    let _ = stack.get("/a");
    let part = stack.send(&ranged("/a"));
    assert_eq!(part.status, 206);
    assert_eq!(part.text(), "render");
    assert_eq!(part.header("content-range"), Some("bytes 0-5/14"));
    assert_eq!(stack.script.renders(), 1);
}

#[test]
fn a_request_for_a_range_that_the_handler_ignores_stores_the_whole_page() {
    let stack = Stack::start();
    let whole = stack.send_past_nginx(&ranged("/a"));
    assert_eq!((whole.status, whole.text()), (200, "render 1 of /a"));
    let hit = stack.get("/a");
    assert_eq!(cache_status(&hit), NGINX_HIT);
    assert_eq!(hit.body, whole.body);
}

#[test]
fn a_part_of_a_page_is_never_stored_as_the_page() {
    let stack = Stack::setup().start(Script::new(careful));
    for request in [ranged("/a"), conditional("/a")] {
        for response in [stack.send(&request), stack.send_past_nginx(&request)] {
            assert!(matches!(response.status, 206 | 304), "{response:?}");
            assert_eq!(
                cache_status(&response),
                "djanginxed; fwd=uri-miss; detail=status"
            );
        }
        assert!(stack.memcached.pages().is_empty());
    }
    let page = stack.get("/a");
    assert_eq!((page.status, page.text()), (200, "render 5 of /a"));
    let hit = stack.get("/a");
    assert_eq!(cache_status(&hit), NGINX_HIT);
    assert_eq!(hit.body, page.body);
}

#[test]
fn a_conditional_request_for_another_copy_than_the_stored_one_gets_the_page() {
    let stack = Stack::setup().start(Script::new(careful));
    let page = stack.get("/a");
    for hit in [
        stack.send(&conditional("/a")),
        stack.send_past_nginx(&conditional("/a")),
    ] {
        assert_eq!(hit.status, 200);
        assert!(cache_status(&hit).ends_with("; hit"), "{hit:?}");
        assert_eq!(hit.body, page.body);
        assert_ne!(hit.header("etag"), page.header("etag"), "the handler's own");
    }
}
