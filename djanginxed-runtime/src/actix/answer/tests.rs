use actix_web::body::MessageBody;

use super::*;
use actix_web::web::Bytes;

use crate::entry::Entry;
use crate::layout::Layout;
use crate::reason::{Bypass, Dropped, Reason};
use crate::{PageCache, PageCacheBuilder};

const PAGE: Page = Page::new(900);

fn settings(builder: PageCacheBuilder) -> Settings {
    builder.build().unwrap().settings().clone()
}

fn defaults() -> Settings {
    settings(PageCache::builder())
}

fn plain() -> Entry {
    Entry::new(None, Bytes::from_static(b"<p>page</p>"))
}

fn packed() -> Entry {
    Entry::new(None, vec![b'a'; 1_000].into()).packed()
}

fn answer(
    entry: &Entry,
    page: &Page,
    settings: &Settings,
    accepts_gzip: bool,
    status: Status,
) -> Option<HttpResponse> {
    let form = entry.form(accepts_gzip, settings.max_entry_size)?;
    let conditions = Conditions::default();
    Some(super::answer(form, page, settings, &conditions, status))
}

fn fields<'a>(response: &'a HttpResponse, name: &str) -> Vec<&'a str> {
    let lines = response.headers().get_all(name);
    lines.map(|line| line.to_str().unwrap()).collect()
}

fn body(response: HttpResponse) -> Bytes {
    response.into_body().try_into_bytes().unwrap()
}

#[test]
fn a_hit_is_200_with_type_and_body_and_nothing_of_the_leaders() {
    let hit = answer(&plain(), &PAGE, &defaults(), true, Status::Hit).unwrap();
    assert_eq!(hit.status(), 200);
    let mut names: Vec<_> = hit.headers().keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["cache-status", "content-type", "etag"]);
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
    assert_eq!(body(hit), packed().body());
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
    let cut = whole.body().slice(..whole.body().len() - 1);
    let cut = Entry::read(cut, 2, Layout::Body).unwrap();
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
        (Status::Bypass(Bypass::Method), "djanginxed; fwd=method"),
        (
            Status::Refused(Reason::SetCookie),
            "djanginxed; fwd=uri-miss; detail=set-cookie",
        ),
        (
            Status::Dropped(Dropped::QueueFull),
            "djanginxed; fwd=uri-miss; detail=queue-full",
        ),
        (
            Status::Bypass(Bypass::Cookie),
            "djanginxed; fwd=bypass; detail=cookie",
        ),
    ] {
        let mut response = HttpResponse::Ok().finish();
        mark(&mut response, status, &defaults());
        assert_eq!(fields(&response, "cache-status"), [value]);
    }
}

#[test]
fn cache_status_stands_behind_that_of_other_caches() {
    let mut response = HttpResponse::Ok()
        .insert_header(("cache-status", "inner; hit"))
        .finish();
    mark(&mut response, Status::Hit, &defaults());
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
