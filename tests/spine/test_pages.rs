//! What users' own tests say of their pages.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, HttpResponse, get, post, web};
use djanginxed::test::{Answer, Pages};
use djanginxed::{Layout, PageCache, cache_page};

use crate::stack::ok;

#[get("/page/{id}")]
#[cache_page(60)]
async fn page(id: web::Path<u32>) -> HttpResponse {
    ok().body(format!("page {id}"))
}

#[post("/page/{id}")]
#[cache_page(60)]
async fn change(id: web::Path<u32>) -> HttpResponse {
    ok().body(format!("changed {id}"))
}

#[get("/private")]
#[cache_page(60)]
async fn private() -> HttpResponse {
    ok().insert_header(("Set-Cookie", "a=b")).body("private")
}

/// A stream of as many bytes as its target says.
#[get("/stream/{bytes}")]
#[cache_page(60)]
async fn stream(bytes: web::Path<usize>) -> HttpResponse {
    let chunk = web::Bytes::from(vec![b'x'; *bytes]);
    let chunks = futures_util::stream::iter([Ok::<_, actix_web::Error>(chunk)]);
    ok().streaming(chunks)
}

#[get("/stale")]
#[cache_page(60, stale = 600, tags = ["stale", "all"])]
async fn stale() -> HttpResponse {
    ok().body("stale")
}

fn configure(config: &mut web::ServiceConfig) {
    config
        .service(page)
        .service(change)
        .service(private)
        .service(stream)
        .service(stale)
        .route("/plain", web::get().to(async || "plain"));
}

/// A service of these pages.
macro_rules! app {
    ($pages:expr) => {
        init_service(App::new().app_data($pages.cache()).configure(configure)).await
    };
}

#[track_caller]
fn fails(assertion: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(assertion)).unwrap_err();
    panic.downcast_ref::<String>().unwrap().clone()
}

#[actix_web::test]
async fn a_page_is_stored_then_a_hit_until_its_time_is_over() {
    let pages = Pages::new();
    let app = app!(pages);
    let first = pages.get(&app, "/page/1").await;
    assert_eq!((first.status().as_u16(), first.text()), (200, "page 1"));
    first.assert_stored();
    pages.advance(Duration::from_millis(59_900));
    let hit = pages.get(&app, "/page/1").await;
    assert_eq!(hit.assert_hit().text(), "page 1");
    assert_eq!(hit.header("content-type"), Some("text/html; charset=utf-8"));
    pages.advance(Duration::from_millis(100));
    pages.get(&app, "/page/1").await.assert_stored();
    pages.get(&app, "/page/1").await.assert_hit();
}

#[actix_web::test]
async fn a_page_is_stale_when_its_time_is_over_and_is_rendered_anew_meanwhile() {
    let pages = Pages::new();
    let app = app!(pages);
    pages.get(&app, "/stale").await.assert_stored();
    pages.advance(Duration::from_secs(65));
    let old = pages.get(&app, "/stale").await;
    old.assert_stale();
    let wrong = fails(|| drop(old.assert_hit().clone()));
    assert!(wrong.contains("but it was a hit that is stale"), "{wrong}");
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    pages.get(&app, "/stale").await.assert_hit();
    pages.advance(Duration::from_secs(660));
    pages.get(&app, "/stale").await.assert_stored();
}

#[actix_web::test]
async fn two_tests_do_not_share_their_clocks_or_their_pages() {
    let (one, other) = (Pages::new(), Pages::new());
    let (app, another) = (app!(one), app!(other));
    one.get(&app, "/page/1").await.assert_stored();
    other.get(&another, "/page/1").await.assert_stored();
    one.advance(Duration::from_secs(3600));
    one.get(&app, "/page/1").await.assert_stored();
    other.get(&another, "/page/1").await.assert_hit();
}

#[actix_web::test]
async fn what_is_not_stored_says_why() {
    let settings = PageCache::builder().bypass_cookie("id").max_entry_size(100);
    let pages = Pages::build(settings.memcached(["127.0.0.1:1"])).unwrap();
    let app = app!(pages);
    for _ in 0..2 {
        let refused = pages.get(&app, "/private").await;
        refused.assert_skipped("set-cookie");
        let wrong = fails(|| drop(refused.assert_stored().clone()));
        let told = "/private is to be stored, but it was skipped: \"set-cookie\" (status 200 OK, \
                    Cache-Status: \"djanginxed; fwd=uri-miss; detail=set-cookie\")";
        assert_eq!(wrong, told);
    }
    let bearer = TestRequest::get()
        .uri("/page/1")
        .insert_header(("Cookie", "id=1"));
    pages.send(&app, bearer).await.assert_skipped("cookie");
    let posted = TestRequest::post().uri("/page/1");
    pages.send(&app, posted).await.assert_skipped("method");
}

#[actix_web::test]
async fn of_a_stream_it_is_known_what_came_of_it() {
    let pages = Pages::build(PageCache::builder().max_entry_size(100)).unwrap();
    let app = app!(pages);
    pages.get(&app, "/stream/100").await.assert_stored();
    pages.get(&app, "/stream/100").await.assert_hit();
    for _ in 0..2 {
        let long = pages.get(&app, "/stream/101").await;
        assert_eq!(long.assert_skipped("too-large").body().len(), 101);
    }
}

#[actix_web::test]
async fn a_page_without_a_cache_is_told_from_one_that_is_refused() {
    let pages = Pages::new();
    let app = app!(pages);
    let plain = pages.get(&app, "/plain").await;
    for wrong in [
        fails(|| drop(plain.assert_stored().clone())),
        fails(|| drop(plain.assert_hit().clone())),
        fails(|| drop(plain.assert_skipped("status").clone())),
    ] {
        assert!(wrong.contains("/plain is to be"), "{wrong}");
        assert!(wrong.contains("the cache had no part in it"), "{wrong}");
    }
}

#[actix_web::test]
async fn an_error_of_middleware_is_an_answer() {
    let pages = Pages::new();
    let fails = from_fn(
        |_, _: actix_web::middleware::Next<actix_web::body::BoxBody>| async {
            Err::<actix_web::dev::ServiceResponse, _>(actix_web::error::ErrorUnauthorized("who?"))
        },
    );
    let app = init_service(App::new().wrap(fails).configure(configure)).await;
    let answer: Answer = pages.get(&app, "/page/1").await;
    assert_eq!((answer.status().as_u16(), answer.text()), (401, "who?"));
}

#[actix_web::test]
async fn a_change_makes_the_page_one_that_is_rendered_again() {
    let settings = PageCache::builder().layout(Layout::Response);
    let pages = Pages::build(settings).unwrap();
    let app = app!(pages);
    pages.get(&app, "/page/1").await.assert_stored();
    pages.send(&app, TestRequest::post().uri("/page/1")).await;
    pages.get(&app, "/page/1").await.assert_stored();
}

#[actix_web::test]
async fn the_tags_of_a_page_are_those_that_it_is_stored_with() {
    let pages = Pages::new();
    let app = app!(pages);
    let stored = pages.get(&app, "/stale").await;
    stored.assert_stored().assert_tags(["all", "stale"]);
    pages
        .get(&app, "/stale")
        .await
        .assert_hit()
        .assert_tags(["stale", "all"]);
    pages.get(&app, "/page/1").await.assert_tags([]);
    let said = fails(|| drop(stored.assert_tags(["all"]).clone()));
    assert!(
        said.contains("/stale is to have the tags") && said.contains("\"stale\""),
        "{said}"
    );
    let refused = pages.get(&app, "/private").await;
    let said = fails(|| drop(refused.assert_tags([]).clone()));
    assert!(said.contains("set-cookie"), "{said}");
}
