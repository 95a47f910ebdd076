//! An application of one service, and a request to it.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};

use actix_web::body::to_bytes;
use actix_web::dev::HttpServiceFactory;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, FromRequest, HttpRequest, web};

/// An extractor that finds a 7 in every request.
#[derive(Debug)]
pub(crate) struct Number(pub(crate) u32);

impl FromRequest for Number {
    type Error = Infallible;
    type Future = Ready<Result<Number, Infallible>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Number(7)))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What `service` answers to `request`.
pub(crate) async fn answer(
    service: impl HttpServiceFactory + 'static,
    request: TestRequest,
) -> (StatusCode, String) {
    let app = App::new()
        .app_data(web::Data::new(String::from("shared")))
        .service(service);
    let app = init_service(app).await;
    let response = call_service(&app, request.to_request()).await;
    let status = response.status();
    let body = to_bytes(response.into_body()).await.ok().unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// The body that a GET for `target` gets.
pub(crate) async fn body(service: impl HttpServiceFactory + 'static, target: &str) -> String {
    let (status, body) = answer(service, TestRequest::get().uri(target)).await;
    assert_eq!(status, StatusCode::OK, "{target}: {body}");
    body
}

/// The status that a GET for `target` gets.
pub(crate) async fn status(service: impl HttpServiceFactory + 'static, target: &str) -> u16 {
    let (status, _) = answer(service, TestRequest::get().uri(target)).await;
    status.as_u16()
}
