//! Whole responses: what the handler said comes back from nginx as it was.

use std::io::Read;

use actix_web::{HttpResponse, web};
use djanginxed::{Layout, PageKey};
use testkit::eventually;
use testkit::http::{Request, Response};

use crate::stack::{NGINX_HIT, PREFIX, Script, Setup, Stack, Way, cache_status, gated, ok};

fn setup(way: Way) -> Setup {
    Stack::setup()
        .way(way)
        .cache(|builder| builder.statuses([200, 301, 404]))
}

/// With each of what reads whole responses in nginx.
fn by_each(test: impl Fn(Way)) {
    [Way::Srcache, Way::Script].into_iter().for_each(test);
}

/// A site whose every page has these fields and this body.
fn site(way: Way, fields: &'static [(&'static str, &'static str)], body: &'static str) -> Stack {
    setup(way).start(Script::new(move |_| {
        let mut response = HttpResponse::Ok();
        for field in fields {
            response.append_header(*field);
        }
        response.body(body)
    }))
}

#[track_caller]
fn hit(stack: &Stack, request: &Request) -> Response {
    let hit = stack.send(request);
    assert_eq!(cache_status(&hit), NGINX_HIT);
    hit
}

#[test]
fn nginx_answers_with_the_fields_of_the_handler() {
    by_each(|way| {
        let fields = &[
            ("content-type", "application/json"),
            ("content-security-policy", "default-src 'none'"),
            ("link", "</a>; rel=preload"),
            ("link", "</b>; rel=preload"),
            ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("etag", "\"mine\""),
            ("cache-control", "public"),
            ("x-private", "1"),
        ];
        let stack = site(way, fields, "{\"a\":1}");
        let miss = stack.get("/api");
        assert_eq!(cache_status(&miss), "djanginxed; fwd=uri-miss; stored");
        let hit = hit(&stack, &Request::get("/api"));
        assert_eq!((hit.status, hit.text()), (200, "{\"a\":1}"));
        for (name, _) in fields {
            assert!(hit.all(name).eq(miss.all(name)), "{name}");
        }
        assert_eq!(hit.header("content-length"), Some("7"));
        assert_eq!(stack.script.renders(), 1);
    });
}

/// What each object of JavaScript has is no field to it.
#[test]
fn no_field_is_lost_whatever_its_name() {
    by_each(|way| {
        let fields = &[
            ("content-type", "text/html"),
            ("constructor", "a"),
            ("constructor", "b"),
            ("__proto__", "c"),
        ];
        let stack = site(way, fields, "page");
        for _ in 0..2 {
            let answer = stack.get("/");
            assert_eq!(answer.text(), "page");
            assert!(answer.all("constructor").eq(["a", "b"]), "{way}");
            assert!(answer.all("__proto__").eq(["c"]), "{way}");
        }
    });
}

#[test]
fn an_entry_is_a_head_and_the_body_and_says_no_length() {
    by_each(|way| {
        let stack = site(way, &[("content-type", "text/html")], "<p>page</p>");
        let miss = stack.get("/");
        let item = stack.item("/").unwrap();
        let etag = miss.header("etag").unwrap();
        let expected = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\netag: {etag}\r\nx-srcache-allow-ranges: 1\r\n\r\n<p>page</p>"
        );
        assert_eq!(String::from_utf8(item.bytes).unwrap(), expected);
    });
}

#[test]
fn redirects_and_errors_are_pages_where_their_status_is_declared() {
    by_each(|way| {
        let stack = setup(way).start(Script::new(|render| match render.target() {
            "/old" => HttpResponse::MovedPermanently()
                .insert_header(("location", "/new"))
                .finish(),
            "/gone" => HttpResponse::Gone().body("gone"),
            _ => HttpResponse::NotFound()
                .content_type("text/plain")
                .body("nothing here"),
        }));
        for (target, status) in [("/old", 301), ("/none", 404)] {
            let miss = stack.get(target);
            assert_eq!(cache_status(&miss), "djanginxed; fwd=uri-miss; stored");
            let hit = hit(&stack, &Request::get(target));
            assert_eq!((hit.status, &hit.body), (status, &miss.body), "{target}");
            assert_eq!(hit.header("location"), miss.header("location"));
        }
        let gone = stack.get("/gone");
        assert_eq!(
            cache_status(&gone),
            "djanginxed; fwd=uri-miss; detail=status"
        );
    });
}

#[test]
fn who_has_the_page_gets_304_from_nginx_and_from_the_application() {
    by_each(|way| {
        let stack = site(way, &[("content-type", "text/html")], "<p>page</p>");
        let etag = stack.get("/").header("etag").unwrap().to_owned();
        assert!(etag.starts_with('"'), "{etag}");
        for condition in [&*etag, &format!("\"x\", W/{etag}"), "*"] {
            let request = Request::get("/").header("if-none-match", condition);
            let by_nginx = hit(&stack, &request);
            let by_application = stack.send_past_nginx(&request);
            assert_eq!(cache_status(&by_application), "djanginxed; hit");
            for response in [by_nginx, by_application] {
                assert_eq!((response.status, &response.body[..]), (304, &b""[..]));
                assert_eq!(response.header("etag"), Some(&*etag));
            }
        }
        let other = Request::get("/").header("if-none-match", "\"x\"");
        assert_eq!(hit(&stack, &other).status, 200);
        assert_eq!(stack.send_past_nginx(&other).status, 200);
        assert_eq!(stack.script.renders(), 1);
    });
}

#[test]
fn a_date_is_compared_where_there_is_no_tag() {
    by_each(|way| {
        const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        let stack = site(
            way,
            &[("content-type", "text/html"), ("last-modified", DATE)],
            "page",
        );
        let _ = stack.get("/");
        let same = Request::get("/").header("if-modified-since", DATE);
        assert_eq!(hit(&stack, &same).status, 304);
        assert_eq!(stack.send_past_nginx(&same).status, 304);
        let older = Request::get("/").header("if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT");
        assert_eq!(hit(&stack, &older).status, 200);
        assert_eq!(stack.send_past_nginx(&older).status, 200);
        let newer = Request::get("/").header("if-modified-since", "Sun, 06 Nov 1994 08:49:38 GMT");
        assert_eq!(hit(&stack, &newer).status, 304);
        assert_eq!(stack.send_past_nginx(&newer).status, 304);
    });
}

#[test]
fn a_tag_that_is_another_goes_before_a_date_that_is_the_same() {
    by_each(|way| {
        const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        let stack = site(
            way,
            &[
                ("content-type", "text/html"),
                ("etag", "\"a\""),
                ("last-modified", DATE),
            ],
            "page",
        );
        let _ = stack.get("/");
        for (tag, status) in [("\"b\"", 200), ("\"a\"", 304)] {
            let request = Request::get("/")
                .header("if-none-match", tag)
                .header("if-modified-since", DATE);
            assert_eq!(hit(&stack, &request).status, status, "{tag}");
            assert_eq!(stack.send_past_nginx(&request).status, status, "{tag}");
        }
    });
}

#[test]
fn nginx_answers_with_the_part_that_is_asked_for() {
    let stack = site(Way::Srcache, &[("content-type", "text/html")], "0123456789");
    let etag = stack.get("/").header("etag").unwrap().to_owned();
    for (range, part) in [
        ("bytes=2-4", "234"),
        ("bytes=7-", "789"),
        ("bytes=-3", "789"),
    ] {
        let part_of = Request::get("/").header("range", range);
        let answer = hit(&stack, &part_of);
        assert_eq!((answer.status, answer.text()), (206, part), "{range}");
        assert_eq!(answer.header("x-srcache-allow-ranges"), None);
        let same = hit(&stack, &part_of.header("if-range", &etag));
        assert_eq!((same.status, same.text()), (206, part), "{range}");
    }
    let beyond = Request::get("/").header("range", "bytes=10-");
    assert_eq!(stack.send(&beyond).status, 416);
    let other = Request::get("/")
        .header("range", "bytes=2-4")
        .header("if-range", "\"other\"");
    let whole = hit(&stack, &other);
    assert_eq!((whole.status, whole.text()), (200, "0123456789"));
    assert_eq!(whole.header("x-srcache-allow-ranges"), None);
    assert_eq!(stack.ask("/").header("x-srcache-allow-ranges"), None);
    assert_eq!(stack.script.renders(), 1);
}

#[test]
fn no_part_of_a_packed_page_is_sent() {
    by_each(|way| {
        let stack = Stack::setup()
            .way(way)
            .cache(|builder| builder.gzip(true))
            .start(Script::new(|_| ok().body("a".repeat(5_000))));
        let _ = stack.get("/");
        assert!(stack.item("/").unwrap().bytes.len() < 1_000);
        let part = Request::get("/").header("range", "bytes=2-4");
        let unpacked = hit(&stack, &part);
        assert_eq!((unpacked.status, unpacked.body.len()), (200, 5_000));
        let packed = hit(&stack, &part.header("accept-encoding", "gzip"));
        assert_eq!((packed.status, body(&packed).len()), (200, 5_000));
    });
}

#[test]
fn a_head_request_gets_the_head_of_the_page() {
    by_each(|way| {
        let stack = site(way, &[("content-type", "text/css"), ("x-a", "1")], "a { }");
        let _ = stack.get("/");
        let head = hit(&stack, &Request::new("HEAD", "/"));
        assert_eq!((head.status, head.body.len()), (200, 0));
        for (name, value) in [
            ("content-type", "text/css"),
            ("x-a", "1"),
            ("content-length", "5"),
        ] {
            assert_eq!(head.header(name), Some(value), "{name}");
        }
    });
}

#[test]
fn a_hit_grants_no_more_than_is_left() {
    by_each(|way| {
        let fields = &[
            ("content-type", "text/html"),
            ("cache-control", "max-age=30, immutable"),
        ];
        let stack = site(way, fields, "page");
        let miss = stack.get("/");
        assert_eq!(miss.header("cache-control"), Some("max-age=30, immutable"));
        let hit = hit(&stack, &Request::get("/"));
        assert_eq!(hit.header("cache-control"), Some("immutable"));
        let date = |name| httpdate::parse_http_date(hit.header(name).unwrap()).unwrap();
        let left = date("expires").duration_since(date("date")).unwrap();
        assert!(left.as_secs() <= 30, "{left:?}");
    });
}

#[test]
fn declared_headers_are_on_hits_once() {
    by_each(|way| {
        let stack = setup(way)
            .cache(|builder| builder.header("X-Frame-Options", "DENY"))
            .start(Script::new(|render| match render.target() {
                "/own" => ok().insert_header(("x-frame-options", "DENY")).body("own"),
                _ => ok().body("plain"),
            }));
        for target in ["/own", "/plain"] {
            let _ = stack.get(target);
            let hit = hit(&stack, &Request::get(target));
            assert!(hit.all("x-frame-options").eq(["DENY"]), "{target}");
        }
    });
}

#[test]
fn packed_pages_reach_every_client() {
    by_each(|way| {
        let stack = Stack::setup()
            .way(way)
            .cache(|builder| builder.gzip(true))
            .start(Script::new(|_| {
                ok().insert_header(("etag", "\"g\""))
                    .body("a".repeat(5_000))
            }));
        let _ = stack.get("/");
        let item = stack.item("/").unwrap();
        assert!(item.bytes.len() < 1_000);
        let packed = hit(&stack, &Request::get("/").header("accept-encoding", "gzip"));
        assert_eq!(packed.header("content-encoding"), Some("gzip"));
        assert_eq!(packed.header("etag"), Some("W/\"g\""));
        assert!(packed.all("vary").any(|line| line == "Accept-Encoding"));
        let plain = hit(&stack, &Request::get("/"));
        assert_eq!(plain.header("content-encoding"), None);
        assert_eq!(plain.text(), "a".repeat(5_000));
        let own = stack.ask("/");
        assert_eq!(
            (cache_status(&own).as_str(), own.text()),
            ("djanginxed; hit", plain.text())
        );
        let known = Request::get("/").header("if-none-match", "\"g\"");
        assert_eq!(hit(&stack, &known).status, 304);
    });
}

#[test]
fn a_streamed_page_is_stored_whole() {
    by_each(|way| {
        let stack = setup(way).start(Script::new(|_| {
            let chunks = ["<p>", "page", "</p>"].map(|chunk| Ok(web::Bytes::from(chunk)));
            ok().streaming::<_, actix_web::Error>(futures_util::stream::iter(chunks))
        }));
        assert_eq!(stack.get("/").text(), "<p>page</p>");
        assert_eq!(hit(&stack, &Request::get("/")).text(), "<p>page</p>");
    });
}

#[test]
fn a_whole_response_of_memory_is_the_same() {
    by_each(|way| {
        let stack = setup(way);
        let stack = stack.start(Script::new(|_| {
            ok().insert_header(("content-security-policy", "default-src 'self'"))
                .body("page")
        }));
        let _ = stack.ask("/");
        let hit = stack.ask("/");
        assert_eq!(cache_status(&hit), "djanginxed; hit");
        assert_eq!(
            hit.header("content-security-policy"),
            Some("default-src 'self'")
        );
    });
}

#[test]
fn what_is_no_whole_response_is_a_miss_on_both_sides() {
    by_each(|way| {
        let stack = setup(way).start(Script::html());
        let key = PageKey::new(PREFIX, "/a").to_string();
        for (flags, bytes) in [
            (4, &b""[..]),
            (4, b"<h1>a body</h1>"),
            (4, b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n"),
            (0, b"<h1>a body</h1>"),
        ] {
            stack.memcached.set(&key, flags, 60, bytes);
            let renders = stack.script.renders();
            let answer = Request::get("/a").send(stack.nginx.port());
            assert_eq!(answer.status, 200, "{bytes:?}");
            assert_eq!(stack.script.renders(), renders + 1, "{bytes:?}");
            stack.settle();
        }
    });
}

#[test]
fn memcached_out_of_reach_is_a_miss() {
    by_each(|way| {
        let mut stack = setup(way).start(Script::html());
        let _ = stack.get("/");
        stack.memcached.kill();
        let answer = Request::get("/").send(stack.nginx.port());
        assert_eq!((answer.status, stack.script.renders()), (200, 2));
    });
}

#[test]
fn the_page_of_a_target_goes_with_a_successful_unsafe_request_to_it() {
    for layout in [Layout::Body, Layout::Response] {
        let stack =
            Stack::setup()
                .layout(layout)
                .start(Script::new(|render| match render.target() {
                    "/fails" if render.request.method() == "POST" => {
                        HttpResponse::BadRequest().finish()
                    }
                    _ => render.html(),
                }));
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            let _ = stack.get("/a");
            assert!(stack.item("/a").is_some());
            let _ = stack.send(&Request::new(method, "/a").body("x"));
            assert!(stack.item("/a").is_none(), "{method}");
        }
        let _ = stack.get("/fails");
        let _ = stack.send(&Request::new("POST", "/fails").body("x"));
        let _ = stack.send(&Request::new("OPTIONS", "/fails"));
        assert!(stack.item("/fails").is_some());
    }
}

#[test]
fn a_crowd_gets_the_whole_response_of_one_render() {
    by_each(|way| {
        let gate = web::Data::new(crate::stack::Gate::new(0));
        let held = gate.clone();
        let stack = setup(way)
            .routes(move |routes| {
                routes
                    .app_data(held.clone())
                    .route("/gated", web::get().to(gated));
            })
            .start(Script::new(|_| {
                ok().insert_header(("x-own", "1")).body("page")
            }));
        let port = stack.application.port();
        let crowd: Vec<_> = (0..5)
            .map(|_| std::thread::spawn(move || Request::get("/gated").send(port)))
            .collect();
        eventually("the leader renders", || stack.script.renders() == 1);
        std::thread::sleep(std::time::Duration::from_millis(200));
        gate.add_permits(1);
        for answer in crowd {
            let answer = answer.join().unwrap();
            assert_eq!((answer.header("x-own"), answer.text()), (Some("1"), "page"));
        }
        assert_eq!(stack.script.renders(), 1);
    });
}

/// The body as the handler made it.
pub(crate) fn body(answer: &Response) -> Vec<u8> {
    if answer.header("content-encoding") != Some("gzip") {
        return answer.body.clone();
    }
    let mut body = Vec::new();
    flate2::read::GzDecoder::new(&answer.body[..])
        .read_to_end(&mut body)
        .unwrap();
    body
}
