//! Return types.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, BytesMut, Redirect};
use actix_web::{
    CustomizeResponder, Either, HttpRequest, HttpResponse, HttpResponseBuilder, Responder,
    ResponseError, get,
};
use djanginxed::cache_page;

use crate::app::{body, status};

#[get("/impl")]
#[cache_page(60)]
async fn impl_responder() -> impl Responder {
    "impl"
}

#[get("/use")]
#[cache_page(60)]
async fn captures_nothing() -> impl Responder + use<> {
    String::from("use")
}

#[get("/number/{number}")]
#[cache_page(60)]
async fn fallible(number: web::Path<String>) -> Result<impl Responder, Box<dyn Error>> {
    let number: u32 = number.parse()?;
    if number == 1 {
        return Err("one is not a page".into());
    }
    if number == 2 {
        return Err(Box::new(fmt::Error));
    }
    Ok(format!("number {number}"))
}

#[derive(Debug)]
enum SiteError {
    Missing,
    Broken(std::num::ParseIntError),
}

impl fmt::Display for SiteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SiteError::Missing => f.write_str("missing"),
            SiteError::Broken(error) => error.fmt(f),
        }
    }
}

impl ResponseError for SiteError {
    fn status_code(&self) -> StatusCode {
        match self {
            SiteError::Missing => StatusCode::NOT_FOUND,
            SiteError::Broken(_) => StatusCode::IM_A_TEAPOT,
        }
    }
}

impl From<std::num::ParseIntError> for SiteError {
    fn from(error: std::num::ParseIntError) -> Self {
        SiteError::Broken(error)
    }
}

#[cache_page(60)]
#[get("/custom/{number}")]
async fn custom_error(number: web::Path<String>) -> Result<HttpResponse, SiteError> {
    let number: u8 = number.parse()?;
    if number == 0 {
        Err(SiteError::Missing)
    } else {
        Ok(HttpResponse::Ok().body(number.to_string()))
    }
}

#[get("/actix/{number}")]
#[cache_page(60)]
async fn actix_result(number: web::Path<String>) -> actix_web::Result<String> {
    let number: u8 = number.parse().map_err(actix_web::error::ErrorBadRequest)?;
    Ok(number.to_string())
}

#[get("/text")]
#[cache_page(60)]
async fn text() -> &'static str {
    "text"
}

#[get("/string")]
#[cache_page(60)]
async fn string() -> String {
    "string".into()
}

#[get("/cow")]
#[cache_page(60)]
async fn cow() -> Cow<'static, str> {
    "cow".into()
}

#[get("/slice")]
#[cache_page(60)]
async fn slice() -> &'static [u8] {
    b"slice"
}

#[get("/bytes")]
#[cache_page(60)]
async fn bytes() -> Bytes {
    Bytes::from_static(b"bytes")
}

#[get("/mut-bytes")]
#[cache_page(60)]
async fn bytes_mut() -> BytesMut {
    b"mut bytes"[..].into()
}

#[get("/vec")]
#[cache_page(60)]
async fn vec() -> Vec<u8> {
    "vec".into()
}

#[get("/json")]
#[cache_page(60, content_type = "application/json")]
async fn json() -> web::Json<Vec<Option<u8>>> {
    web::Json(vec![Some(1), None])
}

#[get("/option/{number}")]
#[cache_page(60)]
async fn option(number: web::Path<u8>) -> Option<impl Responder> {
    let found = (*number > 1).then(|| number.to_string())?;
    Some(found)
}

#[get("/either/{left}")]
#[cache_page(60)]
async fn either(left: web::Path<bool>) -> Either<HttpResponse, Result<String, SiteError>> {
    if *left {
        return Either::Left(HttpResponse::Ok().body("left"));
    }
    Either::Right(Ok("right".into()))
}

#[get("/customize")]
#[cache_page(60)]
async fn customize() -> impl Responder {
    "customized"
        .customize()
        .insert_header(("x-page", "1"))
        .with_status(StatusCode::ACCEPTED)
}

#[get("/customized")]
#[cache_page(60)]
async fn customized() -> CustomizeResponder<&'static str> {
    "customized".customize()
}

#[get("/status")]
#[cache_page(60)]
async fn with_status() -> (impl Responder, StatusCode) {
    ("created", StatusCode::CREATED)
}

#[get("/message-body")]
#[cache_page(60)]
async fn message_body() -> HttpResponse<impl MessageBody + 'static> {
    HttpResponse::Ok().message_body("message body").unwrap()
}

#[get("/typed-body")]
#[cache_page(60)]
async fn typed_body() -> Result<HttpResponse<String>, actix_web::Error> {
    HttpResponse::Ok().message_body(String::from("typed body"))
}

#[get("/builder")]
#[cache_page(60)]
async fn builder() -> HttpResponseBuilder {
    HttpResponse::NoContent()
}

#[get("/redirect")]
#[cache_page(60)]
async fn redirect() -> Redirect {
    Redirect::to("/elsewhere").see_other()
}

#[get("/unit-result")]
#[cache_page(60)]
async fn unit_result() -> Result<(), SiteError> {
    Ok(())
}

struct Html(String);

impl Responder for Html {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().content_type("text/html").body(self.0)
    }
}

#[get("/own")]
#[cache_page(60)]
async fn own_responder() -> Html {
    Html("own".into())
}

type Page<T = Html> = Result<T, Box<dyn Error>>;

#[get("/alias")]
#[cache_page(60)]
async fn alias() -> Page {
    Ok(Html("alias".into()))
}

#[get("/todo")]
#[cache_page(60)]
async fn not_written() -> HttpResponse {
    std::panic::panic_any(1)
}

#[get("/panics")]
#[cache_page(60)]
async fn panics() -> Result<impl Responder, SiteError> {
    if true {
        return Ok("not written");
    }
    #[allow(clippy::todo)]
    {
        todo!()
    }
}

#[get("/never/{stop}")]
#[cache_page(60)]
async fn unfinished(stop: web::Path<bool>) -> HttpResponse {
    loop {
        if *stop {
            return HttpResponse::Ok().body("stopped");
        }
    }
}

#[actix_web::test]
async fn every_return_type_is_served_as_it_was() {
    assert_eq!(body(impl_responder, "/impl").await, "impl");
    assert_eq!(body(captures_nothing, "/use").await, "use");
    assert_eq!(body(text, "/text").await, "text");
    assert_eq!(body(string, "/string").await, "string");
    assert_eq!(body(cow, "/cow").await, "cow");
    assert_eq!(body(slice, "/slice").await, "slice");
    assert_eq!(body(bytes, "/bytes").await, "bytes");
    assert_eq!(body(bytes_mut, "/mut-bytes").await, "mut bytes");
    assert_eq!(body(vec, "/vec").await, "vec");
    assert_eq!(body(json, "/json").await, "[1,null]");
    assert_eq!(body(customized, "/customized").await, "customized");
    assert_eq!(body(message_body, "/message-body").await, "message body");
    assert_eq!(body(typed_body, "/typed-body").await, "typed body");
    assert_eq!(body(own_responder, "/own").await, "own");
    assert_eq!(body(alias, "/alias").await, "alias");
    let _ = not_written;
    assert_eq!(body(panics, "/panics").await, "not written");
    assert_eq!(body(unfinished, "/never/true").await, "stopped");
}

#[actix_web::test]
async fn a_status_of_the_handler_reaches_the_visitor() {
    assert_eq!(status(customize, "/customize").await, 202);
    assert_eq!(status(with_status, "/status").await, 201);
    assert_eq!(status(builder, "/builder").await, 204);
    assert_eq!(status(redirect, "/redirect").await, 303);
    assert_eq!(status(unit_result, "/unit-result").await, 204);
}

#[actix_web::test]
async fn question_marks_and_boxed_errors_work() {
    assert_eq!(body(fallible, "/number/3").await, "number 3");
    assert_eq!(status(fallible, "/number/1").await, 500);
    assert_eq!(status(fallible, "/number/2").await, 500);
    assert_eq!(status(fallible, "/number/x").await, 500);
    assert_eq!(body(custom_error, "/custom/3").await, "3");
    assert_eq!(status(custom_error, "/custom/0").await, 404);
    assert_eq!(status(custom_error, "/custom/x").await, 418);
    assert_eq!(body(actix_result, "/actix/3").await, "3");
    assert_eq!(status(actix_result, "/actix/x").await, 400);
}

#[actix_web::test]
async fn alternatives_work() {
    assert_eq!(body(option, "/option/3").await, "3");
    assert_eq!(status(option, "/option/1").await, 404);
    assert_eq!(body(either, "/either/true").await, "left");
    assert_eq!(body(either, "/either/false").await, "right");
}
