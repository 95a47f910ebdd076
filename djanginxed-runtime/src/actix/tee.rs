//! A handler's response on its way: its body is collected, or copied while it is
//! streamed.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::Bytes;

use super::answer::{mark, say_vary};
use crate::budget::Share;
use crate::life::Life;
use crate::reason::Reason;
use crate::render::{Fresh, Render};
use crate::status::Status;
use crate::tag::Tags;

/// A handler's response, and what others may have of it.
pub(super) struct Rendered {
    pub(super) response: HttpResponse,
    /// The page, where the response is one for others.
    pub(super) fresh: Option<Fresh>,
    /// Whether it is stored, or will be when its stream ends well.
    pub(super) is_kept: bool,
    /// Why it is not, where that is known already.
    pub(super) refused: Option<Reason>,
}

/// Judges the handler's response, and stores it or lets its body be stored when it
/// ends.
pub(super) fn finish(render: Render, mut response: HttpResponse) -> Rendered {
    // What the handler says of it, before the cache adds what its rules look at.
    let judged = render.judge(response.status(), response.headers());
    say_vary(response.headers_mut(), render.pages().settings());
    match judged {
        Ok(life) => collect(render, response, life),
        Err(reason) => refused(&render, response, reason),
    }
}

fn refused<B>(render: &Render, response: HttpResponse<B>, reason: Reason) -> Rendered
where
    B: MessageBody + 'static,
{
    marked(render, response, Status::Refused(reason), None)
}

fn marked<B>(
    render: &Render,
    mut response: HttpResponse<B>,
    status: Status,
    fresh: Option<Fresh>,
) -> Rendered
where
    B: MessageBody + 'static,
{
    mark(&mut response, status, render.pages().settings());
    Rendered {
        response: response.map_into_boxed_body(),
        fresh,
        is_kept: matches!(status, Status::Stored | Status::Miss),
        refused: match status {
            Status::Refused(reason) => Some(reason),
            _ => None,
        },
    }
}

fn collect(render: Render, response: HttpResponse, life: Life) -> Rendered {
    let (response, body) = response.into_parts();
    let size = body.size();
    match body.try_into_bytes() {
        Ok(body) => whole(&render, response, body, life),
        Err(body) if is_too_large(size, render.limit()) => {
            render.skipped(response.headers(), Reason::TooLarge);
            refused(&render, response.set_body(body), Reason::TooLarge)
        }
        Err(body) => tee(render, response, body, life),
    }
}

fn whole(render: &Render, response: HttpResponse<()>, body: Bytes, life: Life) -> Rendered {
    let (status, headers) = (response.status(), response.headers());
    let body = without_spare(body);
    let entry = match render.entry(status, headers, body.clone()) {
        Ok(entry) => entry,
        Err(reason) => return refused(render, response.set_body(body), reason),
    };
    let mut response = response.set_body(body);
    if let Some(tag) = entry.etag() {
        // The visitor may come back and ask whether it has changed.
        response.headers_mut().insert(header::ETAG, tag.clone());
    }
    let tags = render.tags();
    let status = match render.store(entry.clone(), life, Tags::clone(&tags)) {
        // The writer tries; whether it succeeds, the visitor's answer does not wait for.
        Ok(()) if render.is_in_doubt() => Status::Miss,
        Ok(()) => Status::Stored,
        Err(reason) => Status::Dropped(reason),
    };
    marked(render, response, status, Some((entry, render.doubt(tags))))
}

/// A body in a buffer of its own length: an entry would keep a larger one alive, of which
/// the body is a slice, and then no bound on memory would hold. It is copied only where
/// somebody else has it.
fn without_spare(body: Bytes) -> Bytes {
    Vec::from(body).into_boxed_slice().into()
}

fn tee(render: Render, response: HttpResponse<()>, body: BoxBody, life: Life) -> Rendered {
    let announced = match body.size() {
        BodySize::Sized(bytes) => Some(bytes),
        _ => None,
    };
    let mut response = response;
    mark(&mut response, Status::Miss, render.pages().settings());
    let copy = Some(Collected {
        bytes: Vec::new(),
        share: render.pages().collecting().share(),
        announced,
        status: response.status(),
        headers: response.headers().clone(),
        render,
        life,
    });
    Rendered {
        response: response.set_body(BoxBody::new(Tee { body, copy })),
        fresh: None,
        is_kept: true,
        refused: None,
    }
}

fn is_too_large(size: BodySize, limit: usize) -> bool {
    matches!(size, BodySize::Sized(bytes) if usize::try_from(bytes).unwrap_or(usize::MAX) > limit)
}

/// A streamed body: the visitor gets each chunk as the handler makes it, and
/// the store gets a copy of them all if the stream ends well.
struct Tee {
    body: BoxBody,
    copy: Option<Collected>,
}

struct Collected {
    bytes: Vec<u8>,
    /// What `bytes` takes of the memory for all copies.
    share: Share,
    /// The length that the response's head announces, if it does.
    announced: Option<u64>,
    status: StatusCode,
    headers: HeaderMap,
    render: Render,
    life: Life,
}

impl Collected {
    fn add(&mut self, chunk: &[u8]) -> Result<(), Reason> {
        let limit = self.render.limit();
        let length = self.bytes.len() + chunk.len();
        if length > limit {
            return Err(Reason::TooLarge);
        }
        if length > self.bytes.capacity() {
            let room = (self.bytes.capacity() * 2).clamp(length, limit);
            if !self.share.grow_to(room) {
                return Err(Reason::Memory);
            }
            self.bytes.reserve_exact(room - self.bytes.len());
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    fn give_up(self, reason: Reason) {
        self.render.skipped(&self.headers, reason);
    }

    /// Stores what was collected; a refusal has been logged and counted.
    fn end(self) {
        let length = self.bytes.len() as u64;
        if self.announced.is_some_and(|announced| announced != length) {
            return self.give_up(Reason::Incomplete);
        }
        let body = self.bytes.into_boxed_slice().into();
        if let Ok(entry) = self.render.entry(self.status, &self.headers, body) {
            let _ = self.render.store(entry, self.life, self.render.tags());
        }
    }
}

impl Tee {
    fn add(&mut self, chunk: &[u8]) {
        let copied = self.copy.as_mut().map(|copy| copy.add(chunk));
        if let Some(Err(reason)) = copied {
            self.give_up(reason);
        }
    }

    fn give_up(&mut self, reason: Reason) {
        if let Some(copy) = self.copy.take() {
            copy.give_up(reason);
        }
    }

    fn end(&mut self) {
        if let Some(copy) = self.copy.take() {
            copy.end();
        }
    }
}

impl MessageBody for Tee {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = &mut *self;
        let chunk = std::task::ready!(Pin::new(&mut this.body).poll_next(context));
        match &chunk {
            Some(Ok(chunk)) => this.add(chunk),
            Some(Err(_)) => this.give_up(Reason::Incomplete),
            None => this.end(),
        }
        Poll::Ready(chunk)
    }
}

impl Drop for Tee {
    fn drop(&mut self) {
        self.give_up(Reason::Incomplete);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The length of the whole buffer.
    fn room(body: Bytes) -> usize {
        Vec::from(body).capacity()
    }

    #[test]
    fn a_body_keeps_no_larger_buffer_alive() {
        let large = || Bytes::from(vec![b'a'; 1 << 20]);
        let shared = large();
        for body in [
            large().slice(7..107),
            large().split_off((1 << 20) - 100),
            shared.slice(..100),
            Bytes::from_static(&[b'a'; 100]),
            Bytes::from({
                let mut text = Vec::with_capacity(1000);
                text.resize(100, b'a');
                text
            }),
        ] {
            let alone = without_spare(body);
            assert_eq!(alone, b"a".repeat(100));
            assert_eq!(room(alone), 100);
        }
        assert_eq!(shared.len(), 1 << 20);
    }

    #[test]
    fn a_body_that_nobody_else_has_is_not_copied() {
        let body = Bytes::from(b"a".repeat(100));
        let place = body.as_ptr();
        let alone = without_spare(body);
        assert_eq!(alone.as_ptr(), place);
        assert_ne!(without_spare(alone.clone()).as_ptr(), place);
    }
}
