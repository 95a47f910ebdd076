//! Personal parts of stored pages, filled by nginx at each hit and by the application
//! otherwise.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::body::{BoxBody, to_bytes};
use actix_web::dev::{ServerHandle, Service, ServiceRequest};
use actix_web::error::ErrorServiceUnavailable;
use actix_web::middleware::{Next, from_fn};
use actix_web::test::{TestRequest, init_service};
use actix_web::web::Bytes;
use actix_web::{App, HttpRequest, HttpResponse, HttpResponseBuilder, HttpServer, rt, web};
use djanginxed::parts::{cookie, include, nonce};
use djanginxed::test::Pages;
use djanginxed::{PageCache, PageKey};
use testkit::http::{Request, Response};
use testkit::{Nginx, eventually, free_port, listen};

use crate::stack::{
    Application, NGINX_HIT, Render, Script, Setup, Stack, WAYS, Way, cache_status, ok,
};

const CSP: &str = "Content-Security-Policy";
const EVIL: &str = "<!--#echo var=\"http_authorization\" --><!--# include virtual=\"/badge\" -->";
const DEFAULT: &str = "<a href=\"/login\">Sign in</a>";

fn setup(way: Way) -> Setup {
    let setup = Stack::setup().way(way).routes(|config| {
        config.route("/badge", web::get().to(badge));
        config.route("/gone", web::get().to(HttpResponse::NotFound));
        config.route("/empty", web::get().to(async || ok().body("")));
    });
    setup.cache(|cache| {
        let cache = cache.parts(true).bypass_cookie("staff");
        cache.header(CSP, "script-src 'nonce-{nonce}'")
    })
}

fn start(way: Way) -> Stack {
    setup(way).start(Script::new(answer))
}

/// What only its own visitor may see, and is told apart by each cookie.
async fn badge(request: HttpRequest) -> HttpResponse {
    let visitor = request.cookie("user");
    let visitor = visitor.map_or("nobody".to_owned(), |user| user.value().to_owned());
    let target = request
        .uri()
        .path_and_query()
        .map_or("", |target| target.as_str());
    ok().body(format!("<b>{visitor} {target}</b>{EVIL}"))
}

fn page() -> HttpResponseBuilder {
    let mut response = ok();
    response.insert_header((CSP, format!("script-src 'nonce-{}'", nonce())));
    response
}

fn answer(render: Render) -> HttpResponse {
    match render.request.path() {
        "/fragment" => ok().body(format!("fragment {}", render.number)),
        "/plain" => ok().body("no parts"),
        "/json" => HttpResponse::Ok()
            .content_type("application/json")
            .body(format!("\"{EVIL}\"")),
        "/json-parts" => HttpResponse::Ok()
            .content_type("application/json")
            .body(format!("\"{}|{}\"", cookie("csrftoken"), include("/badge"))),
        "/evil" => page().body(format!("{EVIL}{}", nonce())),
        "/begun" => {
            let begun = &"<!--"[..render.request.query_string().len()];
            page().body(format!("{EVIL}{begun}"))
        }
        "/again" => page().body(format!("{}again", include("/again").or("no more"))),
        "/caching" => page().body(include("/fragment").to_string()),
        "/strange" => page().body(include("/badge?$uri=\"%20<&a").or(EVIL).to_string()),
        "/empty-part" => page().body(format!(
            "{}<b>[{}]</b>",
            include("/badge").or("no badge"),
            include("/empty").or(DEFAULT)
        )),
        "/typed" => {
            let mut answer = HttpResponse::Ok();
            let line = render.request.headers().get("x-type").unwrap().clone();
            answer.insert_header(("Content-Type", line));
            match render.header("x-parts") {
                "" => answer.body(EVIL),
                _ => answer.body(nonce().to_string()),
            }
        }
        "/gone-part" => page().body(include("/gone").or(DEFAULT).to_string()),
        "/wild" => {
            let parts = (0..40).map(|number| include(format!("/badge?{number}")).to_string());
            page().body(parts.collect::<String>())
        }
        "/forged" => page().body(format!("{}{}", render.header("x-comment"), nonce())),
        "/stream" => page().streaming(stream()),
        "/own-field" => ok().insert_header(("Link", nonce().to_string())).body("x"),
        _ => page()
            .insert_header(("ETag", "\"mine\""))
            .insert_header(("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"))
            .insert_header(("Cache-Control", "public, max-age=60"))
            .body(format!(
                "<script nonce=\"{nonce}\"></script><script nonce=\"{nonce}\"></script>\
                 <input value=\"{}\"><p>{}</p>",
                cookie("csrftoken"),
                include("/badge?x=1&y=%2F").or(DEFAULT),
                nonce = nonce(),
            )),
    }
}

/// A page in chunks of a byte each.
fn stream() -> impl futures_util::Stream<Item = Result<Bytes, Infallible>> {
    let page = format!("{EVIL}{}{}", cookie("user"), include("/badge").or(DEFAULT));
    let bytes: Vec<_> = page
        .bytes()
        .map(|byte| Ok(Bytes::from(vec![byte])))
        .collect();
    futures_util::stream::iter(bytes)
}

/// Stops an application, whose worker answers for a moment more, and waits for that.
pub(crate) fn stop(application: Application, nginx: &Nginx) {
    drop(application);
    eventually("nobody answers", || {
        Request::new("POST", "/nobody")
            .try_send(nginx.port())
            .is_ok_and(|answer| answer.status == 502)
    });
}

fn of_ann(target: &str) -> Request {
    Request::get(target).header("Cookie", "user=ann; csrftoken=a<b>\"&c")
}

/// The nonce of a page, where all that say one say the same.
#[track_caller]
fn nonce_of(response: &Response) -> String {
    let said: Vec<_> = response.all(CSP).collect();
    let [field] = said[..] else {
        panic!("{said:?}");
    };
    let nonce = field
        .strip_prefix("script-src 'nonce-")
        .unwrap()
        .trim_end_matches('\'');
    assert!(
        nonce.len() == 32 && nonce.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{nonce}"
    );
    nonce.to_owned()
}

#[track_caller]
fn is_whole(response: &Response, badge: &str, token: &str) {
    let nonce = nonce_of(response);
    assert_eq!(
        response.text(),
        format!(
            "<script nonce=\"{nonce}\"></script><script nonce=\"{nonce}\"></script>\
             <input value=\"{token}\"><p>{badge}</p>"
        )
    );
    assert_eq!(response.header("cache-control"), Some("private, no-cache"));
    for field in ["etag", "last-modified", "expires"] {
        assert_eq!(response.header(field), None, "{field}");
    }
}

fn key(target: &str) -> String {
    PageKey::new("site1+", target).to_string()
}

#[test]
fn parts_are_the_visitors_own_on_misses_hits_and_bypasses() {
    for way in WAYS {
        let stack = start(way);
        let ann = format!("<b>ann /badge?x=1&y=%2F</b>{EVIL}");
        let token = "a&lt;b&gt;&quot;&amp;c";
        let miss = stack.send(&of_ann("/"));
        assert_eq!(
            cache_status(&miss),
            "djanginxed; fwd=uri-miss; stored",
            "{way}"
        );
        is_whole(&miss, &ann, token);
        let mut nonces = vec![nonce_of(&miss)];
        for _ in 0..3 {
            let hit = stack.send(&of_ann("/"));
            assert_eq!(cache_status(&hit), NGINX_HIT, "{way}");
            is_whole(&hit, &ann, token);
            nonces.push(nonce_of(&hit));
        }
        let hit = stack.get("/");
        assert_eq!(cache_status(&hit), NGINX_HIT);
        is_whole(&hit, &format!("<b>nobody /badge?x=1&y=%2F</b>{EVIL}"), "");
        let bypass =
            stack.send(&Request::get("/").header("Cookie", "staff=1; user=ann; csrftoken=t"));
        assert_eq!(
            cache_status(&bypass),
            "djanginxed; fwd=bypass; detail=cookie"
        );
        is_whole(&bypass, &ann, "t");
        let own = stack.send_past_nginx(&of_ann("/"));
        assert_eq!(cache_status(&own), "djanginxed; hit");
        is_whole(&own, &ann, token);
        nonces.extend([&hit, &bypass, &own].map(nonce_of));
        nonces.sort_unstable();
        nonces.dedup();
        assert_eq!(nonces.len(), 7, "{way}");
        assert_eq!(stack.script.renders(), 2);
    }
}

#[test]
fn a_visitors_text_is_never_a_command() {
    for way in WAYS {
        let stack = start(way);
        let ask = |request: Request| {
            let response = stack.send(&request);
            assert!(!response.text().contains("secret"), "{way}: {response:?}");
            assert!(!response.text().contains("<b>"), "{way}: {response:?}");
            response
        };
        let miss = ask(Request::get("/evil"));
        assert!(miss.text().starts_with(EVIL));
        let hit = ask(Request::get("/evil"));
        assert_eq!(cache_status(&hit), NGINX_HIT);
        assert!(
            hit.text().starts_with(&EVIL.replace("<!--#", "<!-- #")),
            "{hit:?}"
        );
        let own = stack.ask("/evil");
        assert!(
            own.text().starts_with(&EVIL.replace("<!--#", "<!-- #")),
            "{own:?}"
        );
        let bypass = ask(Request::get("/evil").header("Authorization", "secret"));
        assert!(bypass.text().starts_with(EVIL));
        let stored = stack.memcached.get(key("/evil")).unwrap().bytes;
        let commands = String::from_utf8_lossy(&stored).matches("<!--#").count();
        assert_eq!(commands, 1, "that of the nonce");
        let post = ask(Request::new("POST", "/evil").header("Cookie", "a=secret"));
        assert!(post.text().starts_with(EVIL));
    }
}

#[test]
fn what_begins_like_a_command_at_the_end_of_a_page_is_not_lost() {
    for way in WAYS {
        let stack = start(way);
        for length in 1..=4 {
            let target = format!("/begun?{}", "x".repeat(length));
            let page = format!("{EVIL}{}", &"<!--"[..length]);
            let miss = stack.get(&target);
            assert_eq!(miss.text(), page, "{way}");
            for hit in [stack.get(&target), stack.ask(&target)] {
                assert!(cache_status(&hit).ends_with("; hit"), "{way}");
                let page = page.replace("<!--#", "<!-- #");
                assert_eq!(hit.text(), page + "\n", "{way}");
            }
        }
    }
}

#[test]
fn without_an_answer_a_part_is_its_default_text() {
    for way in WAYS {
        let stack = start(way);
        stack.send(&of_ann("/"));
        for _ in 0..2 {
            let gone = stack.get("/gone-part");
            assert_eq!(gone.text(), DEFAULT, "{way}");
        }
        assert_eq!(cache_status(&stack.get("/gone-part")), NGINX_HIT);
        let Stack {
            nginx,
            application,
            memcached,
            ..
        } = stack;
        stop(application, &nginx);
        let hit = of_ann("/").send(nginx.port());
        assert_eq!(cache_status(&hit), NGINX_HIT);
        is_whole(&hit, DEFAULT, "a&lt;b&gt;&quot;&amp;c");
        drop(memcached);
    }
}

#[test]
fn a_part_may_be_a_cached_page_itself() {
    for way in WAYS {
        let stack = start(way);
        for _ in 0..3 {
            assert_eq!(stack.get("/caching").text(), "fragment 2", "{way}");
        }
        assert_eq!(stack.script.renders(), 2, "the page and its fragment");
        assert_eq!(cache_status(&stack.get("/caching")), NGINX_HIT);
        assert_eq!(stack.get("/fragment").text(), "fragment 2");
        assert!(stack.memcached.delete(key("/fragment")));
        assert_eq!(stack.get("/caching").text(), "fragment 3");
    }
}

#[test]
fn where_no_part_is_filled_nobody_sees_its_marker() {
    for way in WAYS {
        let stack = start(way);
        for _ in 0..2 {
            assert_eq!(stack.get("/json-parts").text(), "\"|\"", "{way}");
        }
    }
}

#[test]
fn a_part_that_is_empty_is_its_default_text() {
    for (way, with_more) in WAYS
        .map(|way| (way, false))
        .into_iter()
        .chain([(Way::Bodies, true)])
    {
        let mut setup = setup(way);
        if with_more {
            setup = setup.site(|site| {
                let site = site.micro_cache(10).micro_cache_path("micro");
                site.stale_if_error(true)
            });
        }
        let stack = setup.start(Script::new(answer));
        for _ in 0..4 {
            let page = stack.get("/empty-part");
            let text = format!("<b>nobody /badge</b>{EVIL}<b>[{DEFAULT}]</b>");
            assert_eq!(page.text(), text, "{way} {with_more}");
        }
        assert_eq!(cache_status(&stack.get("/empty-part")), NGINX_HIT);
    }
}

/// Which types are HTML for nginx, and which for others.
#[test]
fn whatever_a_type_says_no_text_is_a_command_and_no_command_a_text() {
    let stack = start(Way::Srcache);
    let mut commands = 0;
    for (number, line) in [
        "text/html; charset=utf-8",
        "text/html;charset=utf-8;title=\u{e9}",
        "text/html;profile=x",
        "text/html;profile=x;charset=utf-8",
        "text/html ;charset=utf-8",
        "text/html;;charset=utf-8",
        "TEXT/HTML",
        "application/xhtml+xml",
        "application/json",
    ]
    .into_iter()
    .enumerate()
    {
        for parts in ["", "some"] {
            let target = format!("/typed?{number}{parts}");
            let ask = Request::get(&target).header("x-type", line);
            let ask = ask.header("x-parts", parts);
            for _ in 0..3 {
                let answer = stack.send(&ask);
                let text = answer.text();
                match parts {
                    "" => assert!(text.contains("#echo var"), "{line}: {text}"),
                    _ if line == "application/json" => {}
                    _ => assert!(text.len() == 32 && !text.contains('<'), "{line}: {text}"),
                }
            }
            commands += usize::from(cache_status(&stack.send(&ask)) == NGINX_HIT);
        }
    }
    assert_eq!(
        commands,
        9 + 4,
        "all texts, and the parts that nginx looks for"
    );
}

#[test]
fn parts_end_somewhere() {
    for way in WAYS {
        let stack = start(way);
        for _ in 0..2 {
            assert_eq!(
                stack.get("/again").text(),
                "no moreagainagainagain",
                "{way}"
            );
        }
        let wild = stack.get("/wild");
        assert_eq!(
            cache_status(&wild),
            "djanginxed; fwd=uri-miss; detail=parts"
        );
        assert_eq!(wild.text().matches("<b>").count(), 32);
    }
}

#[test]
fn what_a_target_has_in_it_reaches_the_handler_and_no_other_place() {
    for way in WAYS {
        let stack = start(way);
        for _ in 0..2 {
            let page = stack.send(&of_ann("/strange"));
            assert_eq!(
                page.text(),
                format!("<b>ann /badge?%24uri=%22%20%3C&a</b>{EVIL}"),
                "{way}"
            );
        }
        assert_eq!(cache_status(&stack.get("/strange")), NGINX_HIT);
    }
}

#[test]
fn nobody_gains_by_what_he_sends() {
    for way in WAYS {
        let stack = start(way);
        stack.get("/");
        for target in [
            "/_djanginxed-part?/badge",
            "/_djanginxed-part",
            "//_djanginxed-part?/badge",
            "/%5fdjanginxed-part?/badge",
        ] {
            let response = stack.get(target);
            assert!(
                !response.text().starts_with("<b>"),
                "{way} {target}: {response:?}"
            );
        }
        assert_eq!(stack.get("/_djanginxed-part?/badge").status, 404);
        let chosen = format!("1 {}", "a".repeat(32));
        for target in ["/", "/forged"] {
            let request = of_ann(target).header("Djanginxed-Part", &chosen);
            let response = stack.send(&request.header("Surrogate-Capability", "x=\"ESI/1.0\""));
            assert_ne!(nonce_of(&response), "a".repeat(32), "{way} {target}");
            if target == "/" {
                assert!(response.text().contains("<b>ann"));
            }
        }
        let forged = format!(
            "djpart{}nz djpart{}i2f62616467657yz",
            "0".repeat(32),
            "0".repeat(32)
        );
        for _ in 0..2 {
            let request = Request::get("/forged?1").header("X-Comment", &forged);
            let response = stack.send(&request);
            assert!(response.text().starts_with(&forged), "{way}: {response:?}");
        }
    }
}

#[test]
fn nobody_is_told_that_a_page_with_parts_has_not_changed() {
    for way in WAYS {
        let stack = start(way);
        stack.send(&of_ann("/"));
        for condition in ["*", "\"mine\"", "W/\"mine\", *"] {
            let asked = || of_ann("/").header("If-None-Match", condition);
            for response in [stack.send(&asked()), stack.send_past_nginx(&asked())] {
                assert_eq!(response.status, 200, "{way} {condition}: {response:?}");
                nonce_of(&response);
            }
        }
        let since = of_ann("/").header("If-Modified-Since", "Sun, 06 Nov 2094 08:49:37 GMT");
        assert_eq!(stack.send(&since).status, 200, "{way}");
        let range = of_ann("/").header("Range", "bytes=0-1");
        assert_eq!(stack.send(&range).status, 200, "{way}");
        let head = stack.send(&Request::new("HEAD", "/"));
        assert_eq!(
            (head.status, head.text(), cache_status(&head).as_str()),
            (200, "", NGINX_HIT)
        );
        let head = stack.send_past_nginx(&Request::new("HEAD", "/"));
        assert_eq!((head.status, head.text()), (200, ""));
    }
}

#[test]
fn pages_with_parts_are_stored_plain_and_others_as_ever() {
    for way in WAYS {
        let padding = "x".repeat(2000);
        let body = padding.clone();
        let stack = setup(way)
            .cache(|cache| cache.parts(true).gzip(true))
            .start(Script::new(move |render| match render.request.path() {
                "/plain" => ok().body(body.clone()),
                _ => ok().body(format!("{body}{}", cookie("user"))),
            }));
        let packed = |target| {
            Request::get(target)
                .header("Cookie", "user=ann")
                .header("Accept-Encoding", "gzip")
        };
        for _ in 0..2 {
            let page = stack.send(&packed("/"));
            assert_eq!(page.header("content-encoding"), None, "{way}");
            assert_eq!(page.text(), format!("{padding}ann"));
        }
        stack.get("/plain");
        let page = stack.send(&packed("/plain"));
        assert_eq!(page.header("content-encoding"), Some("gzip"), "{way}");
        assert_eq!(stack.get("/plain").text(), padding);
    }
}

#[test]
fn a_nonce_in_a_field_that_nginx_does_not_know_is_not_stored() {
    for way in WAYS {
        let stack = start(way);
        let page = stack.get("/own-field");
        assert_eq!(
            cache_status(&page),
            "djanginxed; fwd=uri-miss; detail=header",
            "{way}"
        );
        assert_eq!(page.header("link").unwrap().len(), 32);
    }
}

#[test]
fn without_parts_switched_on_a_page_with_some_is_whole_and_not_stored() {
    let stack = Stack::setup().start(Script::new(|_| ok().body(nonce().to_string())));
    for _ in 0..2 {
        let page = stack.get("/");
        assert_eq!(
            cache_status(&page),
            "djanginxed; fwd=uri-miss; detail=parts"
        );
        assert_eq!(page.text().len(), 32);
    }
}

#[test]
fn the_parts_of_a_stream_are_filled_wherever_its_chunks_end() {
    for way in WAYS {
        let stack = start(way);
        let filled = format!("ann<b>ann /badge</b>{EVIL}");
        let miss = stack.send(&of_ann("/stream"));
        assert_eq!(miss.text(), format!("{EVIL}{filled}"), "{way}");
        assert_eq!(miss.header("cache-control"), Some("private, no-cache"));
        let hit = stack.send(&of_ann("/stream"));
        assert_eq!(cache_status(&hit), NGINX_HIT, "{way}");
        let harmless = EVIL.replace("<!--#", "<!-- #");
        assert_eq!(hit.text(), format!("{harmless}{filled}"));
    }
}

#[test]
fn what_a_micro_cache_keeps_has_its_parts_filled_each_time() {
    let stack = setup(Way::Bodies)
        .site(|site| site.micro_cache(10).micro_cache_path("micro"))
        .start(Script::new(answer));
    let mut nonces = Vec::new();
    for _ in 0..6 {
        let page = stack.send(&of_ann("/").header("If-None-Match", "*"));
        is_whole(
            &page,
            &format!("<b>ann /badge?x=1&y=%2F</b>{EVIL}"),
            "a&lt;b&gt;&quot;&amp;c",
        );
        let hit = stack.send(&of_ann("/"));
        is_whole(
            &hit,
            &format!("<b>ann /badge?x=1&y=%2F</b>{EVIL}"),
            "a&lt;b&gt;&quot;&amp;c",
        );
        nonces.extend([&page, &hit].map(nonce_of));
    }
    assert!(stack.get("/").text().contains("<b>nobody"));
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), 12);
}

#[test]
fn a_copy_that_stands_in_for_an_error_has_its_parts_filled() {
    for way in WAYS {
        let stack = setup(way)
            .cache(|cache| {
                let cache = cache
                    .parts(true)
                    .stale_if_error(std::time::Duration::from_secs(3600));
                cache.header(CSP, "script-src 'nonce-{nonce}'")
            })
            .site(|site| site.stale_if_error(true))
            .start(Script::new(answer));
        stack.send(&of_ann("/"));
        assert!(stack.memcached.delete(key("/")));
        let Stack {
            nginx,
            application,
            memcached,
            ..
        } = stack;
        stop(application, &nginx);
        let mut nonces = Vec::new();
        for _ in 0..2 {
            let copy = of_ann("/").send(nginx.port());
            is_whole(&copy, DEFAULT, "a&lt;b&gt;&quot;&amp;c");
            nonces.push(nonce_of(&copy));
        }
        assert_ne!(nonces[0], nonces[1], "{way}");
        drop(memcached);
    }
}

/// What is behind the middleware fails, so that its request is gone.
#[actix_web::test]
async fn a_copy_has_its_parts_filled_where_middleware_inside_fails() {
    for way in WAYS {
        let settings = djanginxed::PageCache::builder()
            .layout(way.layout())
            .parts(true)
            .header(CSP, "script-src 'nonce-{nonce}'")
            .stale_if_error(Duration::from_secs(3600));
        let pages = Pages::build(settings).unwrap();
        let fails = Arc::new(AtomicBool::new(false));
        let failing = Arc::clone(&fails);
        let inside = from_fn(move |request: ServiceRequest, next: Next<BoxBody>| {
            let fails = failing.load(Ordering::SeqCst);
            async move {
                match fails {
                    true => Err(ErrorServiceUnavailable("no database")),
                    false => next.call(request).await,
                }
            }
        });
        let body = || format!("<i nonce=\"{}\">{}", nonce(), cookie("csrftoken"));
        let scope = web::scope("/in")
            .route(
                "/page",
                web::get().to(move || async move { page().body(body()) }),
            )
            .wrap(inside)
            .wrap(pages.cache().cache(60));
        let app = init_service(App::new().service(scope)).await;
        let ask = || {
            let request = TestRequest::get().uri("/in/page");
            request
                .insert_header(("cookie", "csrftoken=mine"))
                .to_request()
        };
        let stored = app.call(ask()).await.unwrap();
        to_bytes(stored.into_body()).await.unwrap();
        pages.advance(Duration::from_secs(61));
        fails.store(true, Ordering::SeqCst);
        let mut nonces = Vec::new();
        for _ in 0..2 {
            let copy = app.call(ask()).await.unwrap_err().error_response();
            assert_eq!(copy.status(), 200, "{way}");
            let csp = copy
                .headers()
                .get(CSP)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            let control = copy.headers().get("cache-control").unwrap();
            assert_eq!(control, "private, no-cache", "{way}");
            let text = to_bytes(copy.into_body()).await.unwrap();
            let nonce = csp
                .trim_start_matches("script-src 'nonce-")
                .trim_end_matches('\'');
            assert_eq!(text, format!("<i nonce=\"{nonce}\">mine"), "{way}");
            nonces.push(nonce.to_owned());
        }
        assert_ne!(nonces[0], nonces[1], "{way}");
    }
}

/// An application that listens at a unix socket, and at an address of its own besides.
fn at_a_socket(socket: &Path) -> (PageCache, JoinHandle<()>, ServerHandle) {
    let listener = listen(free_port()).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let pages = PageCache::builder().key_prefix("site1").parts(true);
    let pages = pages.refresh_through(address).build().unwrap();
    let (cache, socket) = (pages.clone(), socket.to_owned());
    let (send, started) = mpsc::channel();
    let thread = thread::spawn(move || {
        rt::System::new().block_on(async move {
            let page = || async { ok().body(include("/badge").or(DEFAULT).to_string()) };
            let server = HttpServer::new(move || {
                App::new()
                    .route("/badge", web::get().to(badge))
                    .service(web::resource("/").wrap(cache.cache(900)).to(page))
            });
            let server = server.workers(1).disable_signals().shutdown_timeout(0);
            let server = server.listen(listener).unwrap().bind_uds(socket).unwrap();
            let server = server.run();
            send.send(server.handle()).unwrap();
            server.await.unwrap();
        });
    });
    (pages, thread, started.recv().unwrap())
}

#[test]
fn an_application_at_a_unix_socket_asks_itself_where_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("app.sock");
    let (pages, thread, server) = at_a_socket(&socket);
    let ask = || {
        let mut stream = UnixStream::connect(&socket).unwrap();
        let request = "GET / HTTP/1.1\r\nHost: a\r\nCookie: user=ann\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    for said in ["fwd=uri-miss; stored", "djanginxed; hit"] {
        let answer = ask();
        assert!(answer.contains(said), "{answer}");
        assert!(answer.contains("<b>ann /badge</b>"), "{answer}");
    }
    drop(pages);
    rt::System::new().block_on(server.stop(false));
    thread.join().unwrap();
}
