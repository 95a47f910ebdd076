//! What goes out.

use std::io;

use super::{Connection, Response};

/// A request, written as given.
#[derive(Clone, Debug)]
pub struct Request {
    pub(super) method: String,
    target: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    None,
    Whole(Vec<u8>),
    Chunked(Vec<Vec<u8>>),
}

impl Request {
    /// A request with any method and any target, byte for byte.
    #[must_use]
    pub fn new(method: &str, target: impl AsRef<[u8]>) -> Request {
        Request {
            method: method.to_owned(),
            target: target.as_ref().to_vec(),
            headers: Vec::new(),
            body: Body::None,
        }
    }

    /// A GET.
    #[must_use]
    pub fn get(target: impl AsRef<[u8]>) -> Request {
        Request::new("GET", target)
    }

    /// Adds a header line. `Host: 127.0.0.1` is sent where none is given;
    /// nothing else is added but what the body needs.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Request {
        self.headers
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Sends `body`, with its Content-Length.
    #[must_use]
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Request {
        self.body = Body::Whole(body.as_ref().to_vec());
        self
    }

    /// Sends `chunks` with `Transfer-Encoding: chunked`.
    #[must_use]
    pub fn chunks<T: AsRef<[u8]>>(mut self, chunks: impl IntoIterator<Item = T>) -> Request {
        let chunks = chunks.into_iter().map(|chunk| chunk.as_ref().to_vec());
        self.body = Body::Chunked(chunks.filter(|chunk| !chunk.is_empty()).collect());
        self
    }

    /// Sends it to 127.0.0.1:`port` on a connection of its own.
    ///
    /// # Panics
    /// When no whole response comes in 10 seconds.
    #[must_use]
    #[track_caller]
    pub fn send(&self, port: u16) -> Response {
        self.try_send(port).unwrap_or_else(|error| {
            let target = String::from_utf8_lossy(&self.target);
            panic!("{} {target} at port {port}: {error}", self.method)
        })
    }

    /// Like [`send`](Self::send), for a failure that is expected.
    ///
    /// # Errors
    /// When no whole response comes in 10 seconds.
    pub fn try_send(&self, port: u16) -> io::Result<Response> {
        let closing = self.clone().header("Connection", "close");
        let mut connection = Connection::open(port)?;
        connection.send(&closing)?;
        connection.receive()
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut out = [self.method.as_bytes(), b" ", &self.target, b" HTTP/1.1\r\n"].concat();
        let mut line = |name: &str, value: &[u8]| {
            out.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
        };
        let named = |(name, _): &(String, Vec<u8>)| name.eq_ignore_ascii_case("host");
        if !self.headers.iter().any(named) {
            line("Host", b"127.0.0.1");
        }
        for (name, value) in &self.headers {
            line(name, value);
        }
        match &self.body {
            Body::None => {}
            Body::Whole(bytes) => line("Content-Length", bytes.len().to_string().as_bytes()),
            Body::Chunked(_) => line("Transfer-Encoding", b"chunked"),
        }
        out.extend_from_slice(b"\r\n");
        self.body.write(&mut out);
        out
    }
}

impl Body {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Body::None => {}
            Body::Whole(bytes) => out.extend_from_slice(bytes),
            Body::Chunked(chunks) => {
                for chunk in chunks {
                    let length = format!("{:x}\r\n", chunk.len());
                    out.extend_from_slice(&[length.as_bytes(), chunk, b"\r\n"].concat());
                }
                out.extend_from_slice(b"0\r\n\r\n");
            }
        }
    }
}
