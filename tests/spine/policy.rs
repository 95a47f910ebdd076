//! What may be stored, seen from outside: a refused response reaches the visitor
//! who asked, unchanged, and nobody else.

use std::time::{Duration, SystemTime};

use actix_web::http::StatusCode;
use actix_web::http::header::HttpDate;
use actix_web::{HttpRequest, HttpResponse, web};
use djanginxed::cache_page;
use testkit::http::Response;

use crate::stack::{NGINX_HIT, Render, Script, Setup, Stack, api, cache_status, ok};

/// What a handler returns.
trait Answer: Fn(&Render) -> HttpResponse + Send + Sync + 'static {}

impl<F: Fn(&Render) -> HttpResponse + Send + Sync + 'static> Answer for F {}

/// That each of three visitors gets a render of their own of what `answer`
/// returns, and that nothing is stored. Returns the last response.
#[track_caller]
fn is_refused(reason: &str, answer: impl Answer) -> Response {
    is_refused_by(Stack::setup(), reason, answer)
}

#[track_caller]
fn is_refused_by(setup: Setup, reason: &str, answer: impl Answer) -> Response {
    let stack = setup.start(Script::new(move |render| answer(&render)));
    let status = format!("djanginxed; fwd=uri-miss; detail={reason}");
    let first = stack.get("/a");
    assert_eq!(cache_status(&first), status);
    let second = stack.ask("/a");
    assert_eq!(cache_status(&second), status);
    let third = stack.get("/a");
    assert_eq!(cache_status(&third), status);
    assert_eq!(stack.script.renders(), 3);
    assert!(stack.memcached.pages().is_empty());
    assert_eq!(first.status, third.status);
    if !third.body.is_empty() {
        assert!(third.text().starts_with("render 3 of /a"), "{third:?}");
    }
    third
}

/// That what `answer` returns is stored and answered by nginx. Returns the hit.
#[track_caller]
fn is_stored(answer: impl Answer) -> Response {
    is_stored_by(Stack::setup(), answer)
}

#[track_caller]
fn is_stored_by(setup: Setup, answer: impl Answer) -> Response {
    let stack = setup.start(Script::new(move |render| answer(&render)));
    let first = stack.get("/a");
    assert_eq!(cache_status(&first), "djanginxed; fwd=uri-miss; stored");
    let hit = stack.get("/a");
    assert_eq!(cache_status(&hit), NGINX_HIT);
    assert_eq!(hit.body, first.body);
    hit
}

fn with(render: &Render, name: &'static str, value: &str) -> HttpResponse {
    ok().insert_header((name, value)).body(render.text())
}

#[test]
fn a_page_that_sets_a_cookie_reaches_exactly_one_visitor() {
    let last = is_refused("set-cookie", |render| {
        with(
            render,
            "Set-Cookie",
            &format!("sessionid={}", render.number),
        )
    });
    assert_eq!(last.header("set-cookie"), Some("sessionid=3"));
}

#[test]
fn a_private_page_is_not_stored() {
    is_refused("cache-control", |render| {
        with(render, "Cache-Control", "private")
    });
    is_refused("cache-control", |render| {
        with(render, "Cache-Control", "max-age=60, PRIVATE")
    });
    is_refused("cache-control", |render| {
        with(render, "Cache-Control", "no-store")
    });
    is_refused("cache-control", |render| {
        with(render, "Cache-Control", "no-cache")
    });
}

#[test]
fn every_line_of_cache_control_counts() {
    let last = is_refused("cache-control", |render| {
        ok().append_header(("Cache-Control", "public"))
            .append_header(("Cache-Control", "no-store"))
            .body(render.text())
    });
    assert_eq!(last.all("cache-control").count(), 2);
}

#[test]
fn a_public_page_is_stored() {
    is_stored(|render| with(render, "Cache-Control", "public, max-age=30"));
}

#[test]
fn a_page_without_life_is_not_stored() {
    is_refused("expired", |render| {
        with(render, "Cache-Control", "s-maxage=0, max-age=60")
    });
    is_refused("expired", |render| {
        with(render, "Cache-Control", "max-age=0")
    });
    is_refused("expired", |render| {
        let hour = Duration::from_secs(3600);
        let past = HttpDate::from(SystemTime::now() - hour).to_string();
        with(render, "Expires", &past)
    });
    is_refused("expired", |render| with(render, "Expires", "0"));
    is_refused("expired", |render| {
        ok().insert_header(("Cache-Control", "max-age=30"))
            .insert_header(("Age", "30"))
            .body(render.text())
    });
}

#[test]
fn a_page_that_varies_is_not_stored_unless_by_encoding() {
    is_refused("vary", |render| with(render, "Vary", "Cookie"));
    is_refused("vary", |render| with(render, "Vary", "*"));
    is_refused("vary", |render| {
        with(render, "Vary", "accept-encoding, Accept-Language")
    });
    is_stored(|render| with(render, "Vary", "accept-encoding"));
}

#[test]
fn a_page_that_its_handler_encoded_is_not_stored() {
    is_refused("content-encoding", |render| {
        with(render, "Content-Encoding", "br")
    });
    is_stored(|render| with(render, "Content-Encoding", "identity"));
}

#[test]
fn text_does_not_become_a_page() {
    let last = is_refused("content-type", |render| {
        HttpResponse::Ok()
            .content_type("text/plain")
            .body(render.text())
    });
    assert_eq!(last.header("content-type"), Some("text/plain"));
    is_refused("content-type", |render| {
        HttpResponse::Ok().body(render.text())
    });
    is_refused("content-type", |render| {
        HttpResponse::Ok()
            .content_type("text/html; charset=iso-8859-1")
            .body(render.text())
    });
    is_stored(|render| {
        HttpResponse::Ok()
            .content_type("Text/HTML;charset=\"UTF-8\"")
            .body(render.text())
    });
    is_stored(|render| {
        HttpResponse::Ok()
            .content_type("text/html")
            .body(render.text())
    });
}

#[test]
fn a_page_is_not_stored_where_another_type_is_declared() {
    let stack = Stack::setup()
        .routes(|routes| {
            routes.route("/api/{id}", web::get().to(api));
        })
        .site(|site| site.page("/api/", "api", "application/json"))
        .start(Script::html());
    let response = stack.get("/api/1");
    assert_eq!(
        cache_status(&response),
        "djanginxed; fwd=uri-miss; detail=content-type"
    );
    assert!(stack.memcached.pages().is_empty());
}

const CSP: (&str, &str) = ("Content-Security-Policy", "default-src 'self'; img-src *");

#[test]
fn a_page_with_a_header_that_hits_would_lose_is_not_stored() {
    let last = is_refused("header", |render| with(render, CSP.0, CSP.1));
    assert_eq!(last.header(CSP.0), Some(CSP.1));
    for answer in [
        |render: &Render| with(render, "Content-Disposition", "attachment"),
        |render: &Render| with(render, "X-Frame-Options", "DENY"),
        |render: &Render| with(render, "Cross-Origin-Opener-Policy", "same-origin"),
        |render: &Render| with(render, "Access-Control-Allow-Origin", "*"),
        |render: &Render| with(render, "Content-Language", "de"),
        |render: &Render| with(render, "Refresh", "5"),
    ] {
        is_refused("header", answer);
    }
}

#[test]
fn a_declared_header_is_on_every_hit() {
    let setup = || Stack::setup().cache(|builder| builder.header(CSP.0, CSP.1));
    let hit = is_stored_by(setup(), |render| with(render, CSP.0, CSP.1));
    assert_eq!(hit.all(CSP.0).collect::<Vec<_>>(), [CSP.1]);
    is_refused_by(setup(), "header", |render| {
        with(render, CSP.0, "default-src *")
    });
    let stack = setup().start(Script::new(|render| with(&render, CSP.0, CSP.1)));
    let (_, hit) = (stack.ask("/a"), stack.ask("/a"));
    assert_eq!(cache_status(&hit), "djanginxed; hit");
    assert_eq!(hit.all(CSP.0).collect::<Vec<_>>(), [CSP.1]);
}

#[test]
fn headers_that_change_nothing_do_not_keep_a_page_from_being_stored() {
    let hit = is_stored(|render| with(render, "X-Rendered-By", "the first visitor's server"));
    assert_eq!(hit.header("x-rendered-by"), None);
}

#[test]
fn every_status_but_200_reaches_its_visitor_unchanged() {
    for status in [203, 206, 404, 405, 418, 500, 502, 503, 504] {
        let code = StatusCode::from_u16(status).unwrap();
        let last = is_refused("status", move |render: &Render| {
            let mut response = HttpResponse::build(code);
            response.content_type("text/html").body(render.text())
        });
        assert_eq!(last.status, status);
    }
    for status in [204, 304] {
        let code = StatusCode::from_u16(status).unwrap();
        let last = is_refused("status", move |_: &Render| HttpResponse::new(code));
        assert_eq!(last.status, status);
    }
}

#[test]
fn a_redirect_is_followed_by_each_visitor_anew() {
    let last = is_refused("status", |render| {
        HttpResponse::MovedPermanently()
            .insert_header(("Location", "/elsewhere"))
            .body(render.text())
    });
    assert_eq!(last.status, 301);
    assert_eq!(last.header("location"), Some("/elsewhere"));
}

#[cache_page(60)]
async fn failing(request: HttpRequest) -> actix_web::Result<String> {
    let reason = format!("no page at {}", request.path());
    Err(actix_web::error::ErrorConflict(reason))
}

#[test]
fn a_handlers_error_reaches_its_visitor_unchanged() {
    let stack = Stack::setup()
        .routes(|routes| {
            routes.route("/failing", web::get().to(failing));
        })
        .start(Script::html());
    for response in [
        stack.get("/failing"),
        stack.get("/failing"),
        stack.ask("/failing"),
    ] {
        assert_eq!(response.status, 409);
        assert_eq!(response.text(), "no page at /failing");
        assert_eq!(
            cache_status(&response),
            "djanginxed; fwd=uri-miss; detail=status"
        );
    }
    assert!(stack.memcached.pages().is_empty());
}

#[test]
fn an_empty_page_is_not_stored() {
    let last = is_refused("empty", |_| ok().finish());
    assert!(last.body.is_empty());
}

#[test]
fn a_page_that_is_too_large_is_served_and_not_stored() {
    fn text(render: &Render, length: usize) -> HttpResponse {
        ok().body(format!("{:x<length$}", render.text()))
    }
    let setup = || Stack::setup().cache(|builder| builder.max_entry_size(1000));
    let last = is_refused_by(setup(), "too-large", |render| text(render, 1001));
    assert_eq!(last.body.len(), 1001);
    is_stored_by(setup(), |render| text(render, 1000));
}

#[test]
fn a_page_of_a_million_bytes_fits_by_default() {
    let hit = is_stored(|_| ok().body("x".repeat(1_000_000)));
    assert_eq!(hit.body.len(), 1_000_000);
}
