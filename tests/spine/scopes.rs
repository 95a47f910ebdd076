//! The cache as a middleware of an application, a scope, a resource.

use std::time::{Duration, Instant};

use actix_web::middleware::from_fn;
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpMessage, HttpRequest, HttpResponse, HttpServer, web};
use djanginxed::{Layout, PageCache, PageKey};
use testkit::eventually;
use testkit::http::{Connection, Request, Response, get};

use crate::stack::{
    Application, Gate, NGINX_HIT, PREFIX, Script, Stack, cache_status, gated, log, news, ok, page,
    wait,
};

const STORED: &str = "djanginxed; fwd=uri-miss; stored";
const HIT: &str = "djanginxed; hit";
const CACHED: [&str; 2] = [STORED, HIT];

/// A handler without the attribute.
pub(crate) async fn plain(request: HttpRequest, script: web::Data<Script>) -> HttpResponse {
    script.render(request)
}

/// A handler without the attribute, whose render ends when the test says so.
async fn gated_plain(
    request: HttpRequest,
    script: web::Data<Script>,
    gate: web::Data<Gate>,
) -> HttpResponse {
    let response = script.render(request);
    gate.acquire().await.unwrap().forget();
    response
}

pub(crate) fn in_memory() -> PageCache {
    PageCache::builder().key_prefix(PREFIX).build().unwrap()
}

fn configured(
    script: &Script,
    configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> Application {
    Application::configured(1, script, configure)
}

/// Cache-Status of two requests in a row.
pub(crate) fn statuses(application: &Application, target: &str) -> [String; 2] {
    [(); 2].map(|()| cache_status(&get(application.port(), target)))
}

fn is_stored(pages: &PageCache, prefix: &str, target: &str) -> bool {
    wait(pages.delete(&PageKey::new(prefix, target))).unwrap()
}

/// A stack whose "/blog" is cached in one line.
fn blog() -> Stack {
    Stack::setup().start_with(Script::html(), |pages, script| {
        let pages = pages.clone();
        configured(script, move |config| {
            let scope = web::scope("/blog")
                .wrap(pages.cache(60))
                .default_service(web::to(plain));
            config.app_data(pages.clone()).service(scope);
        })
    })
}

#[test]
fn a_scope_cached_in_one_line_is_answered_by_nginx() {
    let stack = blog();
    for target in ["/blog/1", "/blog/1?page=2"] {
        let first = stack.get(target);
        assert_eq!(cache_status(&first), STORED);
        let hit = stack.get(target);
        assert_eq!(cache_status(&hit), NGINX_HIT);
        assert_eq!(hit.body, first.body);
        let own = stack.ask(target);
        assert_eq!(cache_status(&own), HIT);
        assert_eq!(own.body, first.body);
        let item = stack.item(target).unwrap();
        assert_eq!((item.flags, item.bytes), (0, first.body));
    }
    assert_eq!(stack.script.renders(), 2);
}

#[test]
fn a_head_request_is_answered_from_the_store_and_never_stores() {
    let stack = blog();
    let head = Request::new("HEAD", "/blog/1");
    let refused = "djanginxed; fwd=uri-miss; detail=method";
    assert_eq!(cache_status(&stack.send_past_nginx(&head)), refused);
    assert!(stack.item("/blog/1").is_none());
    stack.ask("/blog/1");
    assert_eq!(cache_status(&stack.send_past_nginx(&head)), HIT);
}

#[test]
fn who_has_the_page_already_is_told_so() {
    let stack = blog();
    stack.ask("/blog/1");
    let hit = stack.ask("/blog/1");
    let tag = hit.header("etag").unwrap().to_owned();
    let asked = Request::get("/blog/1").header("If-None-Match", &tag);
    let known = stack.send_past_nginx(&asked);
    assert_eq!((known.status, cache_status(&known)), (304, HIT.into()));
}

#[test]
fn a_change_deletes_the_page_of_its_target_and_a_failed_one_does_not() {
    let stack = Stack::setup().start_with(
        Script::new(|render| match render.header("x-fail") {
            "nobody" => render.html(),
            _ => HttpResponse::BadRequest().finish(),
        }),
        |pages, script| {
            let pages = pages.clone();
            configured(script, move |config| {
                let scope = web::scope("/blog").wrap(pages.cache(60));
                config.service(scope.default_service(web::to(plain)));
            })
        },
    );
    let post = Request::new("POST", "/blog/1").body("x");
    stack.ask("/blog/1");
    let failed = stack.send_past_nginx(&post.clone().header("X-Fail", "1"));
    assert_eq!(failed.status, 400);
    assert!(stack.item("/blog/1").is_some());
    let done = stack.send_past_nginx(&post);
    assert_eq!(cache_status(&done), "djanginxed; fwd=method");
    assert!(stack.item("/blog/1").is_none());
}

#[test]
fn an_application_a_scope_and_a_resource_are_cached_alike() {
    let (pages, script) = (in_memory(), Script::html());
    let application = configured(&script, {
        let pages = pages.clone();
        move |config| {
            let scope = web::scope("/scope")
                .wrap(pages.cache(60).key_prefix("scope"))
                .route("/page", web::get().to(plain));
            let resource = web::resource("/resource/{id}")
                .wrap(pages.cache(60).key_prefix(format!("resource{}", 1)))
                .route(web::get().to(plain));
            config.service(scope).service(resource);
        }
    });
    assert_eq!(statuses(&application, "/scope/page"), CACHED);
    assert_eq!(statuses(&application, "/resource/7"), CACHED);
    assert_eq!(statuses(&application, "/another"), ["", ""]);
    assert!(is_stored(&pages, "scope", "/scope/page"));
    assert!(is_stored(&pages, "resource1", "/resource/7"));
    let whole = whole_application(&pages, &script, |app| app);
    assert_eq!(statuses(&whole, "/anything"), CACHED);
    assert!(is_stored(&pages, PREFIX, "/anything"));
}

/// An application all of which is cached, with two levels of scopes.
fn whole_application(
    pages: &PageCache,
    script: &Script,
    configure: fn(&mut ServiceConfig) -> &mut ServiceConfig,
) -> Application {
    let (pages, script) = (pages.clone(), script.clone());
    Application::start(move |listener| {
        let app = move || {
            let inner = web::scope("/inner").route("/page", web::get().to(plain));
            App::new()
                .app_data(web::Data::new(script.clone()))
                .app_data(pages.clone())
                .service(web::scope("/outer").service(inner))
                .configure(|config| {
                    configure(config);
                })
                .default_service(web::to(plain))
                .wrap(pages.cache(60))
        };
        let server = HttpServer::new(app).workers(1).disable_signals();
        Ok(server.listen(listener)?.run())
    })
}

#[test]
fn scopes_inside_are_entered_and_cached() {
    let script = Script::html();
    let application = whole_application(&in_memory(), &script, |config| config);
    assert_eq!(statuses(&application, "/outer/inner/page"), CACHED);
}

#[test]
fn the_nearest_of_several_middlewares_is_the_one_that_caches() {
    let pages = in_memory();
    let (outer, inner) = (pages.clone(), pages.clone());
    let application = configured(&Script::html(), move |config| {
        let inner = web::scope("/inner")
            .wrap(inner.cache(60).key_prefix("inner"))
            .default_service(web::to(plain));
        let outer = web::scope("/outer")
            .wrap(outer.cache(60).key_prefix("outer"))
            .service(inner)
            .default_service(web::to(plain));
        config.service(outer);
    });
    assert_eq!(statuses(&application, "/outer/inner/page"), CACHED);
    assert_eq!(statuses(&application, "/outer/page"), CACHED);
    assert!(is_stored(&pages, "inner", "/outer/inner/page"));
    assert!(!is_stored(&pages, "outer", "/outer/inner/page"));
    assert!(is_stored(&pages, "outer", "/outer/page"));
}

#[test]
fn two_middlewares_under_one_key_are_no_deadlock() {
    let pages = in_memory();
    let application = configured(&Script::html(), move |config| {
        let resource = web::resource("/page")
            .wrap(pages.cache(60))
            .wrap(pages.cache(60))
            .wrap(pages.cache(60))
            .route(web::get().to(page))
            .route(web::post().to(page));
        config.app_data(pages.clone()).service(resource);
    });
    let began = Instant::now();
    assert_eq!(statuses(&application, "/page"), CACHED);
    let post = Request::new("POST", "/page").send(application.port());
    assert_eq!(cache_status(&post), "djanginxed; fwd=method");
    assert_eq!(statuses(&application, "/page"), CACHED);
    assert!(began.elapsed() < Duration::from_secs(3), "{began:?}");
}

#[test]
fn the_attribute_inside_goes_before_the_middleware() {
    let (pages, script) = (in_memory(), Script::html());
    let application = whole_application(&pages, &script, |config| {
        config
            .route("/news", web::get().to(news))
            .route("/page", web::get().to(page))
    });
    for _ in 0..2 {
        assert_eq!(statuses(&application, "/news"), CACHED);
        assert!(!is_stored(&pages, PREFIX, "/news"), "under the scope's key");
        assert!(is_stored(&pages, "news", "/news"));
    }
    assert_eq!(statuses(&application, "/page"), CACHED);
    assert_eq!(script.renders(), 3);
    let post = Request::new("POST", "/page").send(application.port());
    assert_eq!(cache_status(&post), "djanginxed; fwd=method");
    let bypassed = Request::get("/news").header("Authorization", "Basic eDp5");
    let bypassed = bypassed.send(application.port());
    let authorization = "djanginxed; fwd=bypass; detail=authorization";
    assert_eq!(cache_status(&bypassed), authorization);
}

/// Visitors of "/gated" who ask at once; the first is answered when all wait.
fn crowd(application: &Application, script: &Script, gate: &Gate) -> Vec<Response> {
    let ask = || {
        let mut visitor = Connection::open(application.port()).unwrap();
        visitor.send(&Request::get("/gated")).unwrap();
        visitor
    };
    let leader = ask();
    eventually("the leader renders", || script.renders() == 1);
    let others = [(); 5].map(|()| ask());
    // The worker reads what comes in order, so the five have joined.
    assert_eq!(get(application.port(), "/another").status, 200);
    gate.add_permits(1 << 20);
    let visitors = std::iter::once(leader).chain(others);
    visitors
        .map(|mut visitor| visitor.receive().unwrap())
        .collect()
}

/// An application with one worker whose renders wait at the gate.
fn gated_application(
    script: &Script,
    configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> (Application, web::Data<Gate>) {
    let gate = web::Data::new(Gate::new(0));
    let application = configured(script, {
        let gate = gate.clone();
        move |config| {
            config.app_data(gate.clone()).configure(configure.clone());
        }
    });
    (application, gate)
}

#[test]
fn who_asks_during_a_render_of_a_scope_is_answered_with_it() {
    let (pages, script) = (in_memory(), Script::html());
    let (application, gate) = gated_application(&script, move |config| {
        let resource = web::resource("/gated")
            .wrap(pages.cache(60))
            .route(web::get().to(gated_plain));
        config.service(resource);
    });
    let answers = crowd(&application, &script, &gate);
    assert_eq!(cache_status(&answers[0]), STORED);
    for other in &answers[1..] {
        let collapsed = "djanginxed; fwd=uri-miss; collapsed";
        assert_eq!(cache_status(other), collapsed);
        assert_eq!(other.body, answers[0].body);
    }
}

#[test]
fn who_waits_at_the_middleware_is_answered_with_the_render_of_the_attribute() {
    let (pages, script) = (in_memory(), Script::html());
    let (application, gate) = gated_application(&script, move |config| {
        let resource = web::resource("/gated")
            .wrap(pages.cache(60))
            .route(web::get().to(gated));
        config.app_data(pages.clone()).service(resource);
    });
    let answers = crowd(&application, &script, &gate);
    for answer in &answers {
        assert_eq!(answer.body, answers[0].body);
    }
    assert_eq!(cache_status(&answers[0]), STORED);
    // "/another" was the second render.
    assert_eq!(script.renders(), 2);
}

#[test]
fn who_waits_for_a_page_that_the_attribute_has_elsewhere_is_not_held_up() {
    let (pages, script) = (in_memory(), Script::html());
    let (application, gate) = gated_application(&script, move |config| {
        let resource = web::resource("/gated")
            .wrap(pages.cache(60).key_prefix("other"))
            .route(web::get().to(gated));
        config.app_data(pages.clone()).service(resource);
    });
    let began = Instant::now();
    let answers = crowd(&application, &script, &gate);
    assert!(began.elapsed() < Duration::from_secs(3));
    for answer in &answers {
        assert_eq!(answer.body, answers[0].body);
    }
    assert_eq!(script.renders(), 2);
}

#[test]
fn when_the_leader_leaves_another_takes_over_even_if_a_task_keeps_its_request() {
    async fn kept(
        request: HttpRequest,
        script: web::Data<Script>,
        gate: web::Data<Gate>,
    ) -> HttpResponse {
        let keep = request.clone();
        actix_web::rt::spawn(async move {
            tokio::time::sleep(Duration::from_secs(60)).await;
            drop(keep);
        });
        gated_plain(request, script, gate).await
    }
    let (pages, script) = (in_memory(), Script::html());
    let (application, gate) = gated_application(&script, move |config| {
        let resource = web::resource("/gated")
            .wrap(pages.cache(60))
            .route(web::get().to(kept));
        config.service(resource);
    });
    let ask = || {
        let mut visitor = Connection::open(application.port()).unwrap();
        visitor.send(&Request::get("/gated")).unwrap();
        visitor
    };
    let leader = ask();
    eventually("the leader renders", || script.renders() == 1);
    let mut other = ask();
    let began = Instant::now();
    leader.reset().unwrap();
    eventually("another renders", || script.renders() == 2);
    // Who gives up waiting renders, too, but after five seconds.
    assert!(began.elapsed() < Duration::from_secs(3));
    gate.add_permits(1 << 20);
    assert_eq!(cache_status(&other.receive().unwrap()), STORED);
}

#[test]
fn when_says_which_requests_take_part_and_its_no_is_one_for_caches_outside_too() {
    let pages = in_memory();
    let application = configured(&Script::html(), {
        let pages = pages.clone();
        move |config| {
            let inner = pages
                .cache(60)
                .when(|request| !request.path().ends_with("/draft"));
            let scope = web::scope("")
                .wrap(inner)
                .wrap(pages.cache(60))
                .default_service(web::to(plain));
            config.service(scope);
        }
    });
    assert_eq!(statuses(&application, "/page"), CACHED);
    let no = "djanginxed; fwd=bypass; detail=when";
    assert_eq!(statuses(&application, "/draft"), [no, no]);
    assert!(!is_stored(&pages, PREFIX, "/draft"));
    // actix decodes a path to find its route, `when` sees it as it was sent.
    assert_eq!(statuses(&application, "/dr%61ft"), [no, no]);
    assert!(!is_stored(&pages, PREFIX, "/dr%61ft"));
    // It is no excuse for a page that a change has outdated.
    let post = Request::new("POST", "/page").send(application.port());
    assert_eq!(cache_status(&post), "djanginxed; fwd=method");
    assert!(!is_stored(&pages, PREFIX, "/page"));
}

#[test]
fn a_cookie_that_middleware_inside_sets_is_seen() {
    let pages = in_memory();
    let application = configured(&Script::html(), move |config| {
        let counts = from_fn(|request, next: actix_web::middleware::Next<_>| async move {
            let mut response = next.call(request).await?;
            let cookie = actix_web::cookie::Cookie::new("visit", "1");
            response.response_mut().add_cookie(&cookie).unwrap();
            Ok::<_, actix_web::Error>(response)
        });
        let scope = web::scope("")
            .wrap(counts)
            .wrap(pages.cache(60))
            .default_service(web::to(plain));
        config.service(scope);
    });
    let refused = "djanginxed; fwd=uri-miss; detail=set-cookie";
    assert_eq!(statuses(&application, "/page"), [refused, refused]);
}

#[test]
fn an_error_of_middleware_inside_reaches_middleware_outside_and_is_not_stored() {
    let (pages, script) = (in_memory(), Script::html());
    let application = configured(&script, {
        let pages = pages.clone();
        move |config| {
            let fails = from_fn(
                |request: actix_web::dev::ServiceRequest, next: actix_web::middleware::Next<_>| async move {
                    match request.headers().contains_key("x-fail") {
                        true => Err(actix_web::error::ErrorServiceUnavailable("not now")),
                        false => next.call(request).await,
                    }
                },
            );
            let sees = from_fn(|request, next: actix_web::middleware::Next<_>| async move {
                let response = next.call(request).await;
                response.map_err(|error| {
                    let status = error.as_response_error().status_code();
                    actix_web::error::ErrorImATeapot(format!("{error}: {status}"))
                })
            });
            let scope = web::scope("")
                .wrap(fails)
                .wrap(pages.cache(60))
                .wrap(sees)
                .default_service(web::to(plain));
            config.service(scope);
        }
    });
    let failing = Request::get("/page").header("X-Fail", "1");
    for _ in 0..2 {
        let failed = failing.send(application.port());
        assert_eq!(failed.status, 418);
        assert_eq!(failed.text(), "not now: 503 Service Unavailable");
    }
    assert_eq!(statuses(&application, "/page"), CACHED);
    let hit = failing.send(application.port());
    assert_eq!((hit.status, cache_status(&hit)), (200, HIT.into()));
}

#[test]
fn the_cache_that_the_middleware_has_is_used_whatever_the_applications_is() {
    let (own, applications) = (in_memory(), in_memory());
    let application = configured(&Script::html(), {
        let (own, applications) = (own.clone(), applications.clone());
        move |config| {
            let scope = web::scope("/scope")
                .app_data(applications.clone())
                .wrap(own.cache(60))
                .default_service(web::to(plain));
            config.app_data(applications.clone()).service(scope);
        }
    });
    assert_eq!(statuses(&application, "/scope/page"), CACHED);
    assert!(!is_stored(&applications, PREFIX, "/scope/page"));
    assert!(is_stored(&own, PREFIX, "/scope/page"));
}

#[test]
fn an_unmatched_route_is_judged_as_any_response() {
    let bodies = in_memory();
    let whole = PageCache::builder()
        .layout(Layout::Response)
        .statuses([200, 404])
        .build()
        .unwrap();
    let application = Application::start(move |listener| {
        let app = move || {
            let scope = |path: &str, pages: &PageCache| {
                let scope = web::scope(path).wrap(pages.cache(60));
                scope.route("/page", web::get().to(plain))
            };
            App::new()
                .service(scope("/bodies", &bodies))
                .service(scope("/whole", &whole))
        };
        let server = HttpServer::new(app).workers(1).disable_signals();
        Ok(server.listen(listener)?.run())
    });
    let refused = "djanginxed; fwd=uri-miss; detail=status";
    assert_eq!(statuses(&application, "/bodies/none"), [refused, refused]);
    assert_eq!(statuses(&application, "/whole/none"), CACHED);
    assert_eq!(get(application.port(), "/whole/none").status, 404);
}

#[test]
fn content_on_a_get_reaches_the_handler_whole_and_its_answer_nobody_else() {
    async fn echo(body: web::Bytes) -> HttpResponse {
        ok().body(format!("read {:?}", String::from_utf8_lossy(&body)))
    }
    let pages = in_memory();
    let application = configured(&Script::html(), move |config| {
        let resource = web::resource("/echo")
            .wrap(pages.cache(60))
            .wrap(pages.cache(60))
            .route(web::to(echo));
        config.service(resource);
    });
    let content = Request::get("/echo").chunks(["e", "vil"]);
    for _ in 0..2 {
        let answer = content.send(application.port());
        let bypassed = "djanginxed; fwd=bypass; detail=content";
        assert_eq!(cache_status(&answer), bypassed);
        assert_eq!(answer.text(), "read \"evil\"");
    }
    let post = Request::new("POST", "/echo").chunks(["a", "b"]);
    assert_eq!(post.send(application.port()).text(), "read \"ab\"");
    assert_eq!(statuses(&application, "/echo"), CACHED);
    assert_eq!(get(application.port(), "/echo").text(), "read \"\"");
}

#[test]
fn a_streamed_body_is_stored_when_it_has_ended() {
    let script = Script::new(|_| {
        let chunks = ["one ", "two ", "three"].map(|chunk| Ok::<_, actix_web::Error>(chunk.into()));
        ok().streaming(futures_util::stream::iter(chunks))
    });
    let pages = in_memory();
    let application = configured(&script, move |config| {
        let resource = web::resource("/stream")
            .wrap(pages.cache(60))
            .route(web::to(plain));
        config.service(resource);
    });
    let streamed = ["djanginxed; fwd=uri-miss", HIT];
    assert_eq!(statuses(&application, "/stream"), streamed);
    assert_eq!(get(application.port(), "/stream").text(), "one two three");
}

#[test]
fn the_extensions_of_a_request_reach_the_handler() {
    async fn told(request: HttpRequest) -> HttpResponse {
        let told = request.extensions().get::<String>().cloned();
        ok().body(told.unwrap_or_default())
    }
    let pages = in_memory();
    let application = configured(&Script::html(), move |config| {
        let tells = from_fn(
            |request: actix_web::dev::ServiceRequest, next: actix_web::middleware::Next<_>| {
                request.extensions_mut().insert("told".to_owned());
                next.call(request)
            },
        );
        let resource = web::resource("/told")
            .wrap(pages.cache(60))
            .wrap(tells)
            .route(web::to(told));
        config.service(resource);
    });
    assert_eq!(get(application.port(), "/told").text(), "told");
}

#[test]
fn a_scopes_settings_are_logged_once_whatever_the_workers() {
    log::listen();
    let pages = in_memory();
    let application = Application::configured(3, &Script::html(), move |config| {
        let scope = web::scope("/logged")
            .wrap(
                pages
                    .cache(4321)
                    .key_prefix("logged")
                    .content_type("text/plain"),
            )
            .route("/{id}", web::get().to(plain));
        config.service(scope);
    });
    for number in 0..12 {
        let cookies = Request::get(format!("/logged/{number}")).header("Cookie", "a=b");
        assert_eq!(cookies.send(application.port()).status, 200);
    }
    let lines = log::lines_with("timeout_seconds=4321");
    assert_eq!(lines.len(), 1, "{lines:?}");
    for part in ["caching a page", "/logged/{id}", "logged", "text/plain"] {
        assert!(lines[0].contains(part), "{part} is not in {lines:?}");
    }
}

#[track_caller]
fn panic_of(wrong: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let panic = std::panic::catch_unwind(wrong).unwrap_err();
    panic.downcast_ref::<String>().unwrap().clone()
}

#[test]
fn a_setting_that_cannot_work_is_refused_where_it_is_made_and_named() {
    let pages = std::panic::AssertUnwindSafe(in_memory());
    let zero = panic_of(|| drop(pages.cache(0)));
    assert!(
        zero.starts_with("a timeout of 0 seconds: use 1 to 315360000"),
        "{zero}"
    );
    let long = panic_of(|| drop(pages.cache(315_360_001)));
    assert!(long.contains("315360001"), "{long}");
    let prefix = panic_of(|| drop(pages.cache(1).key_prefix("a b")));
    assert!(
        prefix.starts_with("key prefix \"a b\": use 1 to 64"),
        "{prefix}"
    );
    let owned = panic_of(|| drop(pages.cache(1).key_prefix(String::from("a/b"))));
    assert!(
        owned.starts_with("key prefix \"a/b\": use 1 to 64"),
        "{owned}"
    );
    let media_type = panic_of(|| drop(pages.cache(1).content_type("html")));
    assert!(
        media_type.starts_with("content type \"html\": use a media type"),
        "{media_type}"
    );
}
