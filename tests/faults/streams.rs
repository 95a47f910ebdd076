//! Bodies that come in pieces reach the visitor as they are made.

use std::io::{Error, ErrorKind};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::web::Bytes;
use djanginxed::PageCache;
use futures_util::{Stream, StreamExt, stream};
use testkit::eventually;
use testkit::http::{Connection, Request};

use crate::app::{Gate, Site, builder, status_of};

const PAGE: &str = "/stream";

/// A part of a page, large enough not to wait in any buffer.
fn part(name: char) -> Bytes {
    Bytes::from(name.to_string().repeat(100_000))
}

fn streamed(parts: impl Stream<Item = Result<Bytes, Error>> + 'static) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html")
        .streaming(parts)
}

/// Three parts, with the gate before the last two.
fn parts_with(gate: Gate, last: Result<Bytes, Error>) -> impl Stream<Item = Result<Bytes, Error>> {
    let gated = |part| {
        let gate = gate.clone();
        stream::once(async move {
            gate.pass().await;
            part
        })
    };
    let first = stream::iter([Ok(part('a'))]);
    first.chain(gated(Ok(part('b')))).chain(gated(last))
}

fn whole() -> Vec<u8> {
    ['a', 'b', 'c'].map(part).concat()
}

fn in_memory() -> PageCache {
    builder().build().unwrap()
}

#[test]
fn each_part_comes_before_the_next_is_made_and_the_whole_is_stored() {
    let gate = Gate::default();
    let handlers = gate.clone();
    let site = Site::start(&in_memory(), move |_| {
        let gate = handlers.clone();
        async move { streamed(parts_with(gate, Ok(part('c')))) }
    });
    let mut visitor = site.ask(PAGE);
    let mut seen = Vec::new();
    while seen.iter().filter(|byte| **byte == b'a').count() < 100_000 {
        seen.extend(visitor.read_some(64 << 10).unwrap());
    }
    assert!(String::from_utf8_lossy(&seen).contains("djanginxed; fwd=uri-miss\r\n"));
    gate.open();
    while !seen.ends_with(b"0\r\n\r\n") {
        seen.extend(visitor.read_some(64 << 10).unwrap());
    }
    let next = site.get(PAGE);
    assert_eq!((status_of(&next), next.body == whole()), ("hit", true));
    assert_eq!(site.runs(PAGE), 1);
}

/// A body that does not end well breaks for its visitor, and is not stored.
#[track_caller]
fn is_broken_and_not_stored(respond: impl Fn() -> HttpResponse + Copy + Send + Sync + 'static) {
    let site = Site::start(&in_memory(), move |visit| async move {
        match visit.number {
            1 => respond(),
            _ => visit.page(),
        }
    });
    let broken = Request::get(PAGE).try_send(site.port);
    assert!(broken.is_err(), "a broken body looked whole");
    let next = site.get(PAGE);
    assert_eq!(status_of(&next), "fwd=uri-miss; stored");
}

#[test]
fn an_error_half_way_breaks_the_body_and_stores_nothing() {
    is_broken_and_not_stored(|| {
        let gate = Gate::default();
        gate.open();
        streamed(parts_with(gate, Err(ErrorKind::Other.into())))
    });
}

#[test]
fn a_body_shorter_than_announced_is_not_stored() {
    is_broken_and_not_stored(|| {
        let parts = stream::iter([Ok::<_, Error>(part('a'))]);
        let body = SizedStream::new(100_001, parts);
        HttpResponse::Ok().content_type("text/html").body(body)
    });
}

#[test]
fn a_visitor_who_leaves_early_stores_nothing() {
    let gate = Gate::default();
    let handlers = gate.clone();
    let site = Site::start(&in_memory(), move |visit| {
        let gate = handlers.clone();
        async move {
            match visit.number {
                1 => streamed(parts_with(gate, Ok(part('c')))),
                _ => visit.page(),
            }
        }
    });
    let mut visitor = site.ask(PAGE);
    assert!(!visitor.read_some(1000).unwrap().is_empty());
    visitor.reset().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    gate.open();
    let next = site.get(PAGE);
    assert_eq!(status_of(&next), "fwd=uri-miss; stored");
    assert_eq!(site.runs(PAGE), 2);
}

#[test]
fn a_visitor_who_reads_slowly_gets_the_whole_and_so_does_the_store() {
    let site = Site::start(&in_memory(), |_| async {
        let gate = Gate::default();
        gate.open();
        streamed(parts_with(gate, Ok(part('c'))))
    });
    let mut slow = Connection::open_narrow(site.port).unwrap();
    let request = Request::get(PAGE).header("Connection", "close");
    slow.send(&request).unwrap();
    let read = slow
        .read_slowly(16 << 10, Duration::from_millis(10))
        .unwrap();
    assert!(read.ends_with(b"0\r\n\r\n"));
    let next = site.get(PAGE);
    assert_eq!((status_of(&next), next.body == whole()), ("hit", true));
}

#[test]
fn a_stream_larger_than_an_entry_reaches_its_visitor_and_is_not_stored() {
    let pages = builder().max_entry_size(299_999).build();
    let site = Site::start(&pages.unwrap(), |_| async {
        let gate = Gate::default();
        gate.open();
        streamed(parts_with(gate, Ok(part('c'))))
    });
    for run in 1..=3 {
        let response = site.get(PAGE);
        assert_eq!(response.status, 200);
        assert!(response.body == whole());
        assert_eq!(site.runs(PAGE), run);
    }
}

#[test]
fn a_stream_exactly_as_large_as_an_entry_is_stored() {
    let pages = builder().max_entry_size(300_000).build();
    let site = Site::start(&pages.unwrap(), |_| async {
        let gate = Gate::default();
        gate.open();
        streamed(parts_with(gate, Ok(part('c'))))
    });
    assert!(site.get(PAGE).body == whole());
    eventually("it is stored", || status_of(&site.get(PAGE)) == "hit");
}

#[test]
fn a_head_of_a_stream_stores_nothing() {
    let site = Site::start(&in_memory(), |_| async {
        let gate = Gate::default();
        gate.open();
        streamed(parts_with(gate, Ok(part('c'))))
    });
    assert_eq!(testkit::http::head(site.port, PAGE).status, 200);
    assert_ne!(status_of(&site.get(PAGE)), "hit");
}
