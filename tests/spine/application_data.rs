//! Where an application keeps its cache, and what happens where it has none.

use actix_web::dev::Server;
use actix_web::{App, HttpResponse, HttpServer, get, web};
use djanginxed::{PageCache, cache_page};
use testkit::http::get;

use crate::stack::{Application, Script, cache_status, log, news, page};

fn in_memory() -> PageCache {
    PageCache::builder().build().unwrap()
}

/// Cache-Status of two requests in a row.
fn statuses(application: &Application, target: &str) -> [String; 2] {
    [(); 2].map(|()| cache_status(&get(application.port(), target)))
}

const CACHED: [&str; 2] = ["djanginxed; fwd=uri-miss; stored", "djanginxed; hit"];
const NOT_CACHED: [&str; 2] = ["", ""];

#[get("/above")]
#[cache_page(60)]
async fn above() -> HttpResponse {
    HttpResponse::Ok().content_type("text/html").body("above")
}

#[cache_page(60)]
#[get("/below")]
async fn below() -> HttpResponse {
    HttpResponse::Ok().content_type("text/html").body("below")
}

fn run(listener: std::net::TcpListener, pages: PageCache) -> std::io::Result<Server> {
    let app = move || {
        App::new()
            .app_data(pages.clone())
            .service(above)
            .service(below)
    };
    let server = HttpServer::new(app).workers(1).disable_signals();
    Ok(server.listen(listener)?.run())
}

#[test]
fn the_cache_is_found_in_the_applications_data() {
    let pages = in_memory();
    let application = Application::start(|listener| run(listener, pages));
    assert_eq!(statuses(&application, "/above"), CACHED);
    assert_eq!(statuses(&application, "/below"), CACHED);
}

#[test]
fn the_cache_is_found_as_web_data() {
    let pages = web::Data::new(in_memory());
    let application = Application::configured(1, &Script::html(), move |config| {
        config.app_data(pages.clone());
    });
    assert_eq!(statuses(&application, "/"), CACHED);
}

#[test]
fn the_cache_is_found_from_nested_scopes() {
    let pages = in_memory();
    let application = Application::configured(1, &Script::html(), move |config| {
        let inner = web::scope("/inner").route("/page", web::get().to(page));
        config
            .app_data(pages.clone())
            .service(web::scope("/outer").service(inner).service(above));
    });
    assert_eq!(statuses(&application, "/outer/inner/page"), CACHED);
    assert_eq!(statuses(&application, "/outer/above"), CACHED);
}

#[test]
fn a_scopes_own_cache_comes_before_the_applications() {
    let (pages, off) = (
        in_memory(),
        PageCache::builder().enabled(false).build().unwrap(),
    );
    let application = Application::configured(1, &Script::html(), move |config| {
        let scope = web::scope("/off")
            .app_data(off.clone())
            .route("/page", web::get().to(page));
        config.app_data(pages.clone()).service(scope);
    });
    assert_eq!(statuses(&application, "/page"), CACHED);
    assert_eq!(
        statuses(&application, "/off/page"),
        ["djanginxed; fwd=bypass; detail=disabled"; 2]
    );
}

#[test]
fn without_a_cache_pages_are_served_and_one_error_is_logged() {
    log::listen();
    let script = Script::html();
    let pages = in_memory();
    let application = Application::configured(1, &script, move |config| {
        let scope = web::scope("/in")
            .app_data(pages.clone())
            .route("/page", web::get().to(page));
        config.service(scope).service(above);
    });
    assert_eq!(statuses(&application, "/in/page"), CACHED);
    assert!(
        log::lines_with("a page is not cached, because its application has no PageCache")
            .is_empty()
    );
    assert_eq!(statuses(&application, "/out/page"), NOT_CACHED);
    assert_eq!(statuses(&application, "/above"), NOT_CACHED);
    assert_eq!(script.renders(), 3);
    let errors = log::lines_with("a page is not cached, because its application has no PageCache");
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("ERROR"), "{errors:?}");
    assert!(errors[0].contains("app_data"), "{errors:?}");
}

#[cache_page(1234, key_prefix = "logged", content_type = "text/plain")]
async fn logged() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("logged")
}

#[test]
fn a_pages_settings_are_logged_at_its_first_request() {
    log::listen();
    let pages = in_memory();
    let application = Application::configured(1, &Script::html(), move |config| {
        config
            .app_data(pages.clone())
            .route("/logged/{id}", web::get().to(logged));
    });
    assert_eq!(statuses(&application, "/logged/1"), CACHED);
    assert_eq!(statuses(&application, "/logged/2"), CACHED);
    let lines = log::lines_with("caching a page");
    let lines: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("/logged/{id}"))
        .collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    for setting in [
        "INFO",
        "key_prefix=\"logged\"",
        "text/plain",
        "timeout_seconds=1234",
    ] {
        assert!(lines[0].contains(setting), "{setting} is not in {lines:?}");
    }
}

#[cache_page(60, key_prefix = "shared")]
async fn shared_html() -> HttpResponse {
    HttpResponse::Ok().content_type("text/html").body("html")
}

#[cache_page(60, key_prefix = "shared", content_type = "application/json")]
async fn shared_json() -> HttpResponse {
    HttpResponse::Ok().json("json")
}

#[test]
fn two_content_types_under_one_prefix_are_both_stored() {
    let pages = in_memory();
    let application = Application::configured(1, &Script::html(), move |config| {
        config
            .app_data(pages.clone())
            .route("/shared/html", web::get().to(shared_html))
            .route("/shared/json", web::get().to(shared_json));
    });
    assert_eq!(statuses(&application, "/shared/html"), CACHED);
    assert_eq!(statuses(&application, "/shared/json"), CACHED);
    let json = get(application.port(), "/shared/json");
    assert_eq!(json.header("content-type"), Some("application/json"));
    assert_eq!(statuses(&application, "/shared/html?2"), CACHED);
}

#[cache_page(60)]
async fn latin() -> HttpResponse {
    // Nothing says so but the page itself, and nginx calls it utf-8.
    let body = &b"<meta charset=iso-8859-1>caf\xe9"[..];
    HttpResponse::Ok().content_type("text/html").body(body)
}

#[test]
fn a_text_that_is_not_utf8_is_not_stored() {
    let pages = in_memory();
    let application = Application::configured(1, &Script::html(), move |config| {
        config
            .app_data(pages.clone())
            .route("/latin", web::get().to(latin));
    });
    let refused = ["djanginxed; fwd=uri-miss; detail=content-type"; 2];
    assert_eq!(statuses(&application, "/latin"), refused);
}

#[cache_page(60)]
async fn plain() -> &'static str {
    "<h1>no type says that this is HTML</h1>"
}

#[cache_page(60)]
async fn with_policy() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html")
        .insert_header(("Content-Security-Policy", "default-src 'self'"))
        .body("html")
}

#[test]
fn a_page_that_will_never_be_stored_is_told_of_once() {
    log::listen();
    let pages = in_memory();
    let application = Application::configured(1, &Script::html(), move |config| {
        config
            .app_data(pages.clone())
            .route("/plain/{id}", web::get().to(plain))
            .route("/policy/{id}", web::get().to(with_policy));
    });
    let refused = |why| [0; 2].map(|_| format!("djanginxed; fwd=uri-miss; detail={why}"));
    assert_eq!(statuses(&application, "/plain/1"), refused("content-type"));
    assert_eq!(statuses(&application, "/policy/1"), refused("header"));
    let told = |route: &str| {
        let lines = log::lines_with("a page is not stored: ");
        let mut lines = lines.into_iter().filter(|line| line.contains(route));
        let line = lines.next().unwrap();
        assert_eq!(lines.next(), None);
        line
    };
    let line = told("/plain/{id}");
    for word in [
        "WARN",
        "text/html; charset=utf-8",
        "text/plain",
        "web::Html",
    ] {
        assert!(line.contains(word), "{word} is not in {line}");
    }
    let line = told("/policy/{id}");
    for word in [
        "WARN",
        ".header(\"content-security-policy\", \"default-src 'self'\")",
    ] {
        assert!(line.contains(word), "{word} is not in {line}");
    }
}

#[test]
fn one_cache_serves_two_prefixes() {
    let pages = in_memory();
    let application = Application::configured(1, &Script::html(), move |config| {
        let either = web::resource("/page")
            .route(
                web::get()
                    .guard(actix_web::guard::Header("x-site", "news"))
                    .to(news),
            )
            .route(web::get().to(page));
        config.app_data(pages.clone()).service(either);
    });
    let ask = |site: &str| {
        let request = testkit::http::Request::get("/page").header("X-Site", site);
        request.send(application.port()).text().to_owned()
    };
    let texts = ["news", "other", "news", "other"].map(ask);
    assert_eq!(texts[0], texts[2]);
    assert_eq!(texts[1], texts[3]);
    assert_ne!(texts[0], texts[1]);
}

#[test]
fn two_caches_given_in_two_ways_are_an_error_and_no_guess() {
    log::listen();
    let (plain, data) = (in_memory(), in_memory());
    let application = Application::configured(1, &Script::html(), move |config| {
        let scope = web::scope("/scope")
            .app_data(web::Data::new(data.clone()))
            .route("/two-ways", web::get().to(page));
        config.app_data(plain.clone()).service(scope);
    });
    let request = testkit::http::Request::get("/scope/two-ways");
    for _ in 0..2 {
        let response = request.send(application.port());
        assert!(response.header("cache-status").is_none(), "{response:?}");
    }
    let errors = log::lines_with("a page is not cached, because it has two caches");
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("ERROR") && errors[0].contains("/scope/two-ways"));
}

#[test]
fn a_scopes_own_cache_is_found_before_the_applications() {
    let (outer, inner) = (in_memory(), in_memory());
    for same_way in [true, false] {
        let (outer, inner) = (outer.clone(), inner.clone());
        let application = Application::configured(1, &Script::html(), {
            let inner = inner.clone();
            move |config| {
                let scope = web::scope("/scope").route("/page", web::get().to(page));
                let scope = if same_way {
                    config.app_data(outer.clone());
                    scope.app_data(inner.clone())
                } else {
                    config.app_data(web::Data::new(outer.clone()));
                    scope.app_data(web::Data::new(inner.clone()))
                };
                config.service(scope);
            }
        });
        assert_eq!(statuses(&application, "/scope/page"), CACHED);
        let key = inner.key("/scope/page");
        let deleted = actix_web::rt::System::new().block_on(inner.delete(&key));
        assert_eq!(deleted, Ok(true), "it was stored in the scope's cache");
    }
}

#[test]
fn a_handler_gets_the_cache_however_it_was_given() {
    async fn delete(pages: PageCache) -> String {
        let deleted = pages.delete(&pages.key("/scope/page")).await;
        format!("{deleted:?}")
    }
    for in_scope in [true, false] {
        let pages = in_memory();
        let application = Application::configured(1, &Script::html(), move |config| {
            let scope = web::scope("/scope")
                .route("/page", web::get().to(page))
                .route("/delete", web::post().to(delete));
            let scope = if in_scope {
                scope.app_data(web::Data::new(pages.clone()))
            } else {
                config.app_data(pages.clone());
                scope
            };
            config.service(scope);
        });
        let delete = testkit::http::Request::new("POST", "/scope/delete");
        assert_eq!(delete.send(application.port()).text(), "Ok(false)");
        assert_eq!(statuses(&application, "/scope/page"), CACHED);
        assert_eq!(delete.send(application.port()).text(), "Ok(true)");
        assert_eq!(statuses(&application, "/scope/page"), CACHED);
    }
}

#[test]
fn a_handler_that_asks_for_a_cache_where_there_is_none_is_an_error() {
    async fn handler(_: PageCache) -> &'static str {
        "never"
    }
    let application = Application::configured(1, &Script::html(), |config| {
        config.route("/handler", web::get().to(handler));
    });
    assert_eq!(get(application.port(), "/handler").status, 500);
}
