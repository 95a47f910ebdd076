//! What stands under a page's key: packed pages, and what no page is.

use std::io::Read;

use flate2::read::GzDecoder;
use testkit::http::{Request, Response};

use crate::stack::{NGINX_HIT, Script, Stack, cache_status, ok};

/// A stack of pages that gzip makes smaller.
fn packing() -> Stack {
    Stack::setup()
        .cache(|builder| builder.gzip(true))
        .start(Script::new(|render| ok().body(long(&render.text()))))
}

fn long(text: &str) -> String {
    format!("{text}\n{}", "<p>the same again</p>\n".repeat(200))
}

fn unpacked(bytes: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

fn accepting(target: &str, coding: &str) -> Request {
    Request::get(target).header("Accept-Encoding", coding)
}

#[track_caller]
fn is_packed(response: &Response, text: &str) {
    assert_eq!(response.header("content-encoding"), Some("gzip"));
    assert_eq!(
        response.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(unpacked(&response.body), text);
    varies_by_encoding(response);
}

#[track_caller]
fn is_plain(response: &Response, text: &str) {
    assert_eq!(response.header("content-encoding"), None);
    assert_eq!(response.text(), text);
    varies_by_encoding(response);
}

#[track_caller]
fn varies_by_encoding(response: &Response) {
    let varies = |value: &str| value.eq_ignore_ascii_case("accept-encoding");
    assert!(response.all("vary").any(varies), "{response:?}");
}

#[test]
fn a_packed_page_is_in_memcached_as_gzip_with_nginxs_flag() {
    let stack = packing();
    let miss = stack.get("/a");
    assert_eq!(miss.text(), long("render 1 of /a"));
    let item = stack.item("/a").unwrap();
    assert_eq!(item.flags, 2);
    assert!(item.bytes.len() < 300, "{}", item.bytes.len());
    assert_eq!(unpacked(&item.bytes), miss.text());
}

#[test]
fn nginx_serves_a_packed_page_to_every_client() {
    let stack = packing();
    let page = stack.get("/a").text().to_owned();
    let (packed, plain) = (stack.send(&accepting("/a", "gzip, br")), stack.get("/a"));
    for hit in [&packed, &plain] {
        assert_eq!(cache_status(hit), NGINX_HIT);
    }
    is_packed(&packed, &page);
    is_plain(&plain, &page);
    assert_eq!(stack.script.renders(), 1);
}

#[test]
fn the_application_serves_a_packed_page_to_every_client() {
    let stack = packing();
    let page = stack.ask("/a").text().to_owned();
    for coding in ["gzip", "br, GZIP;q=0.5", "*", "identity;q=0.5, x-gzip"] {
        let hit = stack.send_past_nginx(&accepting("/a", coding));
        assert_eq!(cache_status(&hit), "djanginxed; hit");
        is_packed(&hit, &page);
    }
    for coding in ["", "br", "gzip;q=0", "identity", "gzip; q=0.000, *"] {
        let hit = stack.send_past_nginx(&accepting("/a", coding));
        assert_eq!(cache_status(&hit), "djanginxed; hit");
        is_plain(&hit, &page);
    }
    assert_eq!(stack.script.renders(), 1);
}

#[test]
fn a_page_that_gzip_does_not_make_smaller_is_stored_as_it_is() {
    let stack = Stack::setup()
        .cache(|builder| builder.gzip(true))
        .start(Script::html());
    let page = stack.get("/a");
    let item = stack.item("/a").unwrap();
    assert_eq!((item.flags, item.bytes), (0, page.body.clone()));
    let hit = stack.send(&accepting("/a", "gzip"));
    assert_eq!(cache_status(&hit), NGINX_HIT);
    assert_eq!(hit.body, page.body);
}

#[test]
fn a_page_that_is_too_large_unless_packed_is_stored() {
    let stack = Stack::setup()
        .cache(|builder| builder.gzip(true).max_entry_size(1000))
        .start(Script::new(|render| {
            ok().body(format!("{:x<7000}", render.text()))
        }));
    let page = stack.get("/a");
    for hit in [stack.get("/a"), stack.ask("/a")] {
        assert!(cache_status(&hit).ends_with("; hit"), "{hit:?}");
        assert_eq!(hit.body, page.body);
    }
}

/// That what Memcached holds under a page's key is a miss for the application,
/// which puts the page in its place.
#[track_caller]
fn is_no_page(stack: &Stack, flags: u32, bytes: &[u8]) {
    for request in [Request::get("/a"), accepting("/a", "gzip")] {
        let key = stack.pages.key("/a").to_string();
        stack.memcached.set(&key, flags, 0, bytes);
        let renders = stack.script.renders();
        let response = stack.send_past_nginx(&request);
        assert_eq!(response.status, 200);
        assert_eq!(
            cache_status(&response),
            "djanginxed; fwd=uri-miss; stored",
            "flags {flags}"
        );
        assert_eq!(stack.script.renders(), renders + 1);
        assert_ne!(stack.memcached.get(&key).unwrap().bytes, bytes);
    }
}

#[test]
fn a_value_of_another_program_is_a_miss() {
    let stack = Stack::start();
    is_no_page(&stack, 7, b"pickled");
    is_no_page(&stack, 1, b"<p>");
    is_no_page(&stack, u32::MAX, b"<p>");
}

#[test]
fn an_empty_item_is_a_miss() {
    is_no_page(&Stack::start(), 0, b"");
    is_no_page(&Stack::start(), 2, b"");
}

#[test]
fn what_is_not_gzip_under_the_gzip_flag_is_a_miss() {
    is_no_page(&Stack::start(), 2, b"<p>not gzip");
    is_no_page(&packing(), 2, b"<p>not gzip");
}

#[test]
fn broken_gzip_is_a_miss() {
    let stack = packing();
    let _ = stack.get("/whole");
    let whole = stack.item("/whole").unwrap().bytes;
    is_no_page(&stack, 2, &whole[..whole.len() / 2]);
    let mut flipped = whole.clone();
    let end = flipped.len() - 6;
    flipped[end] ^= 0xff;
    is_no_page(&stack, 2, &flipped);
    is_no_page(&stack, 2, b"\x1f\x8b\x08 broken");
}

#[test]
fn gzip_that_unpacks_without_end_is_a_miss() {
    let stack = Stack::setup()
        .cache(|builder| builder.gzip(true).max_entry_size(100_000))
        .start(Script::html());
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::copy(&mut std::io::repeat(b'x').take(50_000_000), &mut bomb).unwrap();
    is_no_page(&stack, 2, &bomb.finish().unwrap());
}
