//! A miss stores, and nginx answers the next request by itself.

use actix_web::{HttpRequest, HttpResponse, web};
use djanginxed::nginx::Site;
use djanginxed::{PageKey, cache_page};
use testkit::http::Request;

use crate::stack::{NGINX_HIT, Script, Stack, api, cache_status, news};

#[test]
fn a_page_is_rendered_once_and_then_answered_by_nginx() {
    let stack = Stack::start();
    let miss = stack.get("/articles/7?page=2");
    assert_eq!(miss.status, 200);
    assert_eq!(cache_status(&miss), "djanginxed; fwd=uri-miss; stored");
    for _ in 0..3 {
        let hit = stack.get("/articles/7?page=2");
        assert_eq!(hit.status, 200);
        assert_eq!(cache_status(&hit), NGINX_HIT);
        assert_eq!(hit.text(), "render 1 of /articles/7?page=2");
        assert_eq!(hit.header("content-type"), miss.header("content-type"));
    }
    assert_eq!(stack.script.renders(), 1);
}

#[test]
fn memcached_holds_the_body_under_the_md5_of_prefix_and_target() {
    let stack = Stack::start();
    let page = stack.get("/articles/?page=2");
    // printf site1/articles/?page=2 | md5sum
    let key = "a3c88da81e02be8ea2e22d58d5f67357";
    assert_eq!(stack.memcached.pages(), [key]);
    let item = stack.memcached.get(key).unwrap();
    assert_eq!(item.bytes, page.body);
    assert_eq!(item.flags, 0);
    assert_eq!(stack.pages.key("/articles/?page=2").to_string(), key);
}

#[test]
fn without_any_prefix_the_key_is_the_md5_of_the_target() {
    let stack = Stack::setup()
        .cache(|builder| builder.key_prefix(""))
        .start(Script::html());
    let _ = stack.get("/articles/?page=2");
    // printf /articles/?page=2 | md5sum
    assert_eq!(
        stack.memcached.pages(),
        ["4fa7f38e62944b7f9cb259a0615433be"]
    );
    assert_eq!(cache_status(&stack.get("/articles/?page=2")), NGINX_HIT);
}

#[test]
fn a_handlers_own_prefix_comes_before_the_builders() {
    let stack = Stack::setup()
        .routes(|routes| {
            routes.route("/news/{id}", web::get().to(news));
        })
        .site(|site| site.page("/news/", "news", "text/html"))
        .start(Script::html());
    let (of_news, other) = (stack.get("/news/1"), stack.get("/1"));
    let mut keys = [PageKey::new("news", "/news/1"), PageKey::new("site1", "/1")];
    keys.sort();
    assert_eq!(stack.memcached.pages(), keys.map(|key| key.to_string()));
    for (target, page) in [("/news/1", of_news), ("/1", other)] {
        let hit = stack.get(target);
        assert_eq!(cache_status(&hit), NGINX_HIT);
        assert_eq!(hit.body, page.body);
    }
    assert_eq!(stack.script.renders(), 2);
}

#[cache_page(60, content_type = "application/json")]
async fn json(script: web::Data<Script>, request: HttpRequest) -> HttpResponse {
    script.render(request)
}

/// A site whose JSON has the prefix of its HTML, and text that a browser would
/// run if it were HTML.
fn with_json(site: fn(Site) -> Site) -> Stack {
    Stack::setup()
        .routes(|routes| {
            routes.route("/api/{id}", web::get().to(json));
        })
        .site(site)
        .start(Script::new(|render| {
            HttpResponse::Ok().json(format!("<script>{}</script>", render.number))
        }))
}

#[test]
fn a_page_of_another_type_is_never_a_hit_as_html() {
    let stack = with_json(|site| site);
    // Nobody has asked for HTML yet: no order of requests changes a type.
    for target in ["/api/1", "/./api/1", "/api/%31", "/x/../api/1"] {
        for _ in 0..3 {
            let response = stack.get(target);
            assert_ne!(cache_status(&response), NGINX_HIT, "{target}");
        }
    }
    let again = stack.get("/api/1");
    assert_eq!(cache_status(&again), "djanginxed; hit");
    assert_eq!(again.header("content-type"), Some("application/json"));
    let key = PageKey::with_type("site1", "application/json", "/api/1");
    assert!(stack.memcached.get(key.to_string()).is_some());
    let as_html = PageKey::new("site1", "/api/1").to_string();
    assert!(stack.memcached.get(as_html).is_none());
}

#[test]
fn two_types_share_a_prefix_where_nginx_knows_them() {
    let stack = with_json(|site| site.page("/api/", "site1", "application/json"));
    let _ = stack.get("/api/1");
    let hit = stack.get("/api/1");
    assert_eq!(cache_status(&hit), NGINX_HIT);
    assert_eq!(hit.header("content-type"), Some("application/json"));
}

#[test]
fn a_page_of_another_type_comes_back_in_its_type() {
    let stack = Stack::setup()
        .routes(|routes| {
            routes.route("/api/{id}", web::get().to(api));
        })
        .site(|site| site.page("/api/", "api", "application/json"))
        .start(Script::new(|render| HttpResponse::Ok().json(render.number)));
    for status in ["djanginxed; fwd=uri-miss; stored", NGINX_HIT] {
        let response = stack.get("/api/1");
        assert_eq!(cache_status(&response), status);
        assert_eq!(response.header("content-type"), Some("application/json"));
        assert_eq!(response.text(), "1");
    }
    let hit = stack.ask("/api/1");
    assert_eq!(cache_status(&hit), "djanginxed; hit");
    assert_eq!(hit.header("content-type"), Some("application/json"));
}

#[test]
fn the_application_finds_a_stored_page_too() {
    let stack = Stack::start();
    let miss = stack.ask("/a");
    let hit = stack.ask("/a");
    assert_eq!(cache_status(&hit), "djanginxed; hit");
    assert_eq!(hit.body, miss.body);
    assert_eq!(hit.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(hit.header("content-length"), Some("14"));
    assert_eq!(stack.script.renders(), 1);
}

#[test]
fn a_head_request_never_stores() {
    let stack = Stack::start();
    let head = stack.send(&Request::new("HEAD", "/a"));
    assert_eq!(head.status, 200);
    assert_eq!(
        cache_status(&head),
        "djanginxed; fwd=uri-miss; detail=method"
    );
    assert!(stack.memcached.pages().is_empty());
}

#[test]
fn a_head_request_is_answered_from_the_stored_page() {
    let stack = Stack::start();
    let page = stack.get("/a");
    let length = page.body.len().to_string();
    let by_nginx = stack.send(&Request::new("HEAD", "/a"));
    assert_eq!(cache_status(&by_nginx), NGINX_HIT);
    let by_application = stack.send_past_nginx(&Request::new("HEAD", "/a"));
    assert_eq!(cache_status(&by_application), "djanginxed; hit");
    for head in [by_nginx, by_application] {
        assert_eq!(head.status, 200);
        assert_eq!(head.header("content-length"), Some(length.as_str()));
        assert_eq!(head.header("content-type"), page.header("content-type"));
    }
    assert_eq!(stack.script.renders(), 1);
}

#[cache_page(60)]
async fn echo(request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let text = format!("{} {}", request.method(), String::from_utf8_lossy(&body));
    HttpResponse::Ok().content_type("text/html").body(text)
}

#[test]
fn a_request_that_changes_something_reaches_the_handler_with_its_body() {
    let stack = Stack::setup()
        .routes(|routes| {
            routes.route("/echo", web::to(echo));
        })
        .start(Script::html());
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        for request in [
            Request::new(method, "/echo").body("a=1"),
            Request::new(method, "/echo").chunks(["a=", "1"]),
        ] {
            let response = stack.send(&request);
            assert_eq!(response.status, 200, "{response:?}");
            assert_eq!(response.text(), format!("{method} a=1"));
            assert_eq!(cache_status(&response), "djanginxed; fwd=method");
        }
    }
    let keys = stack.memcached.pages();
    assert!(keys.iter().all(|key| key.starts_with("del%3A")), "{keys:?}");
}

#[test]
fn a_request_that_only_asks_leaves_the_stored_page_as_it_is() {
    let stack = Stack::start();
    let page = stack.get("/a");
    let _ = stack.send(&Request::new("OPTIONS", "/a"));
    assert_eq!(stack.script.renders(), 2);
    assert_eq!(stack.get("/a").body, page.body);
}

#[test]
fn a_get_with_a_body_is_not_a_page_for_others() {
    let stack = Stack::setup()
        .routes(|routes| {
            routes.route("/echo", web::to(echo));
        })
        .start(Script::html());
    let asks = |body: &str| Request::get("/echo").body(body);
    for (request, text) in [
        (asks("one"), "GET one"),
        (asks("two"), "GET two"),
        (Request::get("/echo").chunks(["three"]), "GET three"),
    ] {
        let response = stack.send(&request);
        assert_eq!(response.text(), text);
        assert_eq!(
            cache_status(&response),
            "djanginxed; fwd=bypass; detail=content"
        );
        assert_eq!(stack.send_past_nginx(&request).text(), text);
    }
    assert!(stack.memcached.pages().is_empty());
    let _ = stack.get("/echo");
    assert_eq!(cache_status(&stack.get("/echo")), NGINX_HIT);
    assert_eq!(stack.send(&asks("four")).text(), "GET four");
}
