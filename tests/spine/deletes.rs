//! Deleting pages.

use actix_web::web;
use djanginxed::PageKey;
use testkit::eventually;
use testkit::http::{Connection, Request};

use crate::stack::{Gate, NGINX_HIT, Script, Stack, cache_status, gated, news, wait};

/// A page that is rendered soon after a delete may be taken for an older one
/// and removed again; that ends after two seconds.
#[track_caller]
fn is_found_again(stack: &Stack, target: &str) {
    eventually("nginx finds the page again", || {
        let page = stack.get(target);
        assert!(!page.text().starts_with("render 1 "), "{page:?}");
        cache_status(&page) == NGINX_HIT
    });
}

#[test]
fn a_deleted_page_is_rendered_anew() {
    let stack = Stack::start();
    let _ = stack.get("/a?x=1");
    assert!(wait(stack.pages.delete(&stack.pages.key("/a?x=1"))).unwrap());
    assert!(stack.item("/a?x=1").is_none());
    let anew = stack.get("/a?x=1");
    assert_eq!(cache_status(&anew), "djanginxed; fwd=uri-miss; stored");
    assert_eq!(anew.text(), "render 2 of /a?x=1");
    is_found_again(&stack, "/a?x=1");
}

#[test]
fn a_delete_says_whether_the_page_was_there() {
    let stack = Stack::start();
    let _ = stack.get("/a");
    let key = stack.pages.key("/a");
    assert!(wait(stack.pages.delete(&key)).unwrap());
    assert!(!wait(stack.pages.delete(&key)).unwrap());
    assert!(!wait(stack.pages.delete(&stack.pages.key("/b"))).unwrap());
}

#[test]
fn a_page_with_a_prefix_of_its_own_is_deleted_by_its_own_key() {
    let stack = Stack::setup()
        .routes(|routes| {
            routes.route("/news/{id}", web::get().to(news));
        })
        .site(|site| site.page("/news/", "news", "text/html"))
        .start(Script::html());
    let _ = stack.get("/news/1");
    let key = PageKey::new("news", "/news/1");
    assert!(!wait(stack.pages.delete(&stack.pages.key("/news/1"))).unwrap());
    assert!(stack.memcached.get(key.to_string()).is_some());
    assert!(wait(stack.pages.delete(&key)).unwrap());
    assert!(stack.memcached.get(key.to_string()).is_none());
}

#[test]
fn a_render_that_began_before_a_delete_leaves_no_page() {
    let gate = web::Data::new(Gate::new(0));
    let its_gate = gate.clone();
    let stack = Stack::setup()
        .routes(move |routes| {
            routes
                .app_data(its_gate.clone())
                .route("/gated", web::get().to(gated));
        })
        .start(Script::html());
    let mut visitor = Connection::open(stack.nginx.port()).unwrap();
    visitor.send(&Request::get("/gated")).unwrap();
    eventually("the render has begun", || stack.script.renders() == 1);
    assert!(!wait(stack.pages.delete(&stack.pages.key("/gated"))).unwrap());
    gate.add_permits(1 << 20);
    let old = visitor.receive().unwrap();
    assert_eq!(old.text(), "render 1 of /gated");
    assert!(!cache_status(&old).contains("stored"), "{old:?}");
    stack.settle();
    assert!(stack.item("/gated").is_none());
    assert_eq!(stack.get("/gated").text(), "render 2 of /gated");
    is_found_again(&stack, "/gated");
}
