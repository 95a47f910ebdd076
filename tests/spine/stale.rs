//! Pages whose time is over, and that are there all the same.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::test::init_service;
use actix_web::{App, HttpRequest, HttpResponse, web};
use djanginxed::test::Pages;
use djanginxed::{CachedPage, PageKey, Purge, cache_page};
use futures_util::future::join_all;
use testkit::eventually;
use testkit::http::Request;

use crate::stack::{
    Application, Gate, PREFIX, Script, Setup, Stack, WAYS, cache, cache_status, ok, settle, wait,
};

#[cache_page(60, stale = 600)]
async fn page(request: HttpRequest, script: web::Data<Script>) -> HttpResponse {
    script.render(request)
}

/// A page whose time is over after a second.
#[cache_page(1, stale = 600)]
async fn brief(request: HttpRequest, script: web::Data<Script>) -> HttpResponse {
    script.render(request)
}

/// A page of a second whose renders the test lets go.
#[cache_page(1, stale = 600)]
async fn slow(
    request: HttpRequest,
    script: web::Data<Script>,
    gate: web::Data<Gate>,
    begun: web::Data<AtomicUsize>,
) -> HttpResponse {
    begun.fetch_add(1, Ordering::SeqCst);
    gate.acquire().await.unwrap().forget();
    script.render(request)
}

/// A service of `page` in the memory of `pages`.
macro_rules! app {
    ($pages:expr, $script:expr) => {
        init_service(
            App::new()
                .app_data($pages.cache())
                .app_data(web::Data::new($script.clone()))
                .default_service(web::to(page)),
        )
        .await
    };
}

/// Lets what runs in the background go on.
async fn rest() {
    for _ in 0..10 {
        actix_web::rt::task::yield_now().await;
    }
}

#[actix_web::test]
async fn a_stale_page_is_answered_at_once_and_rendered_anew() {
    let (pages, script) = (Pages::new(), Script::html());
    let app = app!(pages, script);
    pages.get(&app, "/").await.assert_stored();
    pages.advance(Duration::from_secs(65));
    let stale = pages.get(&app, "/").await;
    assert_eq!(
        stale.header("cache-status"),
        Some("djanginxed; hit; ttl=-5")
    );
    assert_eq!(stale.text(), "render 1 of /");
    rest().await;
    let hit = pages.get(&app, "/").await;
    assert_eq!(hit.header("cache-status"), Some("djanginxed; hit"));
    assert_eq!(hit.text(), "render 2 of /");
    pages.advance(Duration::from_secs(661));
    pages.get(&app, "/").await.assert_stored();
}

#[actix_web::test]
async fn a_failed_render_leaves_the_page_and_another_visitor_tries_again() {
    let pages = Pages::new();
    let script = Script::new(|render| match render.number {
        2 => HttpResponse::ServiceUnavailable().finish(),
        _ => render.html(),
    });
    let app = app!(pages, script);
    pages.get(&app, "/").await.assert_stored();
    pages.advance(Duration::from_secs(60));
    for _ in 0..2 {
        let stale = pages.get(&app, "/").await;
        assert_eq!(stale.text(), "render 1 of /");
        rest().await;
    }
    assert_eq!(pages.get(&app, "/").await.text(), "render 3 of /");
}

#[actix_web::test]
async fn what_is_a_page_no_longer_is_stale_no_longer() {
    let answers: [fn() -> HttpResponse; 2] = [
        || HttpResponse::NotFound().finish(),
        || {
            ok().insert_header(("cache-control", "private"))
                .body("mine")
        },
    ];
    for answer in answers {
        let pages = Pages::new();
        let script = Script::new(move |render| match render.number {
            1 => render.html(),
            _ => answer(),
        });
        let app = app!(pages, script);
        pages.get(&app, "/").await.assert_stored();
        pages.advance(Duration::from_secs(60));
        assert_eq!(pages.get(&app, "/").await.text(), "render 1 of /");
        rest().await;
        assert_ne!(pages.get(&app, "/").await.text(), "render 1 of /");
    }
}

#[actix_web::test]
async fn head_and_ranges_take_a_stale_page_and_render_none() {
    let (pages, script) = (Pages::new(), Script::html());
    let app = app!(pages, script);
    pages.get(&app, "/").await.assert_stored();
    pages.advance(Duration::from_secs(60));
    let test = actix_web::test::TestRequest::get;
    let head = test().method(actix_web::http::Method::HEAD);
    let range = test().insert_header(("range", "bytes=0-1"));
    for request in [head, range] {
        let answer = pages.send(&app, request).await;
        assert_eq!(
            answer.header("cache-status"),
            Some("djanginxed; hit; ttl=-0")
        );
        rest().await;
    }
    assert_eq!(script.renders(), 1);
}

#[actix_web::test]
async fn a_middleware_lets_one_visitor_render_while_others_have_what_there_is() {
    let pages = Pages::new();
    let gate = web::Data::new(Gate::new(1));
    let script = web::Data::new(Script::html());
    let handler = async |request, script: web::Data<Script>, gate: web::Data<Gate>| {
        gate.acquire().await.unwrap().forget();
        script.render(request)
    };
    let site = web::resource("/")
        .wrap(pages.cache().cache(60).stale(600))
        .to(handler);
    let app = App::new().app_data(gate.clone()).app_data(script.clone());
    let app = init_service(app.service(site)).await;
    pages.get(&app, "/").await.assert_stored();
    pages.advance(Duration::from_secs(60));
    let first = pages.get(&app, "/");
    let others = async {
        rest().await;
        let others = join_all((0..3).map(|_| pages.get(&app, "/"))).await;
        gate.add_permits(1);
        others
    };
    let (first, others) = tokio::join!(first, others);
    assert_eq!(first.text(), "render 2 of /");
    first.assert_stored();
    assert!(others.iter().all(|other| other.text() == "render 1 of /"));
    assert_eq!(script.renders(), 2);
}

#[actix_web::test]
async fn a_middleware_whose_render_fails_has_the_stale_page() {
    let pages = Pages::new();
    let script = Script::new(|render| match render.number {
        1 => render.html(),
        _ => HttpResponse::InternalServerError().finish(),
    });
    let handler = async |request, script: web::Data<Script>| script.render(request);
    let site = web::resource("/")
        .wrap(pages.cache().cache(60).stale(600))
        .to(handler);
    let app = App::new().app_data(web::Data::new(script)).service(site);
    let app = init_service(app).await;
    pages.get(&app, "/").await.assert_stored();
    pages.advance(Duration::from_secs(60));
    let stale = pages.get(&app, "/").await;
    assert_eq!(
        (stale.status(), stale.text()),
        (StatusCode::OK, "render 1 of /")
    );
}

fn setup() -> Setup {
    Stack::setup().routes(|config| {
        config.service(web::resource("/brief").to(brief));
    })
}

#[test]
fn in_memcached_a_page_stays_for_both_times_and_nginx_answers_with_it() {
    for way in WAYS {
        let stack = setup().way(way).start(Script::html());
        let first = stack.get("/brief");
        assert_eq!(cache_status(&first), "djanginxed; fwd=uri-miss; stored");
        let item = stack.item("/brief").unwrap();
        assert_eq!(item.flags >> 3, 600);
        eventually("its time is over for the application", || {
            let stale = stack.ask("/brief");
            cache_status(&stale).starts_with("djanginxed; hit; ttl=-")
        });
        // nginx does not know of it.
        assert_eq!(cache_status(&stack.get("/brief")), "nginx; hit");
        eventually("it is rendered anew", || {
            stack.ask("/brief").text() == "render 2 of /brief"
        });
        assert!(is_deleted(&stack));
    }
}

fn is_deleted(stack: &Stack) -> bool {
    let key = PageKey::new(PREFIX, "/brief");
    wait(stack.pages.delete(&key)).unwrap() && stack.item("/brief").is_none()
}

#[test]
fn two_processes_render_a_stale_page_once() {
    let memcached = testkit::Memcached::start().unwrap();
    let gate = web::Data::new(Gate::new(1));
    let begun = web::Data::new(AtomicUsize::new(0));
    let script = Script::html();
    let caches = [0, 1].map(|_| cache(&memcached).build().unwrap());
    let applications = caches.clone().map(|pages| {
        let (gate, begun) = (gate.clone(), begun.clone());
        Application::configured(2, &script, move |config| {
            config
                .app_data(pages.clone())
                .app_data(gate.clone())
                .app_data(begun.clone())
                .service(web::resource("/slow").to(slow));
        })
    });
    let ask = |which: &Application| Request::get("/slow").send(which.port());
    assert_eq!(ask(&applications[0]).text(), "render 1 of /slow");
    caches.iter().for_each(settle);
    eventually("its time is over in both", || {
        let statuses = applications
            .each_ref()
            .map(|which| cache_status(&ask(which)));
        statuses.iter().all(|status| status.contains("ttl=-"))
    });
    for which in applications.iter().cycle().take(20) {
        assert_eq!(ask(which).text(), "render 1 of /slow");
    }
    assert_eq!(begun.load(Ordering::SeqCst), 2);
    gate.add_permits(100);
    eventually("both have a new page", || {
        let texts = applications
            .each_ref()
            .map(|which| ask(which).text().to_owned());
        texts.iter().all(|text| text != "render 1 of /slow")
    });
}

#[actix_web::test]
async fn a_page_rendered_in_the_background_has_its_tags_and_a_purge_reaches_it() {
    #[cache_page(60, stale = 600, tags = ["all", "page:{id}"])]
    async fn tagged(
        request: HttpRequest,
        script: web::Data<Script>,
        page: CachedPage,
    ) -> HttpResponse {
        page.tag("told");
        script.render(request)
    }
    let (pages, script) = (Pages::new(), Script::html());
    let app = init_service(
        App::new()
            .app_data(pages.cache())
            .app_data(web::Data::new(script))
            .service(web::resource("/{id}").to(tagged)),
    )
    .await;
    for (number, tag) in ["page:7", "told", "all"].into_iter().enumerate() {
        pages.get(&app, "/7").await.assert_stored();
        pages.advance(Duration::from_secs(60));
        pages.get(&app, "/7").await;
        rest().await;
        let text = format!("render {} of /7", number * 2 + 2);
        assert_eq!(pages.get(&app, "/7").await.assert_hit().text(), text);
        let purged = pages.cache().purge(Purge::tag(tag)).await.unwrap();
        assert_eq!(purged.deleted, 1, "{tag}");
    }
    pages.get(&app, "/7").await.assert_stored();
}
