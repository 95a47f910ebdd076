use actix_web::body::MessageBody;

use super::*;
use crate::PageCache;
use crate::config::PageCacheBuilder;

const PAGE: Page = Page::new(900);

fn settings(builder: PageCacheBuilder) -> Settings {
    builder.build().unwrap().settings().clone()
}

fn defaults() -> Settings {
    settings(PageCache::builder())
}

fn plain() -> Entry {
    Entry::plain(Bytes::from_static(b"<p>page</p>"))
}

fn packed() -> Entry {
    Entry::plain(vec![b'a'; 1_000].into()).packed()
}

fn fields<'a>(response: &'a HttpResponse, name: &str) -> Vec<&'a str> {
    let lines = response.headers().get_all(name);
    lines.map(|line| line.to_str().unwrap()).collect()
}

fn body(response: HttpResponse) -> Bytes {
    response.into_body().try_into_bytes().unwrap()
}

fn accepts(lines: &[&[u8]]) -> bool {
    let mut headers = HeaderMap::new();
    for line in lines {
        let value = HeaderValue::from_bytes(line).unwrap();
        headers.append(header::ACCEPT_ENCODING, value);
    }
    accepts_gzip(&headers)
}

#[test]
fn gzip_is_accepted_where_the_client_says_so() {
    for line in [
        "gzip",
        "GZip",
        "x-gzip",
        "gzip, deflate, br",
        "br,gzip",
        " br , gzip ",
        "gzip;q=1",
        "gzip;q=0.001",
        "gzip ; q=0.5",
        "gzip;Q=1.0",
        "gzip;",
        "*",
        "*;q=0.1",
        "br;q=0, *",
        "gzip, *;q=0",
        "*;q=0, gzip",
        "identity;q=0, gzip",
    ] {
        assert!(accepts(&[line.as_bytes()]), "{line:?}");
    }
    assert!(accepts(&[b"br", b"gzip"]));
    assert!(accepts(&[b"\xff", b"gzip"]));
}

#[test]
fn gzip_is_not_accepted_otherwise() {
    for line in [
        "",
        "identity",
        "br",
        "gzip2",
        "xgzip",
        "gzip;q=0",
        "gzip;q=0.000",
        "gzip; q=0.0",
        "GZIP;Q=0",
        "*;q=0",
        "gzip;q=0, *",
        "*, gzip;q=0",
        "x-gzip;q=0, *;q=1",
        "br, *;q=0",
        "notgzip, g zip",
    ] {
        assert!(!accepts(&[line.as_bytes()]), "{line:?}");
    }
    assert!(!accepts(&[]));
    assert!(!accepts(&[b"*", b"gzip;q=0"]));
    assert!(!accepts(&[b"gzip\xff"]));
}

#[test]
fn a_weight_that_cannot_be_read_is_no_consent() {
    for line in [
        "gzip;q = 0",
        "gzip;q=0;x=1",
        "gzip;q=",
        "gzip;q=x",
        "gzip;q=-1",
        "gzip;q=nan",
        "gzip;x=1",
    ] {
        assert!(!accepts(&[line.as_bytes()]), "{line:?}");
    }
}

#[test]
fn a_hit_is_200_with_type_and_body_and_nothing_of_the_leaders() {
    let hit = answer(&plain(), &PAGE, &defaults(), true, Status::Hit).unwrap();
    assert_eq!(hit.status(), 200);
    let mut names: Vec<_> = hit.headers().keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["cache-status", "content-type"]);
    assert_eq!(fields(&hit, "content-type"), ["text/html; charset=utf-8"]);
    assert_eq!(body(hit), "<p>page</p>");
}

#[test]
fn types_have_a_charset_where_nginx_adds_one() {
    for (media_type, sent) in [
        ("text/html", "text/html; charset=utf-8"),
        ("text/plain", "text/plain; charset=utf-8"),
        ("text/xml", "text/xml; charset=utf-8"),
        ("text/vnd.wap.wml", "text/vnd.wap.wml; charset=utf-8"),
        ("application/rss+xml", "application/rss+xml; charset=utf-8"),
        (
            "application/javascript",
            "application/javascript; charset=utf-8",
        ),
        ("Text/HTML", "Text/HTML; charset=utf-8"),
        ("application/json", "application/json"),
        ("text/css", "text/css"),
        ("application/atom+xml", "application/atom+xml"),
    ] {
        let page = PAGE.content_type(media_type);
        let hit = answer(&plain(), &page, &defaults(), true, Status::Hit).unwrap();
        assert_eq!(fields(&hit, "content-type"), [sent]);
    }
}

#[test]
fn every_answer_has_the_declared_headers() {
    let declared = PageCache::builder()
        .header("X-Frame-Options", "DENY")
        .header("Link", "</a>; rel=x")
        .header("Link", "</b>; rel=y");
    let settings = settings(declared);
    for status in [Status::Hit, Status::Collapsed] {
        let found = answer(&plain(), &PAGE, &settings, false, status).unwrap();
        assert_eq!(fields(&found, "x-frame-options"), ["DENY"]);
        assert_eq!(fields(&found, "link"), ["</a>; rel=x", "</b>; rel=y"]);
    }
}

#[test]
fn a_packed_entry_goes_out_packed_to_those_who_accept_it() {
    let hit = answer(&packed(), &PAGE, &defaults(), true, Status::Hit).unwrap();
    assert_eq!(fields(&hit, "content-encoding"), ["gzip"]);
    assert_eq!(fields(&hit, "vary"), ["Accept-Encoding"]);
    assert_eq!(body(hit), packed().bytes());
}

#[test]
fn a_packed_entry_is_unpacked_for_all_others() {
    let hit = answer(&packed(), &PAGE, &defaults(), false, Status::Hit).unwrap();
    assert!(fields(&hit, "content-encoding").is_empty());
    assert_eq!(fields(&hit, "vary"), ["Accept-Encoding"]);
    assert_eq!(body(hit), vec![b'a'; 1_000]);
}

#[test]
fn a_plain_entry_varies_only_where_others_may_be_packed() {
    let hit = answer(&plain(), &PAGE, &defaults(), true, Status::Hit).unwrap();
    assert!(fields(&hit, "vary").is_empty());
    let packing = PageCache::builder().memcached(["127.0.0.1:1"]).gzip(true);
    let gzip = settings(packing);
    let hit = answer(&plain(), &PAGE, &gzip, true, Status::Hit).unwrap();
    assert_eq!(fields(&hit, "vary"), ["Accept-Encoding"]);
    assert!(fields(&hit, "content-encoding").is_empty());
}

#[test]
fn an_entry_that_cannot_be_read_is_no_answer() {
    let whole = packed();
    let cut = whole.bytes().slice(..whole.bytes().len() - 1);
    let cut = Entry::read(cut, 2).unwrap();
    for accepts_gzip in [true, false] {
        assert!(answer(&cut, &PAGE, &defaults(), accepts_gzip, Status::Hit).is_none());
    }
    let small = settings(PageCache::builder().max_entry_size(100));
    assert!(answer(&whole, &PAGE, &small, false, Status::Hit).is_none());
}

#[test]
fn cache_status_says_what_the_cache_did() {
    for (status, value) in [
        (Status::Hit, "djanginxed; hit"),
        (Status::Stored, "djanginxed; fwd=uri-miss; stored"),
        (Status::Collapsed, "djanginxed; fwd=uri-miss; collapsed"),
        (Status::Miss, "djanginxed; fwd=uri-miss"),
        (Status::Method, "djanginxed; fwd=method"),
        (
            Status::NotStored("set-cookie"),
            "djanginxed; fwd=uri-miss; detail=set-cookie",
        ),
        (
            Status::Bypass("cookie"),
            "djanginxed; fwd=bypass; detail=cookie",
        ),
    ] {
        let mut response = HttpResponse::Ok().finish();
        status.mark(&mut response, &defaults());
        assert_eq!(fields(&response, "cache-status"), [value]);
    }
}

#[test]
fn cache_status_stands_behind_that_of_other_caches() {
    let mut response = HttpResponse::Ok()
        .insert_header(("cache-status", "inner; hit"))
        .finish();
    Status::Hit.mark(&mut response, &defaults());
    assert_eq!(
        fields(&response, "cache-status"),
        ["inner; hit", "djanginxed; hit"]
    );
}

#[test]
fn cache_status_can_be_switched_off() {
    let silent = settings(PageCache::builder().cache_status(false));
    let hit = answer(&plain(), &PAGE, &silent, true, Status::Hit).unwrap();
    assert!(fields(&hit, "cache-status").is_empty());
}
