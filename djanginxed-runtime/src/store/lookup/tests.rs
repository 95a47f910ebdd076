//! What lookups make of a server that answers in a way of its own.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::layout::Layout;
use crate::placement::Placement;
use crate::server::Server;
use crate::store::Memcached;

const TIMEOUT: Duration = Duration::from_millis(100);

fn key(target: &str) -> PageKey {
    PageKey::new("", target)
}

/// Memcached as `answer` plays it, which gets each key that is asked for.
fn played(
    answer: impl Fn(&str, &TcpStream) -> io::Result<()> + Copy + Send + 'static,
) -> Memcached {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            thread::spawn(move || -> io::Result<()> {
                for line in BufReader::new(&stream).lines() {
                    answer(line?.split(' ').nth(1).unwrap_or_default(), &stream)?;
                }
                Ok(())
            });
        }
    });
    let servers = [Server::parse(&address).unwrap()];
    Memcached::new(
        &servers,
        Placement::default(),
        TIMEOUT,
        Layout::Body,
        1_000_000,
    )
}

async fn get(
    memcached: &Memcached,
    key: PageKey,
    on_send: Option<OnSend>,
) -> Result<Option<Found>, StoreError> {
    page(memcached.upstream_of(&key), key, on_send).await
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(future)
}

/// Sends one page slowly, and has no time for others.
fn busy(asked: &str, mut stream: &TcpStream) -> io::Result<()> {
    if asked != key("/large").to_string() {
        return Ok(());
    }
    write!(stream, "VA 900000 f0 k{asked}\r\n")?;
    for _ in 0..100 {
        stream.write_all(&[b'a'; 9000])?;
        thread::sleep(Duration::from_millis(10));
    }
    stream.write_all(b"\r\n")
}

#[test]
fn a_server_that_is_busy_with_one_worker_does_not_fail_the_others() {
    let memcached = played(busy);
    let until = Instant::now() + 10 * TIMEOUT;
    let ask = |target: &'static str| {
        let memcached = &memcached;
        move || {
            wait(async {
                while Instant::now() < until {
                    assert!(get(memcached, key(target), None).await.is_err(), "{target}");
                }
            });
        }
    };
    thread::scope(|scope| {
        scope.spawn(ask("/large"));
        for target in ["/a", "/b", "/c", "/d"] {
            scope.spawn(ask(target));
        }
    });
    assert!(!memcached.upstreams()[0].breaker().is_open());
}

#[test]
fn a_server_that_answers_nobody_fails() {
    let memcached = played(|_, _| Ok(()));
    wait(async {
        // A visitor is told a moment before the breaker is.
        for _ in 0..4 {
            assert!(get(&memcached, key("/"), None).await.is_err());
        }
    });
    assert!(memcached.upstreams()[0].breaker().is_open());
}

#[test]
fn whoever_asks_is_told_when_it_is_sent_and_before_it_is_answered() {
    let memcached = played(|_, mut stream| stream.write_all(b"EN\r\n"));
    let sent = Arc::new(AtomicBool::new(false));
    let was_sent = || sent.load(Ordering::SeqCst);
    let note = Arc::clone(&sent);
    let on_send: OnSend = Box::new(move || note.store(true, Ordering::SeqCst));
    wait(async {
        let mut asked = pin!(get(&memcached, key("/"), Some(on_send)));
        let mut context = Context::from_waker(Waker::noop());
        assert!(asked.as_mut().poll(&mut context).is_pending());
        // The others that the worker has at hand may still join.
        assert!(!was_sent());
        assert!(asked.await.unwrap().is_none());
        assert!(was_sent());
    });
}

/// A delete marker, whose value is short.
fn marked(asked: &str, mut stream: &TcpStream) -> io::Result<()> {
    write!(stream, "VA 2 t600 c7 k{asked}\r\nab\r\n")
}

#[test]
fn a_marker_says_nothing_of_its_pages_size() {
    let memcached = played(marked);
    let page = key("/");
    let upstream = &memcached.upstreams()[0];
    upstream.note_size(&page, 900_000);
    let marker = wait(memcached.marker(page)).unwrap();
    assert!(marker.is_some_and(|marker| marker.number.is_some()));
    assert!(upstream.is_large(&page));
    wait(get(&memcached, page, None)).unwrap();
    assert!(!upstream.is_large(&page));
}
