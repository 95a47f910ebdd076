//! An annotated handler's statements.

use std::future::Future;

use actix_web::{HttpRequest, HttpResponse, Responder};

/// What renders a page, and how its responder becomes a response.
///
/// No bound stands here or where it is taken: the compiler says once, of [`rendering`],
/// that a type is no responder, and not again of all that is made of it.
pub struct Rendering<F, R> {
    statements: F,
    respond: fn(R, &HttpRequest) -> HttpResponse,
}

/// The statements of a handler that returns a responder.
pub fn rendering<F, R>(statements: F) -> Rendering<F, R>
where
    F: Future<Output = R>,
    R: Responder + 'static,
{
    Rendering {
        statements,
        respond: |page, request| page.respond_to(request).map_into_boxed_body(),
    }
}

impl<F: Future<Output = R>, R> Rendering<F, R> {
    /// Runs the statements.
    pub(super) async fn response(self, request: HttpRequest) -> HttpResponse {
        (self.respond)(self.statements.await, &request)
    }
}
