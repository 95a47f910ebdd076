//! A request's way, in order.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::atomic::AtomicBool;

use actix_web::body::BoxBody;
use actix_web::{HttpRequest, HttpResponse, Responder};

use crate::page::Page;

/// Whether a page's settings have been logged.
#[derive(Debug)]
pub struct Seen(#[allow(dead_code)] AtomicBool);

impl Seen {
    /// A page that has not been asked for yet.
    #[must_use]
    pub const fn new() -> Seen {
        Seen(AtomicBool::new(false))
    }
}

/// What an annotated handler returns: its response, under the type it declares.
pub struct Served<R> {
    response: HttpResponse,
    declared: PhantomData<fn() -> R>,
}

impl<R> Responder for Served<R> {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        self.response
    }
}

/// Answers `request` from a store, or with what `handler` renders.
pub async fn serve<R: Responder + 'static>(
    _page: Page,
    _seen: &'static Seen,
    request: HttpRequest,
    handler: impl Future<Output = R>,
) -> Served<R> {
    let response = handler.await.respond_to(&request).map_into_boxed_body();
    Served {
        response,
        declared: PhantomData,
    }
}
