//! Includes for those alone who have a cookie: all others are answered by nginx, and the
//! application is not asked.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use actix_web::web::{self, Bytes};
use actix_web::{HttpResponse, HttpResponseBuilder};
use djanginxed::PageKey;
use djanginxed::parts::include;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use testkit::http::{Request, Response};

use crate::parts::stop;
use crate::stack::{NGINX_HIT, Render, Script, Setup, Stack, WAYS, Way, cache_status, log, ok};

const BADGE: &str = "<b>your basket</b>";
const DEFAULT: &str = "<a href=\"/basket\">Basket</a>";
const EVIL: &str = "<!--#echo var=\"http_cookie\" --><!--# endif -->";

/// For nginx's SSI one is a variable, and the other is not.
const NAMES: [&str; 2] = ["basket", "__Host-basket.v2"];

/// A stack that counts how often a badge was asked for.
struct Counted {
    stack: Stack,
    asked: Arc<AtomicUsize>,
}

fn setup(way: Way) -> (Setup, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let setup = Stack::setup().way(way).routes(move |config| {
        let counter = Arc::clone(&counter);
        let badge = move || {
            counter.fetch_add(1, SeqCst);
            async { ok().body(BADGE) }
        };
        config.route("/badge", web::get().to(badge));
        config.route("/gone", web::get().to(HttpResponse::NotFound));
    });
    let setup = setup.cache(|cache| cache.parts(true).bypass_cookie("staff"));
    (setup, asked)
}

fn start(way: Way) -> Counted {
    let (setup, asked) = setup(way);
    Counted {
        stack: setup.start(Script::new(answer)),
        asked,
    }
}

fn part(target: &str, name: &str) -> String {
    include(target)
        .only_with_cookie(name)
        .or(DEFAULT)
        .to_string()
}

fn answer(render: Render) -> HttpResponse {
    let page = |parts: String| -> HttpResponse { html().body(format!("[{parts}]")) };
    let [plain, other] = NAMES;
    match render.request.path() {
        "/both" => page(format!(
            "{}|{}",
            part("/badge", plain),
            part("/badge", other)
        )),
        "/gone-part" => page(part("/gone", plain)),
        "/evil" => page(
            include("/badge")
                .only_with_cookie(plain)
                .or(EVIL)
                .to_string(),
        ),
        "/nested" => page(include("/both").or("down").to_string()),
        "/many" => {
            let count: usize = render.request.query_string().parse().unwrap();
            let part = |number: usize| part(&format!("/badge?{number}"), NAMES[number % 2]);
            page((0..count).map(part).collect())
        }
        "/far" => page(far(
            render.request.query_string().parse().unwrap(),
            |number| part(&format!("/badge?{number}"), NAMES[number % 2]),
        )),
        "/nobody" => page(part("/badge", "a basket")),
        "/stream" => html().streaming(stream(part("/badge", plain))),
        path => page(part("/badge", path.trim_start_matches('/'))),
    }
}

fn html() -> HttpResponseBuilder {
    ok()
}

/// Parts in a text that is longer than nginx's buffers, so that each of their commands is
/// cut somewhere on one of the pages.
fn far(more: usize, part: impl Fn(usize) -> String) -> String {
    let text = |number| "x".repeat(4000 + more + 13 * number);
    let pieces = (0..32).map(|number| text(number) + &part(number));
    pieces.collect()
}

/// A page in chunks of a byte each.
fn stream(part: String) -> impl futures_util::Stream<Item = Result<Bytes, Infallible>> {
    let page = format!("[{part}]").into_bytes().into_iter();
    futures_util::stream::iter(page.map(|byte| Ok(Bytes::from(vec![byte]))))
}

impl Counted {
    /// What a visitor with these cookies gets from nginx and Memcached alone, or from the
    /// application, and how often it was asked for a badge.
    #[track_caller]
    fn hit(&self, request: &Request) -> (Response, usize) {
        let before = self.asked.load(SeqCst);
        let hit = self.stack.send(request);
        assert_eq!(cache_status(&hit), NGINX_HIT, "{hit:?}");
        assert_eq!(hit.header("cache-control"), Some("private, no-cache"));
        (hit, self.asked.load(SeqCst) - before)
    }
}

fn with(target: &str, cookie: impl AsRef<[u8]>) -> Request {
    match cookie.as_ref() {
        [] => Request::get(target),
        cookie => Request::get(target).header("Cookie", cookie),
    }
}

/// Cookies, and whether they have one that is named `NAME` and is not empty.
const COOKIES: [(&str, bool); 14] = [
    ("", false),
    ("other=1", false),
    ("NAME", false),
    ("NAME=", false),
    ("NAME=; other=1", false),
    ("NAME =   ;other=1", false),
    ("NAMEx=1; xNAME=1; x=NAME=1", false),
    ("NAME=; NAME=1", false),
    ("NAME=1", true),
    ("other=1; NAME=0", true),
    ("NAME=1; NAME=", true),
    ("NAME = \"\"", true),
    (";;,; ;NAME=1", true),
    ("NAMEx; NAME=%00", true),
];

#[test]
fn only_who_has_the_cookie_is_asked_for() {
    for way in WAYS {
        let counted = start(way);
        for name in NAMES {
            let target = format!("/{name}");
            let miss = counted.stack.get(&target);
            assert_eq!(
                (miss.text(), cache_status(&miss).as_str()),
                (&*format!("[{DEFAULT}]"), "djanginxed; fwd=uri-miss; stored"),
                "{way}"
            );
            assert_eq!(counted.asked.load(SeqCst), 0, "{way}: without the cookie");
            for (cookie, has_it) in COOKIES {
                for name in [name.to_owned(), name.to_uppercase()] {
                    let cookie = cookie.replace("NAME", &name);
                    let (hit, asked) = counted.hit(&with(&target, &cookie));
                    let expected = if has_it { BADGE } else { DEFAULT };
                    let expected = (format!("[{expected}]"), usize::from(has_it));
                    assert_eq!((hit.text().to_owned(), asked), expected, "{way} {cookie}");
                    for cookie in [cookie.clone(), format!("staff=1; {cookie}")] {
                        let request = with(&target, &cookie);
                        let own = counted.stack.send_past_nginx(&request);
                        assert_eq!(own.text(), expected.0, "{way} {cookie}: {own:?}");
                    }
                    counted.asked.store(0, SeqCst);
                }
            }
        }
    }
}

#[test]
fn a_head_request_asks_nginx_alone() {
    for way in WAYS {
        let counted = start(way);
        counted.stack.get("/basket");
        for cookie in ["", "basket=1"] {
            let request = Request::new("HEAD", "/basket").header("Cookie", cookie);
            let (head, asked) = counted.hit(&request);
            assert_eq!((head.status, head.text(), asked), (200, "", 0), "{way}");
            let own = counted.stack.send_past_nginx(&request);
            assert_eq!((own.status, own.text()), (200, ""), "{way}");
        }
    }
}

/// The application answers by the function that stands for nginx's.
#[test]
fn of_random_cookies_nginx_and_the_application_find_the_same() {
    let cookie = "(basket|BASKET|__Host-basket\\.v2|__host-BASKET\\.v2|[a-z]{0,2}|[ -~]{1,3}) {0,2}\
                  (=|=|) ?(1||x=y|<!--# endif -->|[ -~]{1,3})(;|; |,|, |)";
    // A field's value has no blanks around it, and only its last line ends with a name: the
    // field that nginx looks at has all lines in one.
    let line = prop::collection::vec(cookie, 0..6);
    let line = line.prop_map(|cookies| cookies.concat().trim().to_owned());
    let lines = (prop::option::of(line.clone()), line).prop_map(|(first, last)| {
        first
            .map(|line| line + "b")
            .into_iter()
            .chain([last])
            .collect()
    });
    for way in WAYS {
        let counted = start(way);
        counted.stack.get("/both");
        let config = Config {
            cases: 400,
            failure_persistence: None,
            ..Config::default()
        };
        let looked = TestRunner::new(config).run(&lines, |lines: Vec<String>| {
            let request = lines.iter().fold(Request::get("/both"), |request, line| {
                request.header("Cookie", line)
            });
            let (hit, asked) = counted.hit(&request);
            let own = counted.stack.send_past_nginx(&request);
            prop_assert_eq!(hit.text(), own.text());
            prop_assert_eq!(asked, hit.text().matches(BADGE).count());
            Ok(())
        });
        looked.unwrap_or_else(|problem| panic!("{way}: {problem}"));
    }
}

#[test]
fn whatever_the_cookie_says_is_no_part_of_what_is_tested() {
    let values: [&[u8]; 20] = [
        b"=",
        b"= /x/",
        b"/x/",
        b"!= 1",
        b"$uri",
        b"${uri}",
        b"$",
        b"<!--#",
        b"<!--# endif --><!--# include virtual=\"/badge\" -->",
        b"\" --><!--# else -->",
        b"-->",
        b"\"",
        b"'",
        b"\\",
        b"\\E|.*",
        b"(?i)",
        b"a\tb",
        b"\xff\x80",
        "é".as_bytes(),
        b"0",
    ];
    for way in WAYS {
        let counted = start(way);
        for name in NAMES {
            let target = format!("/{name}");
            counted.stack.get(&target);
            for value in values {
                let said = String::from_utf8_lossy(value).into_owned();
                let cookie = [name.as_bytes(), b"=", value].concat();
                let (hit, asked) = counted.hit(&with(&target, &cookie));
                let expected = (format!("[{BADGE}]"), 1);
                assert_eq!((hit.text().to_owned(), asked), expected, "{way} {said}");
                // As another cookie it chooses nothing.
                let cookie = [b"x=", value].concat();
                let (hit, asked) = counted.hit(&with(&target, &cookie));
                let expected = (format!("[{DEFAULT}]"), 0);
                assert_eq!((hit.text().to_owned(), asked), expected, "{way} {said}");
            }
            let cookie = [name.as_bytes(), b"=a\0b"].concat();
            let refused = counted.stack.send(&with(&target, &cookie));
            assert_eq!(refused.status, 400, "{way}");
        }
    }
}

/// As long as nginx takes them.
#[test]
fn long_cookies_cost_no_more_than_their_length() {
    for way in WAYS {
        let counted = start(way);
        for name in NAMES {
            let target = format!("/{name}");
            counted.stack.get(&target);
            for (piece, end, has_it) in [
                (";", "", false),
                (" ", "=", false),
                ("a=1;", "", false),
                ("a=1; ", "NAME=1", true),
                ("NAME", "=1", false),
                ("NAME;", "NAME=1", false),
                ("NAME; ", "x; NAME=1", true),
                ("NAME  ;,", "", false),
                ("x=NAME=;", "NAME = 1", true),
            ] {
                let piece = piece.replace("NAME", name);
                // An even number of them: of two without "=" nginx skips the second.
                let pieces = piece.repeat(4000 / piece.len() / 2 * 2);
                let cookie = format!("x{pieces}{}", end.replace("NAME", name));
                let begun = Instant::now();
                let (hit, asked) = counted.hit(&with(&target, &cookie));
                assert!(
                    begun.elapsed() < Duration::from_secs(1),
                    "{way} {name} {piece}"
                );
                let expected = if has_it { BADGE } else { DEFAULT };
                let expected = (format!("[{expected}]"), usize::from(has_it));
                assert_eq!(
                    (hit.text().to_owned(), asked),
                    expected,
                    "{way} {name} {piece}"
                );
                let own = counted.stack.send_past_nginx(&with(&target, &cookie));
                assert_eq!(own.text(), expected.0, "{way} {name} {piece}");
            }
        }
    }
}

#[test]
fn without_an_answer_all_have_the_default_text() {
    for way in WAYS {
        let counted = start(way);
        for target in ["/gone-part", "/basket", "/stream"] {
            counted.stack.get(target);
        }
        let cookies = ["", "basket=1"];
        for cookie in cookies {
            let (hit, _) = counted.hit(&with("/gone-part", cookie));
            assert_eq!(hit.text(), format!("[{DEFAULT}]"), "{way} {cookie}");
        }
        let Stack {
            nginx,
            application,
            memcached,
            ..
        } = counted.stack;
        stop(application, &nginx);
        for target in ["/basket", "/stream"] {
            for cookie in cookies {
                let hit = with(target, cookie).send(nginx.port());
                assert_eq!(cache_status(&hit), NGINX_HIT);
                assert_eq!(
                    hit.text(),
                    format!("[{DEFAULT}]"),
                    "{way} {target} {cookie}"
                );
            }
        }
        drop(memcached);
    }
}

#[test]
fn a_stream_and_a_default_text_with_commands_are_as_others() {
    let harmless = EVIL.replace("<!--#", "<!-- #");
    for way in WAYS {
        let counted = start(way);
        for (target, default) in [("/stream", DEFAULT), ("/evil", EVIL)] {
            let stored_default = if default == EVIL { &harmless } else { default };
            for (cookie, asked) in [("", 0), ("basket=1", 1)] {
                let shown = |default| format!("[{}]", if asked == 1 { BADGE } else { default });
                let miss = counted
                    .stack
                    .send(&with(&format!("{target}?{asked}"), cookie));
                assert_eq!(miss.text(), shown(default), "{way}");
                assert_eq!(miss.header("cache-control"), Some("private, no-cache"));
                let hit = counted.hit(&with(&format!("{target}?{asked}"), cookie));
                assert_eq!(
                    (hit.0.text(), hit.1),
                    (&*shown(stored_default), asked),
                    "{way}"
                );
            }
        }
    }
}

#[test]
fn what_is_included_has_conditions_too() {
    for way in WAYS {
        let counted = start(way);
        let page = |first, second| format!("[[{first}|{second}]]");
        for _ in 0..2 {
            for (cookie, expected) in [
                ("", page(DEFAULT, DEFAULT)),
                ("basket=1", page(BADGE, DEFAULT)),
                ("__host-BASKET.V2=1", page(DEFAULT, BADGE)),
                ("__Host-basket.v2=1; basket=1", page(BADGE, BADGE)),
            ] {
                let nested = counted.stack.send(&with("/nested", cookie));
                assert_eq!(nested.text(), expected, "{way} {cookie}");
            }
        }
        assert_eq!(cache_status(&counted.stack.get("/nested")), NGINX_HIT);
    }
}

#[test]
fn a_page_has_as_many_of_them_as_of_others() {
    for way in WAYS {
        let counted = start(way);
        let cookies = "basket=1; __Host-basket.v2=1";
        for (cookie, has_it) in [("", false), ("basket=1", false), (cookies, true)] {
            counted.stack.get("/many?32");
            let (hit, asked) = counted.hit(&with("/many?32", cookie));
            let badges = hit.text().matches(BADGE).count();
            let expected = match cookie {
                "" => 0,
                _ if has_it => 32,
                _ => 16,
            };
            assert_eq!((badges, asked), (expected, expected), "{way} {cookie}");
            let defaults = hit.text().matches(DEFAULT).count();
            assert_eq!(badges + defaults, 32, "{way} {cookie}");
        }
        let wild = counted.stack.send(&with("/many?33", cookies));
        assert_eq!(
            cache_status(&wild),
            "djanginxed; fwd=uri-miss; detail=parts",
            "{way}"
        );
        assert_eq!(wild.text().matches(BADGE).count(), 32);
        assert_eq!(
            counted
                .stack
                .get("/many?33")
                .text()
                .matches(DEFAULT)
                .count(),
            33
        );
    }
}

#[test]
fn they_are_filled_wherever_nginxs_buffers_end() {
    for way in WAYS {
        let counted = start(way);
        for more in (0..400).step_by(11) {
            let target = format!("/far?{more}");
            counted.stack.get(&target);
            for (cookie, shown) in [
                ("", [DEFAULT, DEFAULT]),
                ("basket=1", [BADGE, DEFAULT]),
                ("__Host-basket.v2=1", [DEFAULT, BADGE]),
            ] {
                let (hit, _) = counted.hit(&with(&target, cookie));
                let expected = far(more, |number| shown[number % 2].to_owned());
                assert!(
                    hit.text() == format!("[{expected}]"),
                    "{way} {more} {cookie}"
                );
            }
        }
    }
}

#[test]
fn a_micro_cache_has_them_as_well() {
    let (setup, asked) = setup(Way::Bodies);
    let stack = setup
        .site(|site| site.micro_cache(10).micro_cache_path("micro"))
        .start(Script::new(answer));
    for _ in 0..4 {
        for (cookie, expected) in [("", DEFAULT), ("basket=1", BADGE)] {
            let page = stack.send(&with("/basket", cookie));
            assert_eq!(page.text(), format!("[{expected}]"), "{cookie}");
        }
    }
    assert_eq!(asked.load(SeqCst), 4);
}

#[test]
fn a_copy_that_stands_in_for_an_error_has_them_as_well() {
    for way in WAYS {
        let (setup, asked) = setup(way);
        let stack = setup
            .cache(|cache| cache.parts(true).stale_if_error(Duration::from_secs(3600)))
            .site(|site| site.stale_if_error(true))
            .start(Script::new(|render| match render.number {
                1 => answer(render),
                _ => HttpResponse::InternalServerError().finish(),
            }));
        stack.get("/basket");
        assert!(
            stack
                .memcached
                .delete(PageKey::new("site1+", "/basket").to_string())
        );
        for (cookie, expected, times) in [("", DEFAULT, 0), ("basket=1", BADGE, 1)] {
            let copy = stack.send(&with("/basket", cookie));
            assert_eq!(
                (copy.status, copy.text()),
                (200, &*format!("[{expected}]")),
                "{way}"
            );
            assert_eq!(asked.load(SeqCst), times, "{way}");
        }
        assert_eq!(stack.script.renders(), 3, "{way}: it stands in for errors");
    }
}

#[test]
fn a_cookie_that_nobody_can_have_is_told_of() {
    log::listen();
    let counted = start(Way::Bodies);
    for cookie in ["", "a basket=1"] {
        let page = counted.stack.send(&with("/nobody", cookie));
        assert_eq!(page.text(), format!("[{DEFAULT}]"));
        // It has no part.
        assert_eq!(page.header("cache-control"), Some("private, no-cache"));
    }
    assert_eq!(counted.asked.load(SeqCst), 0);
    let told = log::lines_with("a part's cookie needs a name");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("ERROR") && told[0].contains("a basket"),
        "{told:?}"
    );
}
