//! What the cache keeps in memory has a bound, whatever handlers and visitors do.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]
#![cfg(target_os = "linux")]

#[path = "faults/app.rs"]
#[allow(dead_code, unused_imports, reason = "other tests use the rest")]
mod app;

use std::io::Error;
use std::sync::{Mutex, PoisonError};

use actix_web::HttpResponse;
use actix_web::web::{Bytes, BytesMut};
use djanginxed::PageCache;
use futures_util::{StreamExt, stream};
use testkit::http::{Connection, Request};
use testkit::{Memcached, eventually};

use crate::app::{Gate, Site, at, status_of};

const LAYOUT: djanginxed::Layout = djanginxed::Layout::Body;

/// The tests of this program measure it as a whole, one after another.
static ALONE: Mutex<()> = Mutex::new(());

const MIB: usize = 1 << 20;

/// What the process has in memory, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse::<usize>().unwrap() << 10
}

/// A page of 30 bytes at the end of a buffer of 32 KiB.
fn slice_of_a_large_buffer() -> HttpResponse {
    let mut buffer = BytesMut::zeroed(32 << 10);
    buffer.fill(b'x');
    let body = buffer.freeze().slice((32 << 10) - 30..);
    HttpResponse::Ok().content_type("text/html").body(body)
}

fn ask_for_all(site: &Site, count: usize) {
    let mut connection = Connection::open(site.port).unwrap();
    for number in 0..count {
        connection
            .send(&Request::get(format!("/{number}")))
            .unwrap();
        assert_eq!(connection.receive().unwrap().body.len(), 30);
    }
}

#[test]
fn small_pages_in_large_buffers_take_what_they_count_in_the_embedded_store() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let pages = PageCache::builder()
        .in_memory(4 * MIB as u64)
        .build()
        .unwrap();
    let site = Site::start(&pages, |_| async { slice_of_a_large_buffer() });
    ask_for_all(&site, 100);
    let before = resident();
    ask_for_all(&site, 20_000);
    let grown = resident().saturating_sub(before);
    assert!(grown < 48 * MIB, "{} MiB", grown / MIB);
}

#[test]
fn small_pages_in_large_buffers_take_what_they_count_in_the_queue() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut memcached = Memcached::start().unwrap();
    memcached.pause();
    let pages = at(&memcached.address())
        .lookup(false)
        .queue(10_000, 64 * MIB)
        .build()
        .unwrap();
    let site = Site::start(&pages, |_| async { slice_of_a_large_buffer() });
    let before = resident();
    ask_for_all(&site, 10_000);
    let grown = resident().saturating_sub(before);
    assert!(grown < 64 * MIB, "{} MiB", grown / MIB);
    memcached.resume();
}

const CHUNK: usize = 100_000;
const CHUNKS: usize = 75;

/// A page of 7.5 MB that stops in the middle until the gate opens.
fn long(gate: Gate) -> HttpResponse {
    static PART: [u8; CHUNK] = [b'a'; CHUNK];
    let parts = stream::iter(0..CHUNKS).then(move |number| {
        let gate = gate.clone();
        async move {
            if number == CHUNKS - 5 {
                gate.pass().await;
            }
            Ok::<_, Error>(Bytes::from_static(&PART))
        }
    });
    HttpResponse::Ok()
        .content_type("text/html")
        .streaming(parts)
}

#[test]
fn streams_that_stop_in_the_middle_share_a_bound_and_come_whole() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let pages = PageCache::builder()
        .in_memory(64 * MIB as u64)
        .max_entry_size(8_000_000)
        .collecting(32 * MIB)
        .build()
        .unwrap();
    let gate = Gate::default();
    let handlers = gate.clone();
    let site = Site::start(&pages, move |_| {
        let gate = handlers.clone();
        async move { long(gate) }
    });
    let before = resident();
    let mut readers: Vec<_> = (0..40)
        .map(|number| site.ask(&format!("/{number}")))
        .collect();
    let read = |reader: &mut Connection| read_through(reader, (CHUNKS - 6) * CHUNK);
    let read: Vec<_> = readers.iter_mut().map(read).collect();
    let grown = resident().saturating_sub(before);
    assert!(grown < 96 * MIB, "{} MiB", grown / MIB);
    gate.open();
    for (reader, read) in readers.iter_mut().zip(read) {
        read_through(reader, CHUNKS * CHUNK - read);
    }
    eventually("the memory is given back", || {
        site.get("/new");
        status_of(&site.get("/new")) == "hit"
    });
}

/// Reads at least so many bytes and keeps none; how many.
fn read_through(reader: &mut Connection, bytes: usize) -> usize {
    let mut seen = 0;
    while seen < bytes {
        let read = reader.read_some(1 << 16).unwrap().len();
        assert!(read > 0, "the page ended after {seen} bytes");
        seen += read;
    }
    seen
}
