//! Requests over one connection that is kept while the server keeps it.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HeaderMap;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::problem::Problem;
use super::tls::Trust;
use super::url::Origin;
use crate::dial::dial;

/// No page is larger; an answer without an end is none.
const LARGEST: usize = 64 << 20;

/// A request, whose target goes out as written.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: &'static str,
    target: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Request {
    pub(crate) fn new(method: &'static str, target: impl Into<String>) -> Request {
        Request {
            method,
            target: target.into(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    pub(crate) fn get(target: impl Into<String>) -> Request {
        Request::new("GET", target)
    }

    pub(crate) fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Request {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// All of these headers.
    pub(crate) fn headers<T: AsRef<str>>(self, fields: &[(T, T)]) -> Request {
        fields.iter().fold(self, |request, (name, value)| {
            request.header(name.as_ref(), value.as_ref())
        })
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Request {
        self.body = body.into();
        self
    }

    fn build(&self, host: &str) -> Result<hyper::Request<Full<Bytes>>, Problem> {
        let mut builder = hyper::Request::builder()
            .method(self.method)
            .uri(&self.target);
        if !self
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("host"))
        {
            builder = builder.header("host", host);
        }
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        builder.body(Full::new(self.body.clone())).map_err(|error| {
            Problem::Unsendable(format!("{} cannot be asked for: {error}", self.target))
        })
    }
}

/// A whole response.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Response {
    /// A header as text; several lines are joined.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let lines = self.headers.get_all(name).iter();
        let lines: Vec<_> = lines
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    }
}

/// A client of one origin.
#[derive(Debug)]
pub(crate) struct Client {
    origin: Origin,
    /// Where to connect instead of the origin's own host and port.
    connect: Option<String>,
    plain: bool,
    patience: Duration,
    /// No answer's body is larger, in bytes.
    largest: usize,
    trust: Trust,
    kept: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    pub(crate) fn new(
        origin: Origin,
        connect: Option<String>,
        patience: Duration,
        trust: &Trust,
    ) -> Client {
        Client {
            origin,
            connect,
            plain: false,
            patience,
            largest: LARGEST,
            trust: trust.clone(),
            kept: None,
        }
    }

    /// The port that it connects to.
    pub(crate) fn port(&self) -> u16 {
        let given = self.connect.as_ref().and_then(|to| to.rsplit_once(':'));
        let given = given.and_then(|(_, port)| port.parse().ok());
        given.unwrap_or(self.origin.port)
    }

    /// Another client of the same, with a connection of its own.
    pub(crate) fn again(&self) -> Client {
        Client {
            origin: self.origin.clone(),
            connect: self.connect.clone(),
            trust: self.trust.clone(),
            kept: None,
            ..*self
        }
    }

    /// Connects there instead.
    pub(crate) fn at(self, address: &str) -> Client {
        Client {
            connect: Some(address.to_owned()),
            ..self
        }
    }

    /// Speaks plain HTTP to where it connects, for the origin's host.
    pub(crate) fn without_tls(mut self) -> Client {
        self.plain = true;
        self
    }

    /// Takes a body of at most so many bytes.
    pub(crate) fn at_most(mut self, bytes: usize) -> Client {
        self.largest = bytes;
        self
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Sends `request` and reads the whole answer.
    pub(crate) async fn send(&mut self, request: &Request) -> Result<Response, Problem> {
        match timeout(self.patience, self.exchange(request)).await {
            Ok(result) => result,
            Err(_) => Err(Problem::TimedOut(self.patience)),
        }
    }

    async fn exchange(&mut self, request: &Request) -> Result<Response, Problem> {
        let host = self.origin.host_header();
        if let Some(mut sender) = self.kept.take() {
            // The server may have closed it meanwhile: then once more, anew.
            if sender.ready().await.is_ok()
                && let Ok(answer) = sender.send_request(request.build(&host)?).await
            {
                return self.finish(sender, answer).await;
            }
        }
        let mut sender = self.dial().await?;
        let answer = (sender.send_request(request.build(&host)?).await)
            .map_err(|error| Problem::of_http(&error))?;
        self.finish(sender, answer).await
    }

    async fn finish(
        &mut self,
        sender: SendRequest<Full<Bytes>>,
        answer: hyper::Response<Incoming>,
    ) -> Result<Response, Problem> {
        let (head, body) = answer.into_parts();
        let body = (Limited::new(body, self.largest).collect().await)
            .map_err(|error| Problem::BrokenOff(error.to_string()))?;
        self.kept = Some(sender);
        Ok(Response {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.to_bytes(),
        })
    }

    async fn dial(&self) -> Result<SendRequest<Full<Bytes>>, Problem> {
        let own = self.origin.address();
        let address = self.connect.as_ref().unwrap_or(&own);
        let stream = (dial(address).await).map_err(|error| Problem::of_connect(address, &error))?;
        if self.origin.tls && !self.plain {
            let stream = self.trust.connect(&self.origin.host, stream).await;
            start(stream.map_err(Problem::Tls)?).await
        } else {
            start(stream).await
        }
    }
}

async fn start(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> Result<SendRequest<Full<Bytes>>, Problem> {
    let (sender, connection) =
        (http1::handshake(TokioIo::new(stream)).await).map_err(|error| Problem::of_http(&error))?;
    tokio::spawn(connection);
    Ok(sender)
}
