//! Bodies that come in chunks: the visitor has each chunk at once, and the
//! store has them all at the end, if it is a good one.

use std::io;
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use djanginxed::PageCacheBuilder;
use testkit::eventually;
use testkit::http::{Connection, Request};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::stack::{NGINX_HIT, Script, Stack, cache_status, ok};

type Chunk = io::Result<Bytes>;

/// A body whose chunks the test sends.
struct Chunks {
    chunks: UnboundedReceiver<Chunk>,
    size: BodySize,
}

impl MessageBody for Chunks {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, io::Error>>> {
        self.chunks.poll_recv(context)
    }
}

/// A stack whose every render asks the test for its chunks.
struct Streaming {
    stack: Stack,
    renders: mpsc::Receiver<Feed>,
}

/// Where the chunks of one render go in; its end is the end of the stream.
struct Feed(UnboundedSender<Chunk>);

impl Feed {
    fn send(&self, chunk: &'static str) {
        self.0
            .send(Ok(Bytes::from_static(chunk.as_bytes())))
            .unwrap();
    }

    fn fail(self) {
        self.0
            .send(Err(io::Error::other("the source broke off")))
            .unwrap();
    }
}

impl Streaming {
    fn start() -> Streaming {
        Streaming::with(BodySize::Stream, |builder| builder)
    }

    fn with(size: BodySize, cache: fn(PageCacheBuilder) -> PageCacheBuilder) -> Streaming {
        let (feeds, renders) = mpsc::channel();
        let script = Script::new(move |_| {
            let (feed, chunks) = unbounded_channel();
            feeds.send(Feed(feed)).unwrap();
            ok().body(Chunks { chunks, size })
        });
        let stack = Stack::setup().cache(cache).start(script);
        Streaming { stack, renders }
    }

    /// A visitor straight at the application, and what feeds their response.
    fn visit(&self) -> (Connection, Feed) {
        let mut visitor = Connection::open(self.stack.application.port()).unwrap();
        visitor
            .send(&Request::get("/a").header("Connection", "close"))
            .unwrap();
        (visitor, self.renders.recv().unwrap())
    }

    #[track_caller]
    fn nothing_is_stored(&self) {
        self.stack.settle();
        assert!(self.stack.memcached.pages().is_empty());
    }
}

/// Reads until `text` has come.
#[track_caller]
fn read_until(visitor: &mut Connection, text: &str) -> String {
    let mut read = String::new();
    while !read.contains(text) {
        let some = visitor.read_some(1000).unwrap();
        assert!(!some.is_empty(), "it ended before {text:?}: {read}");
        read.push_str(str::from_utf8(&some).unwrap());
    }
    read
}

#[test]
fn a_visitor_has_each_chunk_before_the_stream_ends() {
    let streaming = Streaming::start();
    let (mut visitor, feed) = streaming.visit();
    feed.send("<p>one");
    let head = read_until(&mut visitor, "<p>one");
    assert!(
        head.contains("cache-status: djanginxed; fwd=uri-miss\r\n"),
        "{head}"
    );
    feed.send("<p>two");
    read_until(&mut visitor, "<p>two");
    streaming.nothing_is_stored();
    drop(feed);
    read_until(&mut visitor, "0\r\n\r\n");
    streaming.stack.settle();
    let stored = streaming.stack.item("/a").unwrap();
    assert_eq!((stored.flags, &stored.bytes[..]), (0, &b"<p>one<p>two"[..]));
    let hit = streaming.stack.get("/a");
    assert_eq!(cache_status(&hit), NGINX_HIT);
    assert_eq!(hit.text(), "<p>one<p>two");
}

#[test]
fn a_stream_through_nginx_comes_whole_and_is_stored() {
    let streaming = Streaming::start();
    let mut visitor = Connection::open(streaming.stack.nginx.port()).unwrap();
    visitor.send(&Request::get("/a")).unwrap();
    let feed = streaming.renders.recv().unwrap();
    let chunks = ["<p>one", "<p>two", "<p>three"];
    for chunk in chunks {
        feed.send(chunk);
    }
    drop(feed);
    assert_eq!(visitor.receive().unwrap().text(), chunks.concat());
    streaming.stack.settle();
    let hit = streaming.stack.get("/a");
    assert_eq!(cache_status(&hit), NGINX_HIT);
    assert_eq!(hit.text(), chunks.concat());
}

#[test]
fn a_stream_that_fails_is_not_stored() {
    let streaming = Streaming::start();
    let (mut visitor, feed) = streaming.visit();
    feed.send("<p>half");
    feed.fail();
    assert!(visitor.receive().is_err());
    streaming.nothing_is_stored();
}

#[test]
fn a_stream_whose_visitor_leaves_is_not_stored() {
    let streaming = Streaming::start();
    let (mut visitor, feed) = streaming.visit();
    feed.send("<p>half");
    read_until(&mut visitor, "<p>half");
    visitor.reset().unwrap();
    eventually("the application has noticed", || {
        feed.0.send(Ok(Bytes::from_static(b"more"))).is_err()
    });
    streaming.nothing_is_stored();
}

#[test]
fn a_stream_shorter_than_announced_is_not_stored() {
    let streaming = Streaming::with(BodySize::Sized(100), |builder| builder);
    let (mut visitor, feed) = streaming.visit();
    feed.send("<p>half");
    drop(feed);
    assert!(visitor.receive().is_err());
    streaming.nothing_is_stored();
}

#[test]
fn a_stream_of_announced_length_is_stored() {
    let streaming = Streaming::with(BodySize::Sized(12), |builder| builder);
    let (mut visitor, feed) = streaming.visit();
    feed.send("<p>one");
    feed.send("<p>two");
    drop(feed);
    let page = visitor.receive().unwrap();
    assert_eq!(page.header("content-length"), Some("12"));
    streaming.stack.settle();
    let hit = streaming.stack.get("/a");
    assert_eq!(cache_status(&hit), NGINX_HIT);
    assert_eq!(hit.body, page.body);
}

#[test]
fn a_stream_without_a_byte_is_not_stored() {
    let streaming = Streaming::start();
    let (mut visitor, feed) = streaming.visit();
    drop(feed);
    assert_eq!(visitor.receive().unwrap().body, b"");
    streaming.nothing_is_stored();
}

#[test]
fn a_stream_that_grows_too_large_is_served_whole_and_not_stored() {
    let streaming = Streaming::with(BodySize::Stream, |builder| builder.max_entry_size(10));
    let (mut visitor, feed) = streaming.visit();
    feed.send("<p>12345");
    feed.send("678");
    feed.send("<p>");
    drop(feed);
    assert_eq!(visitor.receive().unwrap().text(), "<p>12345678<p>");
    streaming.nothing_is_stored();
}

#[test]
fn a_body_announced_as_too_large_is_not_stored() {
    let streaming = Streaming::with(BodySize::Sized(11), |builder| builder.max_entry_size(10));
    let (mut visitor, feed) = streaming.visit();
    feed.send("<p>12345678");
    drop(feed);
    let page = visitor.receive().unwrap();
    assert_eq!(
        cache_status(&page),
        "djanginxed; fwd=uri-miss; detail=too-large"
    );
    streaming.nothing_is_stored();
}

#[test]
fn nobody_waits_for_anothers_stream() {
    let streaming = Streaming::start();
    let (mut first, first_feed) = streaming.visit();
    first_feed.send("<p>first");
    read_until(&mut first, "<p>first");
    let (mut second, second_feed) = streaming.visit();
    second_feed.send("<p>second");
    drop(second_feed);
    assert_eq!(second.receive().unwrap().text(), "<p>second");
    drop(first_feed);
    read_until(&mut first, "0\r\n\r\n");
}
