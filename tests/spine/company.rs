//! actix's usual middleware beside the cache as a middleware, outside of it and inside.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_cors::Cors;
use actix_identity::{Identity, IdentityMiddleware};
use actix_session::storage::CookieSessionStore;
use actix_session::{Session, SessionMiddleware};
use actix_web::cookie::Key;
use actix_web::middleware::{Compress, Logger, NormalizePath, TrailingSlash};
use actix_web::{App, HttpMessage, HttpRequest, HttpResponse, HttpServer, web};
use flate2::read::GzDecoder;
use testkit::http::{Request, Response, get};

use crate::scopes::{in_memory, plain, statuses};
use crate::stack::{Application, NGINX_HIT, Script, Stack, cache_status, log, ok};

const STORED: &str = "djanginxed; fwd=uri-miss; stored";
const HIT: &str = "djanginxed; hit";
const CACHED: [&str; 2] = [STORED, HIT];

/// A stack whose App has these middlewares, the innermost first; `pages` is the cache.
macro_rules! wrapped {
    (|$pages:ident| $($middleware:expr),+) => {
        wrapped!(|$pages| $($middleware),+; |builder| builder)
    };
    (|$pages:ident| $($middleware:expr),+; $cache:expr) => {
        Stack::setup().cache($cache).start_with(Script::html(), |pages, script| {
            let ($pages, script) = (pages.clone(), script.clone());
            Application::start(move |listener| {
                let app = move || {
                    App::new()
                        .app_data(web::Data::new(script.clone()))
                        $(.wrap($middleware))+
                        .configure(routes)
                        .default_service(web::to(plain))
                };
                let server = HttpServer::new(app).workers(1).disable_signals();
                Ok(server.listen(listener)?.run())
            })
        })
    };
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/greet", web::get().to(greet))
        .route("/count", web::get().to(count))
        .route("/me", web::get().to(me))
        .route("/login", web::get().to(login));
}

/// Reads the session.
async fn greet(session: Session) -> HttpResponse {
    let count: Option<u32> = session.get("count").unwrap();
    ok().body(format!("count {}", count.unwrap_or(0)))
}

/// Writes the session.
async fn count(session: Session) -> HttpResponse {
    session.insert("count", 1).unwrap();
    ok().body("counted")
}

async fn me(identity: Option<Identity>) -> HttpResponse {
    let name = identity.map(|identity| identity.id().unwrap());
    ok().body(name.unwrap_or_else(|| "nobody".into()))
}

async fn login(request: HttpRequest) -> HttpResponse {
    Identity::login(&request.extensions(), "anna".into()).unwrap();
    ok().body("hello")
}

/// Sessions in a cookie called "id", which a test reads over plain HTTP.
fn sessions() -> SessionMiddleware<CookieSessionStore> {
    let key = Key::from(&[7; 64]);
    SessionMiddleware::builder(CookieSessionStore::default(), key)
        .cookie_secure(false)
        .build()
}

/// The cookie that a response sets, as a request sends it back.
#[track_caller]
fn cookie(response: &Response) -> &str {
    let line = response.header("set-cookie").unwrap();
    line.split(';').next().unwrap()
}

fn packed(target: &str) -> Request {
    Request::get(target).header("Accept-Encoding", "gzip")
}

fn unpacked(response: &Response) -> String {
    assert_eq!(response.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    let mut decoder = GzDecoder::new(&response.body[..]);
    decoder.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn compress_outside_packs_what_is_stored_as_rendered() {
    let stack = wrapped!(|pages| pages.cache(60), Compress::default());
    for status in CACHED {
        let response = stack.send_past_nginx(&packed("/a"));
        assert_eq!(cache_status(&response), status);
        assert_eq!(unpacked(&response), "render 1 of /a");
    }
    assert_eq!(stack.item("/a").unwrap().bytes, b"render 1 of /a");
    let hit = stack.send(&packed("/a"));
    assert_eq!(cache_status(&hit), NGINX_HIT);
    assert_eq!(hit.text(), "render 1 of /a");
}

#[test]
fn compress_inside_makes_responses_that_are_not_stored_for_who_takes_gzip() {
    let stack = wrapped!(|pages| Compress::default(), pages.cache(60));
    let refused = "djanginxed; fwd=uri-miss; detail=content-encoding";
    for render in 1..3 {
        let response = stack.send_past_nginx(&packed("/a"));
        assert_eq!(cache_status(&response), refused);
        assert_eq!(unpacked(&response), format!("render {render} of /a"));
    }
    assert!(stack.item("/a").is_none());
    // As it is rendered for who takes none, it is one for all.
    assert_eq!(cache_status(&stack.get("/a")), STORED);
    let hit = stack.send(&packed("/a"));
    assert_eq!(
        (cache_status(&hit).as_str(), hit.text()),
        (NGINX_HIT, "render 3 of /a")
    );
}

/// A logger that counts what it logs.
fn logger(lines: &Arc<AtomicUsize>) -> Logger {
    let lines = Arc::clone(lines);
    Logger::new("%r %s %{count}xo").custom_response_replace("count", move |_| {
        (lines.fetch_add(1, Ordering::SeqCst) + 1).to_string()
    })
}

#[test]
fn logger_outside_logs_hits_too() {
    let lines = Arc::new(AtomicUsize::new(0));
    let own = Arc::clone(&lines);
    let stack = wrapped!(|pages| pages.cache(60), logger(&own));
    let statuses = [(); 2].map(|()| cache_status(&stack.ask("/a")));
    assert_eq!(statuses, CACHED);
    assert_eq!(lines.load(Ordering::SeqCst), 2);
}

#[test]
fn logger_inside_logs_what_is_rendered_and_makes_a_stream_of_each_body() {
    let lines = Arc::new(AtomicUsize::new(0));
    let own = Arc::clone(&lines);
    let stack = wrapped!(|pages| logger(&own), pages.cache(60));
    let statuses = [(); 2].map(|()| cache_status(&stack.ask("/a")));
    // Of a stream it is not known yet whether it is stored.
    assert_eq!(statuses, ["djanginxed; fwd=uri-miss", HIT]);
    assert_eq!(lines.load(Ordering::SeqCst), 1);
    assert_eq!(stack.item("/a").unwrap().bytes, b"render 1 of /a");
}

#[test]
fn normalize_path_outside_hides_from_the_cache_what_nginx_looks_up() {
    let stack = wrapped!(
        |pages| pages.cache(60),
        NormalizePath::new(TrailingSlash::Trim)
    );
    for status in CACHED {
        let response = stack.get("/a//b/");
        assert_eq!(cache_status(&response), status);
        assert_eq!(response.text(), "render 1 of /a/b");
    }
    assert!(stack.item("/a//b/").is_none());
    assert_eq!(cache_status(&stack.get("/a/b")), NGINX_HIT);
}

#[test]
fn normalize_path_inside_leaves_the_target_as_nginx_looks_it_up() {
    let stack = wrapped!(
        |pages| NormalizePath::new(TrailingSlash::Trim),
        pages.cache(60)
    );
    let first = stack.get("/a//b/");
    assert_eq!(cache_status(&first), STORED);
    assert_eq!(first.text(), "render 1 of /a/b");
    let hit = stack.get("/a//b/");
    assert_eq!(cache_status(&hit), NGINX_HIT);
    assert_eq!(hit.text(), "render 1 of /a/b");
}

#[test]
fn a_session_that_is_written_inside_is_not_stored_and_one_that_is_read_is_for_all() {
    let stack = wrapped!(|pages| sessions(), pages.cache(60));
    let refused = "djanginxed; fwd=uri-miss; detail=set-cookie";
    let counted = stack.get("/count");
    assert_eq!(cache_status(&counted), refused);
    assert!(stack.item("/count").is_none());
    // Nothing of the response says that it was read: the cookie must be named.
    let greeted = Request::get("/greet").header("Cookie", cookie(&counted));
    assert_eq!(cache_status(&stack.send(&greeted)), STORED);
    let hit = stack.get("/greet");
    assert_eq!(
        (cache_status(&hit).as_str(), hit.text()),
        (NGINX_HIT, "count 1")
    );
}

#[test]
fn a_session_cookie_that_is_named_takes_its_bearer_out() {
    let stack = wrapped!(|pages| sessions(), pages.cache(60); |cache| cache.bypass_cookie("id"));
    let counted = stack.get("/count");
    let greeted = Request::get("/greet").header("Cookie", cookie(&counted));
    for _ in 0..2 {
        let response = stack.send(&greeted);
        assert_eq!(response.text(), "count 1");
        assert_eq!(
            cache_status(&response),
            "djanginxed; fwd=bypass; detail=cookie"
        );
    }
    assert_eq!(cache_status(&stack.get("/greet")), STORED);
    assert_eq!(stack.get("/greet").text(), "count 0");
}

#[test]
fn a_session_outside_is_set_on_a_stored_page_of_which_hits_lack_it() {
    let stack = wrapped!(|pages| pages.cache(60), sessions());
    let first = stack.get("/count");
    assert!(cookie(&first).starts_with("id="));
    assert_eq!(cache_status(&first), STORED);
    // The handler, which would write the session, is not asked.
    let own = stack.ask("/count");
    assert_eq!(
        (cache_status(&own).as_str(), own.header("set-cookie")),
        (HIT, None)
    );
    let hit = stack.get("/count");
    assert_eq!(
        (cache_status(&hit).as_str(), hit.header("set-cookie")),
        (NGINX_HIT, None)
    );
}

#[test]
fn an_identity_inside_is_remembered_by_a_response_that_is_not_stored() {
    let stack = wrapped!(
        |pages| IdentityMiddleware::default(), sessions(), pages.cache(60);
        |cache| cache.bypass_cookie("id")
    );
    let refused = "djanginxed; fwd=uri-miss; detail=set-cookie";
    let hello = stack.get("/login");
    assert_eq!(cache_status(&hello), refused);
    let anna = Request::get("/me").header("Cookie", cookie(&hello));
    for _ in 0..2 {
        assert_eq!(stack.send(&anna).text(), "anna");
        assert_eq!(stack.get("/me").text(), "nobody");
    }
    assert_eq!(cache_status(&stack.get("/me")), NGINX_HIT);
}

#[test]
fn an_identity_outside_needs_its_cookie_named_as_well() {
    let stack = wrapped!(
        |pages| pages.cache(60), IdentityMiddleware::default(), sessions();
        |cache| cache.bypass_cookie("id")
    );
    // What is stored here is "hello" without a cookie: log in by POST.
    let hello = stack.get("/login");
    assert_eq!(cache_status(&hello), STORED);
    let anna = Request::get("/me").header("Cookie", cookie(&hello));
    for _ in 0..2 {
        assert_eq!(stack.send(&anna).text(), "anna");
        assert_eq!(stack.get("/me").text(), "nobody");
    }
}

fn cors() -> Cors {
    Cors::default()
        .allowed_origin("https://a.example")
        .allowed_origin("https://b.example")
        .allowed_methods(["GET"])
}

fn from_a(target: &str) -> Request {
    Request::get(target).header("Origin", "https://a.example")
}

#[test]
fn cors_inside_makes_responses_that_vary_and_are_not_stored() {
    let stack = wrapped!(|pages| cors(), pages.cache(60));
    let refused = "djanginxed; fwd=uri-miss; detail=vary";
    for request in [from_a("/a"), Request::get("/a")] {
        assert_eq!(cache_status(&stack.send(&request)), refused);
    }
    assert!(stack.item("/a").is_none());
}

#[test]
fn cors_outside_answers_what_the_application_does_and_not_nginxs_hits() {
    let stack = wrapped!(|pages| pages.cache(60), cors());
    let allowed = |response: &Response| {
        let origin = response.header("access-control-allow-origin");
        origin.map(ToOwned::to_owned)
    };
    for status in CACHED {
        let response = stack.send_past_nginx(&from_a("/a"));
        assert_eq!(cache_status(&response), status);
        assert_eq!(allowed(&response).as_deref(), Some("https://a.example"));
    }
    let hit = stack.send(&from_a("/a"));
    assert_eq!(
        (cache_status(&hit).as_str(), allowed(&hit)),
        (NGINX_HIT, None)
    );
    let foreign = Request::get("/a").header("Origin", "https://c.example");
    assert_eq!(allowed(&stack.send_past_nginx(&foreign)), None);
}

#[test]
fn cors_outside_answers_a_preflight_itself() {
    let stack = wrapped!(|pages| pages.cache(60), cors());
    let preflight = Request::new("OPTIONS", "/a")
        .header("Origin", "https://a.example")
        .header("Access-Control-Request-Method", "GET");
    let answer = stack.send_past_nginx(&preflight);
    assert_eq!((answer.status, cache_status(&answer)), (200, String::new()));
    assert_eq!(stack.script.renders(), 0);
}

#[test]
fn a_whole_company_around_a_cached_application_is_no_hindrance() {
    log::listen();
    let (pages, script) = (in_memory(), Script::html());
    let application = Application::start({
        let script = script.clone();
        move |listener| {
            let app = move || {
                App::new()
                    .app_data(web::Data::new(script.clone()))
                    .service(
                        web::scope("/in").service(web::scope("/in").route("/a", web::to(plain))),
                    )
                    .wrap(NormalizePath::trim())
                    .wrap(pages.cache(60))
                    .wrap(cors())
                    .wrap(IdentityMiddleware::default())
                    .wrap(sessions())
                    .wrap(Compress::default())
                    .wrap(Logger::default())
            };
            let server = HttpServer::new(app).workers(1).disable_signals();
            Ok(server.listen(listener)?.run())
        }
    });
    assert_eq!(statuses(&application, "/in/in/a/"), CACHED);
    assert_eq!(
        get(application.port(), "/in/in/a/").text(),
        "render 1 of /in/in/a"
    );
}
