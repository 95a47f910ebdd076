//! The parts of what the application answers itself, filled for its visitor.

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::rt::{spawn, task::JoinHandle};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};

use super::ask::{Ask, PART_FIELD};
use super::through::Answered;
use crate::control::says;
use crate::grant::PERSONAL;
use crate::media::Html;
use crate::personal::{self, MAX_INCLUDES, Part, Segment, Splitter, mentions, split};
use crate::settings::Settings;
use crate::token::Token;

/// For whom parts are filled.
pub(super) struct Visitor {
    nonce: String,
    cookies: Vec<HeaderValue>,
    ask: Ask,
}

impl Visitor {
    pub(super) fn of(request: &HttpRequest) -> Visitor {
        let headers = request.headers();
        let (depth, nonce) = asked_with(headers).unwrap_or_else(|| (0, random()));
        Visitor {
            cookies: headers.get_all(header::COOKIE).cloned().collect(),
            ask: Ask::of(request, depth, &nonce),
            nonce,
        }
    }

    /// The application itself, which has asked for a page to store it, and throws away what
    /// it gets: nothing is asked for.
    fn nobody() -> Visitor {
        Visitor {
            nonce: String::new(),
            cookies: Vec::new(),
            ask: Ask::none(),
        }
    }

    /// The value as nginx finds and escapes it.
    fn cookie(&self, name: &str) -> Bytes {
        let mut lines = self.cookies.iter();
        let value = lines.find_map(|line| cookie_in(line.as_bytes(), name.as_bytes()));
        value.map(escaped).unwrap_or_default().into()
    }
}

/// What nginx, or this application for another page, says of a part that it asks for. Whoever
/// makes it up has another nonce in his own answer.
fn asked_with(headers: &HeaderMap) -> Option<(u8, String)> {
    let (depth, nonce) = headers.get(&PART_FIELD)?.to_str().ok()?.split_once(' ')?;
    let is_nonce = nonce.len() == 32 && nonce.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_nonce.then_some((depth.parse().ok()?, nonce.to_owned()))
}

/// A nonce; without randomness one that allows nothing.
fn random() -> String {
    Token::random().digits().to_owned()
}

/// Cookies as nginx's `$cookie_NAME` reads them: names without case, the first counts.
fn cookie_in<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let pieces = line.split(|byte| matches!(byte, b';' | b','));
    for piece in pieces {
        let start = piece.trim_ascii_start();
        let Some((own, rest)) = start.split_at_checked(name.len()) else {
            continue;
        };
        let Some(value) = rest.trim_ascii_start().strip_prefix(b"=") else {
            continue;
        };
        if own.eq_ignore_ascii_case(name) {
            // A comma ends no value.
            let from = value.as_ptr() as usize - line.as_ptr() as usize;
            let value = line[from..].split(|byte| *byte == b';').next();
            return value.map(<[u8]>::trim_ascii_start);
        }
    }
    None
}

/// As nginx's SSI writes it, and single quotes too.
fn escaped(value: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(value.len());
    for byte in value {
        match byte {
            b'<' => text.extend_from_slice(b"&lt;"),
            b'>' => text.extend_from_slice(b"&gt;"),
            b'&' => text.extend_from_slice(b"&amp;"),
            b'"' => text.extend_from_slice(b"&quot;"),
            b'\'' => text.extend_from_slice(b"&#39;"),
            other => text.push(*other),
        }
    }
    text
}

/// Fills the parts of an answer, in fields and in HTML; what has none stays as it is.
pub(super) fn fill(
    response: HttpResponse,
    request: &HttpRequest,
    settings: &Settings,
) -> HttpResponse {
    fill_for(response, || Visitor::of(request), settings)
}

/// The same of what a request's way has led to.
pub(super) fn fill_answered<C: Borrow<HttpRequest>>(
    answered: Answered<C>,
    settings: &Settings,
) -> (HttpResponse, C) {
    let Answered {
        response, carried, ..
    } = answered;
    let visitor = || match answered.is_for_nobody {
        true => Visitor::nobody(),
        false => Visitor::of(carried.borrow()),
    };
    let response = fill_for(response, visitor, settings);
    (response, carried)
}

/// The same for a visitor whose request may be gone.
pub(super) fn fill_for(
    response: HttpResponse,
    visitor: impl FnOnce() -> Visitor,
    settings: &Settings,
) -> HttpResponse {
    if !settings.parts && !personal::are_used() {
        return response;
    }
    let mut response = response;
    declare(response.headers_mut(), settings);
    let is_html = Html::of(response.headers()) != Html::No
        && !response.headers().contains_key(header::CONTENT_ENCODING);
    let (mut response, body) = response.into_parts();
    let body = body.try_into_bytes();
    let body = match is_html {
        true => body,
        false => body.map(without_parts),
    };
    let in_fields = (response.headers().iter()).any(|(_, value)| mentions(value.as_bytes()));
    // A stream is looked through as it goes, and has no length then: only where there may
    // be parts in it.
    let in_body = is_html && body.as_ref().map_or(settings.parts, |body| mentions(body));
    let body = match body {
        Ok(body) if !in_body && !in_fields => return response.set_body(BoxBody::new(body)),
        Err(stream) if !in_body && !in_fields => return response.set_body(stream),
        body => body,
    };
    let visitor = visitor();
    fill_fields(response.headers_mut(), &visitor.nonce);
    match body {
        Ok(body) if in_body => {
            make_personal(response.headers_mut());
            response.set_body(whole(split(&body), visitor))
        }
        Ok(body) => response.set_body(BoxBody::new(body)),
        Err(stream) if in_body => {
            make_personal(response.headers_mut());
            response.set_body(BoxBody::new(Filler::of(Some(stream), Vec::new(), visitor)))
        }
        Err(stream) => response.set_body(stream),
    }
}

/// Where no part can be filled, none is there either: who sees a marker could have others
/// fill it, by writing it where their pages show it.
fn without_parts(body: Bytes) -> Bytes {
    if !mentions(&body) {
        return body;
    }
    let text = split(&body)
        .into_iter()
        .filter_map(|segment| match segment {
            Segment::Text(text) => Some(text),
            Segment::Part(_) => None,
        });
    text.collect::<Vec<_>>().concat().into()
}

/// Adds the declared fields that have a nonce in them, which no middleware can know.
fn declare(headers: &mut HeaderMap, settings: &Settings) {
    for (name, value) in &settings.headers {
        if mentions(value.as_bytes()) && !headers.contains_key(name) {
            headers.append(name.clone(), value.clone());
        }
    }
}

fn fill_fields(headers: &mut HeaderMap, nonce: &str) {
    let has_part = |(_, value): &(&HeaderName, &HeaderValue)| mentions(value.as_bytes());
    let mut names: Vec<HeaderName> = (headers.iter().filter(has_part))
        .map(|(name, _)| name.clone())
        .collect();
    names.dedup();
    for name in names {
        let values: Vec<HeaderValue> = headers.remove(&name).collect();
        for value in values {
            if let Ok(filled) = HeaderValue::from_bytes(&filled_field(value.as_bytes(), nonce)) {
                headers.append(name.clone(), filled);
            }
        }
    }
}

/// Of parts only a nonce can stand in a field.
fn filled_field(value: &[u8], nonce: &str) -> Vec<u8> {
    let mut filled = Vec::new();
    for segment in split(value) {
        match segment {
            Segment::Text(text) => filled.extend_from_slice(&text),
            Segment::Part(Part::Nonce) => filled.extend_from_slice(nonce.as_bytes()),
            Segment::Part(_) => {}
        }
    }
    filled
}

/// An answer for one visitor, and of this moment: no validator, no grant to any cache.
fn make_personal(headers: &mut HeaderMap) {
    for name in [
        header::ETAG,
        header::LAST_MODIFIED,
        header::EXPIRES,
        header::CONTENT_LENGTH,
    ] {
        headers.remove(name);
    }
    for name in ["cdn-cache-control", "surrogate-control"] {
        headers.remove(HeaderName::from_static(name));
    }
    if !says(headers, &header::CACHE_CONTROL, &[b"no-store"]) {
        headers.insert(header::CACHE_CONTROL, PERSONAL);
    }
}

/// Filled at once where nothing has to be asked for.
fn whole(segments: Vec<Segment>, visitor: Visitor) -> BoxBody {
    let asks = |segment: &Segment| matches!(segment, Segment::Part(Part::Include { .. }));
    if segments.iter().any(asks) {
        return BoxBody::new(Filler::of(None, segments, visitor));
    }
    let mut filled = Vec::new();
    for segment in segments {
        match segment {
            Segment::Text(text) => filled.extend_from_slice(&text),
            Segment::Part(Part::Nonce) => filled.extend_from_slice(visitor.nonce.as_bytes()),
            Segment::Part(Part::Cookie(name)) => filled.extend_from_slice(&visitor.cookie(&name)),
            Segment::Part(Part::Include { .. }) => {}
        }
    }
    BoxBody::new(filled)
}

/// A body whose parts are filled while it is sent.
struct Filler {
    /// What is still to be read.
    body: Option<BoxBody>,
    splitter: Splitter,
    /// Not yet looked at, since nobody has asked for the body, as with HEAD.
    segments: Vec<Segment>,
    pieces: VecDeque<Piece>,
    includes: usize,
    visitor: Visitor,
}

enum Piece {
    Ready(Bytes),
    Asked(JoinHandle<Option<Bytes>>, Bytes),
}

impl Filler {
    fn of(body: Option<BoxBody>, segments: Vec<Segment>, visitor: Visitor) -> Filler {
        Filler {
            body,
            splitter: Splitter::default(),
            segments,
            pieces: VecDeque::new(),
            includes: 0,
            visitor,
        }
    }

    /// All that is to be asked for is asked for at the same time.
    fn start(&mut self) {
        for segment in std::mem::take(&mut self.segments) {
            let piece = match segment {
                Segment::Text(text) => Piece::Ready(text),
                Segment::Part(part) => self.piece(part),
            };
            self.pieces.push_back(piece);
        }
    }

    fn piece(&mut self, part: Part) -> Piece {
        match part {
            Part::Nonce => Piece::Ready(Bytes::copy_from_slice(self.visitor.nonce.as_bytes())),
            Part::Cookie(name) => Piece::Ready(self.visitor.cookie(&name)),
            Part::Include { target, default } => {
                let default = Bytes::from(default);
                self.includes += 1;
                match target.filter(|_| self.includes <= MAX_INCLUDES) {
                    Some(target) => match self.visitor.ask.clone().answer(target) {
                        Some(answer) => Piece::Asked(spawn(answer), default),
                        None => Piece::Ready(default),
                    },
                    None => Piece::Ready(default),
                }
            }
        }
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        for piece in &self.pieces {
            if let Piece::Asked(asked, _) = piece {
                asked.abort();
            }
        }
    }
}

impl MessageBody for Filler {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = &mut *self;
        loop {
            this.start();
            let bytes = match this.pieces.front_mut() {
                Some(Piece::Ready(bytes)) => std::mem::take(bytes),
                Some(Piece::Asked(asked, default)) => match ready!(Pin::new(asked).poll(context)) {
                    // As nginx's stub.
                    Ok(Some(bytes)) if !bytes.is_empty() => bytes,
                    _ => std::mem::take(default),
                },
                None => {
                    let Some(body) = this.body.as_mut() else {
                        return Poll::Ready(None);
                    };
                    match ready!(Pin::new(body).poll_next(context)) {
                        Some(Ok(chunk)) => this.segments = this.splitter.push(&chunk),
                        Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                        None => {
                            this.body = None;
                            this.segments = this.splitter.end();
                        }
                    }
                    continue;
                }
            };
            this.pieces.pop_front();
            if !bytes.is_empty() {
                return Poll::Ready(Some(Ok(bytes)));
            }
        }
    }
}

#[cfg(test)]
mod tests;
