//! What comes back.

use std::io::{self, BufRead};

/// A whole response.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header lines in the order in which they came; names as written.
    pub headers: Vec<(String, String)>,
    /// The body without its transfer coding; content codings stay.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of that name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(line, _)| line.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Every header of that name, in any case.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(line, _)| line.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body", &String::from_utf8_lossy(&self.body))
            .finish()
    }
}

pub(super) fn read_response(stream: &mut impl BufRead, to_head: bool) -> io::Result<Response> {
    loop {
        let mut response = read_head(stream)?;
        if (100..200).contains(&response.status) && response.status != 101 {
            continue;
        }
        if !to_head && !matches!(response.status, 101 | 204 | 304) {
            response.body = read_body(stream, &response)?;
        }
        return Ok(response);
    }
}

fn read_head(stream: &mut impl BufRead) -> io::Result<Response> {
    let first = line(stream)?;
    let status = first
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.get(2..5)?.parse().ok())
        .ok_or_else(|| broken(format!("no HTTP status line: {first:?}")))?;
    let mut headers = Vec::new();
    loop {
        let line = line(stream)?;
        if line.is_empty() {
            return Ok(Response {
                status,
                headers,
                body: Vec::new(),
            });
        }
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| broken(format!("no header line: {line:?}")))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
}

fn read_body(stream: &mut impl BufRead, response: &Response) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if response.header("transfer-encoding").is_some() {
        while read_chunk(stream, &mut body)? {}
        while !line(stream)?.is_empty() {}
    } else if let Some(length) = response.header("content-length") {
        let length = length
            .parse()
            .map_err(|_| broken(format!("Content-Length: {length}")))?;
        body.resize(length, 0);
        stream.read_exact(&mut body)?;
    } else {
        stream.read_to_end(&mut body)?;
    }
    Ok(body)
}

/// Whether there are more.
fn read_chunk(stream: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<bool> {
    let head = line(stream)?;
    let digits = head.split(';').next().unwrap_or_default().trim();
    let length = usize::from_str_radix(digits, 16)
        .map_err(|_| broken(format!("no chunk length: {head:?}")))?;
    if length == 0 {
        return Ok(false);
    }
    let start = body.len();
    body.resize(start + length, 0);
    stream.read_exact(&mut body[start..])?;
    line(stream)?;
    Ok(true)
}

fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut bytes = Vec::new();
    stream.read_until(b'\n', &mut bytes)?;
    if bytes.pop() != Some(b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    bytes.pop_if(|last| *last == b'\r');
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn broken(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}
