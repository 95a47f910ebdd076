//! Clients that look at answers; wrk only counts them.

use std::io::Read;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use testkit::http::{Connection, Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::contest::Outcome;
use crate::page_set::Page;

/// What the answer to every request of a contender must be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Expect {
    /// The bytes on the wire are gzip.
    pub(crate) gzip: bool,
    /// A header, and words of its value.
    pub(crate) header: Option<(&'static str, &'static str)>,
}

impl Expect {
    /// Asks for each of `pages` and checks status, every byte and the header.
    pub(crate) fn check(&self, port: u16, pages: &[Page]) -> Outcome {
        pages.iter().try_for_each(|page| self.check_one(port, page))
    }

    fn check_one(&self, port: u16, page: &Page) -> Outcome {
        let target = page.target();
        let answer = ask(port, &target)?;
        let wrong = |what: &str| Err(format!("GET {target}: {what}"));
        if answer.status != 200 {
            return wrong(&format!("status {}", answer.status));
        }
        let gzip = answer.header("content-encoding") == Some("gzip");
        if gzip != self.gzip {
            return wrong(if gzip { "gzip came" } else { "no gzip came" });
        }
        if body(&answer)? != page.html.as_bytes() {
            return wrong("the body is not the page");
        }
        self.header.map_or(Ok(()), |header| has(&answer, header))
    }
}

/// Whether a header has the words of `value`.
pub(crate) fn has(answer: &Response, (name, value): (&str, &str)) -> Outcome {
    match answer.header(name) {
        Some(said) if said.contains(value) => Ok(()),
        said => Err(format!("{name} is {said:?}, not {value:?}")),
    }
}

/// A field of a request.
pub(crate) type Field = (&'static str, String);

/// GET, as wrk sends it.
pub(crate) fn ask(port: u16, target: &str) -> Outcome<Response> {
    ask_with(port, target, &[])
}

/// The same, with more fields.
pub(crate) fn ask_with(port: u16, target: &str, fields: &[Field]) -> Outcome<Response> {
    let request = Request::get(target).header("Accept-Encoding", "gzip");
    let request = (fields.iter()).fold(request, |request, (name, value)| {
        request.header(name, value)
    });
    let answer = request.try_send(port);
    answer.map_err(|error| format!("GET {target}: {error}"))
}

fn body(answer: &Response) -> Outcome<Vec<u8>> {
    if answer.header("content-encoding").is_none() {
        return Ok(answer.body.clone());
    }
    let mut body = Vec::new();
    GzDecoder::new(&answer.body[..])
        .read_to_end(&mut body)
        .map_err(|error| format!("the body is not gzip: {error}"))?;
    Ok(body)
}

/// Asks for every target once, many on the way at a time.
pub(crate) fn visit(port: u16, targets: impl Iterator<Item = String>) -> Outcome {
    const PIPELINED: usize = 32;
    let failed = |error: std::io::Error| format!("filling the cache: {error}");
    let mut connection = Connection::open(port).map_err(failed)?;
    let mut targets = targets.peekable();
    while targets.peek().is_some() {
        let mut sent = 0;
        for target in targets.by_ref().take(PIPELINED) {
            connection.send(&Request::get(target)).map_err(failed)?;
            sent += 1;
        }
        for _ in 0..sent {
            let answer = connection.receive().map_err(failed)?;
            if answer.status != 200 {
                return Err(format!("filling the cache: status {}", answer.status));
            }
        }
    }
    Ok(())
}

/// What a burst came to.
pub(crate) struct Burst {
    pub(crate) until_last: Duration,
    pub(crate) failed: usize,
}

/// `clients` connect, and then all ask for `page` at the same moment.
pub(crate) fn burst(port: u16, page: &Page, target: &str, clients: usize) -> Outcome<Burst> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start a runtime: {error}"))?;
    let request = format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    runtime.block_on(async {
        let mut streams = Vec::with_capacity(clients);
        for _ in 0..clients {
            let stream = TcpStream::connect(("127.0.0.1", port)).await;
            streams.push(stream.map_err(|error| format!("cannot connect: {error}"))?);
        }
        let began = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for stream in streams {
            tasks.spawn(exchange(stream, request.clone()));
        }
        let mut failed = 0;
        while let Some(answer) = tasks.join_next().await {
            let is_page = answer.is_ok_and(|answer| {
                answer.is_ok_and(|bytes| {
                    bytes.starts_with(b"HTTP/1.1 200") && bytes.ends_with(page.html.as_bytes())
                })
            });
            failed += usize::from(!is_page);
        }
        Ok(Burst {
            until_last: began.elapsed(),
            failed,
        })
    })
}

async fn exchange(mut stream: TcpStream, request: String) -> std::io::Result<Vec<u8>> {
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}
