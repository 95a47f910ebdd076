//! The parts of what the application answers itself, filled for its visitor.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::rt::{spawn, task::JoinHandle};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};

use super::ask::{Ask, PART_FIELD};
use crate::control::says;
use crate::grant::PERSONAL;
use crate::media::Html;
use crate::personal::{self, MAX_INCLUDES, Part, Segment, Splitter, cookie_value, mentions, split};
use crate::settings::Settings;
use crate::token::Token;

/// For whom parts are filled.
pub(super) struct Visitor {
    nonce: String,
    cookies: Vec<HeaderValue>,
    ask: Ask,
}

impl Visitor {
    pub(super) fn of(request: &HttpRequest, settings: &Settings) -> Visitor {
        let headers = request.headers();
        let (depth, nonce) = asked_with(headers).unwrap_or_else(|| (0, random()));
        Visitor {
            cookies: headers.get_all(header::COOKIE).cloned().collect(),
            ask: Ask::of(request, depth, &nonce, settings),
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

    /// The value as nginx finds it.
    fn cookie(&self, name: &str) -> &[u8] {
        let mut lines = self.cookies.iter();
        let value = lines.find_map(|line| cookie_value(line.as_bytes(), name.as_bytes()));
        value.unwrap_or_default()
    }

    /// What is in its place for this visitor: an include that is not for him is its
    /// default text.
    fn shown(&self, segment: Segment) -> Shown {
        let part = match segment {
            Segment::Text(text) => return Shown::Text(text),
            Segment::Part(part) => part,
        };
        match part {
            Part::Nonce => Shown::Text(Bytes::copy_from_slice(self.nonce.as_bytes())),
            Part::Cookie(name) => Shown::Text(escaped(self.cookie(&name)).into()),
            Part::Include {
                target,
                default,
                cookie,
            } => match target {
                Some(target) if cookie.is_none_or(|name| !self.cookie(&name).is_empty()) => {
                    Shown::Include(target, default.into())
                }
                _ => Shown::Text(default.into()),
            },
        }
    }
}

/// What a segment is for one visitor.
enum Shown {
    Text(Bytes),
    /// What is to be asked for, and its default text.
    Include(String, Bytes),
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
    is_for_nobody: bool,
    request: &HttpRequest,
    settings: &Settings,
) -> HttpResponse {
    let visitor = || match is_for_nobody {
        true => Visitor::nobody(),
        false => Visitor::of(request, settings),
    };
    fill_for(response, visitor, settings)
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
    let shown: Vec<_> = segments
        .into_iter()
        .map(|segment| visitor.shown(segment))
        .collect();
    let asks = |shown: &Shown| matches!(shown, Shown::Include(..));
    if shown.iter().any(asks) {
        return BoxBody::new(Filler::of(None, shown, visitor));
    }
    let mut filled = Vec::new();
    for shown in shown {
        if let Shown::Text(text) = shown {
            filled.extend_from_slice(&text);
        }
    }
    BoxBody::new(filled)
}

/// A body whose parts are filled while it is sent.
struct Filler {
    /// What is still to be read.
    body: Option<BoxBody>,
    splitter: Splitter,
    /// Not yet asked for, since nobody has asked for the body, as with HEAD.
    shown: Vec<Shown>,
    pieces: VecDeque<Piece>,
    includes: usize,
    visitor: Visitor,
}

enum Piece {
    Ready(Bytes),
    Asked(JoinHandle<Option<Bytes>>, Bytes),
}

impl Filler {
    fn of(body: Option<BoxBody>, shown: Vec<Shown>, visitor: Visitor) -> Filler {
        Filler {
            body,
            splitter: Splitter::default(),
            shown,
            pieces: VecDeque::new(),
            includes: 0,
            visitor,
        }
    }

    /// All that is to be asked for is asked for at the same time.
    fn start(&mut self) {
        for shown in std::mem::take(&mut self.shown) {
            let piece = match shown {
                Shown::Text(text) => Piece::Ready(text),
                Shown::Include(target, default) => self.ask(target, default),
            };
            self.pieces.push_back(piece);
        }
    }

    fn ask(&mut self, target: String, default: Bytes) -> Piece {
        self.includes += 1;
        if self.includes > MAX_INCLUDES {
            return Piece::Ready(default);
        }
        match self.visitor.ask.clone().answer(target) {
            Some(answer) => Piece::Asked(spawn(answer), default),
            None => Piece::Ready(default),
        }
    }

    fn look_at(&mut self, segments: Vec<Segment>) {
        let segments = segments.into_iter();
        self.shown = segments
            .map(|segment| self.visitor.shown(segment))
            .collect();
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
                        Some(Ok(chunk)) => {
                            let segments = this.splitter.push(&chunk);
                            this.look_at(segments);
                        }
                        Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                        None => {
                            this.body = None;
                            let segments = this.splitter.end();
                            this.look_at(segments);
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
