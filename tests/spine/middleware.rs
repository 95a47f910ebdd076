//! What stands around the handlers: middleware that the cache cannot see.

use std::io::Read;

use actix_web::middleware::{Compress, DefaultHeaders, NormalizePath, TrailingSlash};
use actix_web::{App, HttpServer, web};
use flate2::read::GzDecoder;
use testkit::http::Request;

use crate::stack::{Application, NGINX_HIT, Script, Stack, cache_status, page};

/// A stack whose App is wrapped in `$middleware`.
macro_rules! wrapped {
    ($middleware:expr) => {
        Stack::setup().start_with(Script::html(), |pages, script| {
            let (pages, script) = (pages.clone(), script.clone());
            Application::start(move |listener| {
                let app = move || {
                    App::new()
                        .app_data(pages.clone())
                        .app_data(web::Data::new(script.clone()))
                        .wrap($middleware)
                        .default_service(web::to(page))
                };
                let server = HttpServer::new(app).workers(1).disable_signals();
                Ok(server.listen(listener)?.run())
            })
        })
    };
}

#[test]
fn a_page_that_middleware_compresses_is_stored_as_rendered() {
    let stack = wrapped!(Compress::default());
    let request = Request::get("/a").header("Accept-Encoding", "gzip");
    let unpacked = |body: &[u8]| {
        let mut text = String::new();
        GzDecoder::new(body).read_to_string(&mut text).unwrap();
        text
    };
    for status in ["djanginxed; fwd=uri-miss; stored", "djanginxed; hit"] {
        let response = stack.send_past_nginx(&request);
        assert_eq!(cache_status(&response), status);
        assert_eq!(response.header("content-encoding"), Some("gzip"));
        assert_eq!(unpacked(&response.body), "render 1 of /a");
    }
    let stored = stack.item("/a").unwrap();
    assert_eq!(
        (stored.flags, &stored.bytes[..]),
        (0, &b"render 1 of /a"[..])
    );
    let hit = stack.send(&request);
    assert_eq!(cache_status(&hit), NGINX_HIT);
    assert_eq!(hit.text(), "render 1 of /a");
}

#[test]
fn a_target_that_middleware_rewrites_is_stored_under_what_the_handler_saw() {
    let stack = wrapped!(NormalizePath::new(TrailingSlash::Trim));
    for _ in 0..2 {
        let page = stack.get("/a//b/");
        assert_eq!(page.text(), "render 1 of /a/b");
        assert_ne!(cache_status(&page), NGINX_HIT);
    }
    assert!(stack.item("/a//b/").is_none());
    let hit = stack.get("/a/b");
    assert_eq!(cache_status(&hit), NGINX_HIT);
    assert_eq!(hit.text(), "render 1 of /a/b");
}

#[test]
fn a_header_that_middleware_adds_is_not_on_nginxs_hits() {
    let stack = wrapped!(DefaultHeaders::new().add(("X-Frame-Options", "DENY")));
    for status in ["djanginxed; fwd=uri-miss; stored", "djanginxed; hit"] {
        let response = stack.ask("/a");
        assert_eq!(cache_status(&response), status);
        assert_eq!(response.header("x-frame-options"), Some("DENY"));
    }
    let hit = stack.get("/a");
    assert_eq!(cache_status(&hit), NGINX_HIT);
    assert_eq!(hit.header("x-frame-options"), None);
}
