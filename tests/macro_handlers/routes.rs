//! The attribute beside those of actix-web and of other crates.

use actix_web::http::StatusCode;
use actix_web::http::header::ACCEPT;
use actix_web::middleware::Compat;
use actix_web::middleware::Logger;
use actix_web::test::TestRequest;
use actix_web::{HttpRequest, Responder, get, guard, route, routes, web};
use djanginxed::cache_page;

use crate::app::{Number, answer, body, status};

/// Above the route.
#[cache_page(60)]
#[get("/above")]
async fn above() -> impl Responder {
    "above"
}

/// Below the route.
#[get("/below")]
#[cache_page(60)]
async fn below() -> impl Responder {
    "below"
}

#[actix_web::get("/by-path")]
#[djanginxed::cache_page(60)]
async fn by_path() -> impl Responder {
    "by path"
}

#[route("/route", method = "GET", method = "HEAD", method = "PURGE")]
#[cache_page(60)]
async fn many_methods(request: HttpRequest) -> String {
    request.method().to_string()
}

#[cache_page(60)]
#[route("/route-above", method = "GET", method = "POST")]
async fn many_methods_above(request: HttpRequest) -> String {
    request.method().to_string()
}

#[routes]
#[get("/one")]
#[get("/two")]
#[cache_page(60)]
async fn many_routes(request: HttpRequest) -> String {
    request.path().into()
}

#[cache_page(60)]
#[routes]
#[get("/one")]
#[get("/two")]
async fn many_routes_above(request: HttpRequest) -> String {
    request.path().into()
}

#[routes]
#[get("/one")]
#[cache_page(60)]
#[get("/two")]
async fn many_routes_between(request: HttpRequest) -> String {
    request.path().into()
}

fn wants_html(context: &guard::GuardContext) -> bool {
    context
        .head()
        .headers()
        .get(ACCEPT)
        .is_some_and(|accept| accept == "text/html")
}

#[get(
    "/guarded",
    name = "guarded page",
    guard = "wants_html",
    wrap = "Compat::new(Logger::default())"
)]
#[cache_page(60)]
async fn guarded(request: HttpRequest) -> String {
    request.match_name().unwrap_or_default().into()
}

#[actix_web::scope("/scope")]
mod scoped {
    use super::{Responder, cache_page, get};

    #[get("/below")]
    #[cache_page(60)]
    pub(crate) async fn below() -> impl Responder {
        "scoped below"
    }

    #[cache_page(60)]
    #[get("/above")]
    pub(crate) async fn above() -> impl Responder {
        "scoped above"
    }
}

#[tracing::instrument(skip_all)]
#[cache_page(60)]
async fn instrumented_above(number: Number) -> Result<impl Responder, Box<dyn std::error::Error>> {
    let parsed: u32 = number.to_string().parse()?;
    Ok(format!("instrumented {parsed}"))
}

#[cache_page(60)]
#[tracing::instrument(skip_all)]
async fn instrumented_below(number: Number) -> String {
    format!("instrumented {number}")
}

#[cfg_attr(all(), get("/conditional"))]
#[cfg_attr(all(), cache_page(60))]
#[cfg(not(any()))]
async fn conditional() -> &'static str {
    "conditional"
}

#[cache_page { 60 }]
async fn braces() -> &'static str {
    "braces"
}

#[actix_web::test]
async fn both_orders_of_the_attributes_are_served() {
    assert_eq!(body(above, "/above").await, "above");
    assert_eq!(body(below, "/below").await, "below");
    assert_eq!(body(by_path, "/by-path").await, "by path");
    assert_eq!(body(conditional, "/conditional").await, "conditional");
    assert_eq!(body(web::resource("/").to(braces), "/").await, "braces");
}

#[actix_web::test]
async fn one_handler_has_many_methods() {
    for method in ["GET", "PURGE"] {
        let method: actix_web::http::Method = method.parse().unwrap();
        let request = TestRequest::with_uri("/route").method(method.clone());
        assert_eq!(answer(many_methods, request).await.1, method.as_str());
    }
    let request = TestRequest::post().uri("/route-above");
    assert_eq!(answer(many_methods_above, request).await.1, "POST");
}

#[actix_web::test]
async fn one_handler_has_many_routes() {
    for target in ["/one", "/two"] {
        assert_eq!(body(many_routes, target).await, target);
        assert_eq!(body(many_routes_above, target).await, target);
        assert_eq!(body(many_routes_between, target).await, target);
    }
}

#[actix_web::test]
async fn guards_names_and_wrappers_of_a_route_are_kept() {
    let request = TestRequest::get()
        .uri("/guarded")
        .insert_header((ACCEPT, "text/html"));
    let (found, name) = answer(guarded, request).await;
    assert_eq!((found, name.as_str()), (StatusCode::OK, "guarded page"));
    assert_eq!(status(guarded, "/guarded").await, 404);
}

#[actix_web::test]
async fn handlers_in_a_scope_are_served() {
    assert_eq!(body(scoped::below, "/scope/below").await, "scoped below");
    assert_eq!(body(scoped::above, "/scope/above").await, "scoped above");
}

#[actix_web::test]
async fn attributes_of_other_crates_are_kept() {
    let page = web::resource("/").to(instrumented_above);
    assert_eq!(body(page, "/").await, "instrumented 7");
    let page = web::resource("/").to(instrumented_below);
    assert_eq!(body(page, "/").await, "instrumented 7");
}
