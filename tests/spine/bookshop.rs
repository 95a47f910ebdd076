//! An application as users write them, with extractors, scopes and return types
//! of every kind, and thousands of targets sent to it.

use actix_web::{HttpRequest, HttpResponse, Responder, get, route, web};
use djanginxed::{PageKey, cache_page};
use serde::{Deserialize, Serialize};

use crate::random_targets::{random_targets, twice};
use crate::stack::{NGINX_HIT, PREFIX, Script, Stack, cache_status};

#[get("/books/{id}")]
#[cache_page(60 * 15)]
async fn book(id: web::Path<u32>, request: HttpRequest) -> impl Responder {
    web::Html::new(format!("<h1>Book {id}</h1><p>{}", request.uri()))
}

#[derive(Deserialize)]
struct Search {
    q: String,
}

#[cache_page(60)]
#[get("/search")]
async fn search(search: web::Query<Search>) -> Result<impl Responder, actix_web::Error> {
    if search.q.is_empty() {
        return Err(actix_web::error::ErrorNotFound("nothing was searched for"));
    }
    Ok(web::Html::new(format!("<h1>Results for {}</h1>", search.q)))
}

#[derive(Serialize)]
struct Price {
    item: String,
    cents: usize,
}

#[get("/{item}")]
#[cache_page(60, key_prefix = "prices", content_type = "application/json")]
async fn price(item: web::Path<String>) -> web::Json<Price> {
    let item = item.into_inner();
    let cents = item.len() * 100;
    web::Json(Price { item, cents })
}

#[route("/shelf/{tail:.*}", method = "GET", method = "HEAD", method = "POST")]
#[cache_page(60)]
async fn shelf(tail: web::Path<String>) -> Option<HttpResponse> {
    let page = format!("<h1>Shelf {tail}</h1>");
    (!tail.contains('x')).then(|| {
        HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .body(page)
    })
}

#[get("/text")]
#[cache_page(60)]
async fn text() -> &'static str {
    "not a page for a browser"
}

fn bookshop() -> Stack {
    Stack::setup()
        .routes(|routes| {
            let prices = web::scope("/prices")
                .service(price)
                .default_service(web::to(HttpResponse::NotFound));
            routes
                .service(book)
                .service(search)
                .service(prices)
                .service(shelf)
                .service(text);
        })
        .site(|site| site.page("/prices/", "prices", "application/json"))
        .start(Script::html())
}

#[test]
fn every_kind_of_handler_is_answered_by_nginx_the_second_time() {
    let stack = bookshop();
    for (target, content_type) in [
        ("/books/7", "text/html; charset=utf-8"),
        ("/books/7?utm=mail", "text/html; charset=utf-8"),
        ("/search?q=rust", "text/html; charset=utf-8"),
        ("/prices/book", "application/json"),
        ("/shelf/", "text/html; charset=utf-8"),
        ("/shelf/a/b", "text/html; charset=utf-8"),
        ("/anything/else", "text/html; charset=utf-8"),
    ] {
        let miss = stack.get(target);
        assert_eq!(
            cache_status(&miss),
            "djanginxed; fwd=uri-miss; stored",
            "{target}"
        );
        let hit = stack.get(target);
        assert_eq!(cache_status(&hit), NGINX_HIT, "{target}");
        assert_eq!(hit.body, miss.body);
        assert_eq!(hit.header("content-type"), Some(content_type), "{target}");
    }
}

#[test]
fn what_is_no_page_is_never_answered_by_nginx() {
    let stack = bookshop();
    for (target, status) in [
        ("/books/seven", 404),
        ("/search", 400),
        ("/search?q=", 404),
        ("/shelf/x", 404),
        ("/text", 200),
    ] {
        for _ in 0..2 {
            let response = stack.get(target);
            assert_eq!(response.status, status, "{target}");
            assert_ne!(cache_status(&response), NGINX_HIT, "{target}");
        }
    }
    assert!(stack.memcached.pages().is_empty());
}

/// Whether nginx takes another path for the choice of a location than the
/// application for the choice of a handler. Where the two have different key
/// prefixes, such a page is stored and never found.
fn has_dot_segment(target: &str) -> bool {
    let path = target
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
        .to_lowercase();
    let path = path.replace("%2e", ".").replace("%2f", "/");
    path.split('/').any(|segment| matches!(segment, "." | ".."))
}

#[test]
fn each_of_thousands_of_targets_is_answered_by_nginx_or_never_stored() {
    let stack = bookshop();
    let (mut hits, mut never) = (0, 0);
    for (start, prefix) in [
        ("/books/", PREFIX),
        ("/search?q=", PREFIX),
        ("/prices/", "prices"),
        ("/shelf/", PREFIX),
    ] {
        for (target, first, second) in twice(&stack, random_targets(start, 500)) {
            let name = String::from_utf8_lossy(&target).into_owned();
            assert_eq!(first.status, second.status, "{name}");
            assert_eq!(first.body, second.body, "{name}");
            assert_eq!(
                first.header("content-type"),
                second.header("content-type"),
                "{name}"
            );
            if cache_status(&second) == NGINX_HIT {
                hits += 1;
            } else if prefix == PREFIX || !has_dot_segment(&name) {
                for prefix in [PREFIX, "prices"] {
                    let key = PageKey::new(prefix, &name).to_string();
                    assert!(stack.memcached.get(key).is_none(), "{name}: {second:?}");
                }
                never += 1;
            }
        }
    }
    assert!(
        hits > 500 && never > 500,
        "{hits} hits, {never} never stored"
    );
}
