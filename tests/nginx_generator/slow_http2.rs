//! Visitors over HTTP/2, whose windows say how much nginx may send ahead.

use std::time::Duration;

use futures_util::future::join_all;
use h2::client::{Builder, SendRequest};
use h2::{Error, RecvStream};
use http::{Request, Response};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::sleep;

/// One page, one connection.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    target: String,
    window: u32,
    pause: Duration,
}

impl Reader {
    /// Reads `window` bytes of `target`, pauses, and so on.
    pub(crate) fn new(target: &str, window: u32, pause: Duration) -> Reader {
        Reader {
            target: target.to_owned(),
            window,
            pause,
        }
    }

    async fn read(&self, port: u16) -> Result<Vec<u8>, Error> {
        let mut visitor = connect(port, self.window).await;
        let response = ask(&mut visitor, &self.target).await?;
        assert!(is_hit(&response), "{response:?}");
        let mut stream = response.into_body();
        let (mut body, mut taken) = (Vec::new(), 0);
        while let Some(part) = stream.data().await {
            let part = part?;
            body.extend_from_slice(&part);
            taken += part.len();
            // Nothing more may come before the window is given back.
            if stream.flow_control().available_capacity() <= 0 {
                sleep(self.pause).await;
                stream
                    .flow_control()
                    .release_capacity(std::mem::take(&mut taken))?;
            }
        }
        Ok(body)
    }
}

/// What each of them got, all at the same time.
pub(crate) fn read_all(port: u16, readers: Vec<Reader>) -> Vec<(Reader, Result<Vec<u8>, Error>)> {
    let bodies = runtime().block_on(join_all(readers.iter().map(|reader| reader.read(port))));
    readers.into_iter().zip(bodies).collect()
}

/// Visitors who have their answers' heads and read no further.
pub(crate) struct Stopped {
    /// How many of them are being answered from Memcached.
    pub(crate) hits: usize,
    port: u16,
    runtime: Runtime,
    #[allow(dead_code, reason = "kept so that they stay open")]
    streams: Vec<RecvStream>,
}

impl Stopped {
    pub(crate) fn another_gets_a_hit(&self, target: &str) -> bool {
        self.runtime.block_on(async {
            let mut visitor = connect(self.port, 65_535).await;
            is_hit(&ask(&mut visitor, target).await.unwrap())
        })
    }
}

/// `connections` with `streams` each, which ask for `target` of their number.
pub(crate) fn stop_reading(
    port: u16,
    connections: usize,
    streams: usize,
    target: impl Fn(usize) -> String,
) -> Stopped {
    let runtime = runtime();
    let answers = runtime.block_on(async {
        let mut answers = Vec::new();
        for connection in 0..connections {
            let mut visitor = connect(port, 1024).await;
            for stream in 0..streams {
                let target = target(connection * streams + stream);
                answers.push(ask(&mut visitor, &target).await.unwrap());
            }
        }
        answers
    });
    Stopped {
        hits: answers.iter().filter(|answer| is_hit(answer)).count(),
        port,
        runtime,
        streams: answers.into_iter().map(Response::into_body).collect(),
    }
}

/// What a visitor gets who asks for `uri`, scheme and all.
pub(crate) fn text_of(port: u16, uri: &str) -> String {
    text_with(port, uri, b"")
}

/// The same for a GET with `content`, which no field announces.
pub(crate) fn text_with(port: u16, uri: &str, content: &'static [u8]) -> String {
    runtime().block_on(async {
        let mut visitor = connect(port, 65_535).await;
        let request = Request::get(uri).body(()).unwrap();
        let (response, mut rest) = (visitor.send_request(request, content.is_empty())).unwrap();
        if !content.is_empty() {
            rest.send_data(content, true).unwrap();
        }
        let mut stream = response.await.unwrap().into_body();
        let mut body = Vec::new();
        while let Some(part) = stream.data().await {
            body.extend_from_slice(&part.unwrap());
        }
        String::from_utf8(body).unwrap()
    })
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

async fn connect(port: u16, window: u32) -> SendRequest<&'static [u8]> {
    let socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let (visitor, connection) = Builder::new()
        .initial_window_size(window)
        .handshake(socket)
        .await
        .unwrap();
    tokio::spawn(connection);
    visitor
}

async fn ask(
    visitor: &mut SendRequest<&'static [u8]>,
    target: &str,
) -> Result<Response<RecvStream>, Error> {
    let uri = format!("http://www.example.com{target}");
    let request = Request::get(uri).body(()).unwrap();
    visitor
        .clone()
        .ready()
        .await?
        .send_request(request, true)?
        .0
        .await
}

fn is_hit(response: &Response<RecvStream>) -> bool {
    let from = response.headers().get("cache-status");
    from.is_some_and(|from| from == "nginx; hit")
}
