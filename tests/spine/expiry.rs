//! No page outlives its timeout, wherever it is.

use std::thread::sleep;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, rt, web};
use djanginxed::{PageCache, cache_page};
use testkit::http::{Response, get};

use crate::stack::{Application, NGINX_HIT, Script, Stack, brief, cache_status, ok};

/// A little more than a page of two seconds lives in Memcached, whose clock
/// goes in seconds.
const OVER: Duration = Duration::from_millis(3200);

#[track_caller]
fn is_render(number: u32, response: &Response) {
    let text = format!("render {number} of ");
    assert!(response.text().starts_with(&text), "{response:?}");
}

#[test]
fn a_page_of_two_seconds_is_gone_after_them() {
    let stack = Stack::setup()
        .routes(|routes| {
            routes.route("/brief/{id}", web::get().to(brief));
        })
        .start(Script::html());
    let _ = (stack.get("/brief/1"), stack.get("/brief/2"));
    let hit = stack.get("/brief/1");
    assert_eq!(cache_status(&hit), NGINX_HIT);
    is_render(1, &hit);
    sleep(OVER);
    assert!(stack.item("/brief/1").is_none());
    is_render(3, &stack.get("/brief/1"));
    is_render(4, &stack.ask("/brief/2"));
    assert_eq!(cache_status(&stack.get("/brief/2")), NGINX_HIT);
}

#[test]
fn a_response_can_shorten_its_pages_life() {
    let stack = Stack::setup().start(Script::new(|render| {
        let life = if render.target() == "/short" {
            "s-maxage=2"
        } else {
            "s-maxage=600"
        };
        ok().insert_header(("Cache-Control", format!("max-age=30, {life}")))
            .body(render.text())
    }));
    let _ = (stack.get("/short"), stack.get("/long"));
    assert_eq!(cache_status(&stack.get("/short")), NGINX_HIT);
    sleep(OVER);
    is_render(3, &stack.get("/short"));
    assert_eq!(cache_status(&stack.get("/long")), NGINX_HIT);
    assert!(seconds_left(&stack, "/long") <= 60);
}

/// What Memcached says of an item's time to live.
fn seconds_left(stack: &Stack, target: &str) -> u32 {
    let answer = stack
        .memcached
        .command(&format!("mg {} t", stack.pages.key(target)));
    answer.strip_prefix("HD t").unwrap().parse().unwrap()
}

#[cache_page(315_360_000)]
async fn lasting(request: HttpRequest, script: web::Data<Script>) -> HttpResponse {
    script.render(request)
}

#[test]
fn a_page_of_years_stays() {
    let stack = Stack::setup()
        .routes(|routes| {
            routes.route("/lasting", web::get().to(lasting));
        })
        .start(Script::html());
    let _ = stack.get("/lasting");
    assert_eq!(cache_status(&stack.get("/lasting")), NGINX_HIT);
    // Memcached takes more than thirty days for a date, and no date is later
    // than 2^31 - 1 seconds after 1970.
    assert!(seconds_left(&stack, "/lasting") > 30 * 24 * 3600);
}

#[test]
fn a_page_in_memory_is_gone_after_its_timeout() {
    let pages = PageCache::builder().build().unwrap();
    let application = Application::configured(1, &Script::html(), move |config| {
        config
            .app_data(pages.clone())
            .route("/brief", web::get().to(brief));
    });
    let ask = || get(application.port(), "/brief");
    is_render(1, &ask());
    is_render(1, &ask());
    sleep(Duration::from_millis(2100));
    is_render(2, &ask());
    is_render(2, &ask());
}

#[cache_page(1)]
async fn slow(request: HttpRequest, script: web::Data<Script>) -> HttpResponse {
    let response = script.render(request);
    rt::time::sleep(Duration::from_millis(1100)).await;
    response
}

#[test]
fn a_page_that_took_longer_to_render_than_it_lives_is_not_stored() {
    let stack = Stack::setup()
        .routes(|routes| {
            routes.route("/slow", web::get().to(slow));
        })
        .start(Script::html());
    is_render(1, &stack.get("/slow"));
    assert!(stack.item("/slow").is_none());
    is_render(2, &stack.ask("/slow"));
}
