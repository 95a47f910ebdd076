//! The argument that an annotated handler has before its own.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use actix_web::dev::Payload;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use futures_core::Stream;

/// A request, and whether content comes with it.
#[derive(Debug)]
pub struct Incoming {
    pub(crate) request: HttpRequest,
    pub(crate) has_content: bool,
}

impl FromRequest for Incoming {
    type Error = Infallible;
    type Future = Ready<Result<Incoming, Infallible>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Ok(Incoming {
            request: request.clone(),
            has_content: has_content(payload),
        }))
    }
}

/// Whether `payload` is more than an end. No header says so over HTTP/2, where
/// content needs no length; so it is looked at, and put back for the handler.
pub(super) fn has_content(payload: &mut Payload) -> bool {
    if matches!(payload, Payload::None) {
        return false;
    }
    // Nobody is woken by this look: whoever reads the payload asks again.
    let mut nobody = Context::from_waker(Waker::noop());
    match Pin::new(&mut *payload).poll_next(&mut nobody) {
        Poll::Ready(None) => false,
        Poll::Ready(Some(first)) => {
            let rest = payload.take();
            *payload = Payload::Stream {
                payload: Box::pin(Again {
                    first: Some(first),
                    rest,
                }),
            };
            true
        }
        Poll::Pending => true,
    }
}

type Chunk = Result<Bytes, actix_web::error::PayloadError>;

/// A payload whose first chunk has been looked at.
struct Again {
    first: Option<Chunk>,
    rest: Payload,
}

impl Stream for Again {
    type Item = Chunk;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Chunk>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(first)),
            None => Pin::new(&mut self.rest).poll_next(context),
        }
    }
}
