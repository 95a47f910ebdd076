//! One page in a few variants: nginx and the application take the same one for the same
//! request.

use actix_web::{HttpRequest, HttpResponse, web};
use djanginxed::{Layout, PageCache, PageKey, Variant, Vary, cache_page};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use testkit::http::{Connection, Request};

use crate::stack::{NGINX_HIT, Script, Setup, Stack, cache_status, ok, wait};

const NAMES: [&str; 4] = ["language", "currency", "X-Region", "mobile"];

fn shown(variant: &Variant) -> String {
    NAMES
        .iter()
        .filter_map(|name| variant.get(name))
        .map(|value| format!("~{value}"))
        .collect()
}

/// A page that says its variant.
#[cache_page(60)]
async fn varied(variant: Variant) -> HttpResponse {
    ok().insert_header(("Vary", "user-agent, accept-language"))
        .body(shown(&variant))
}

#[cache_page(60, key_prefix = "api", content_type = "application/json")]
async fn varied_api(variant: Variant) -> HttpResponse {
    HttpResponse::Ok().json(shown(&variant))
}

/// A handler that is not cached.
async fn plain(variant: Variant) -> HttpResponse {
    ok().body(shown(&variant))
}

fn setup() -> Setup {
    let setup = Stack::setup().cache(|pages| {
        pages
            .vary(Vary::language(["en", "de", "pt-BR"]))
            .vary(Vary::cookie("currency", ["eur", "usd", "U.S-d_9"]))
            .vary(Vary::header("X-Region", ["eu", "us"]))
            .vary(Vary::mobile())
    });
    let setup = setup.site(|site| site.page("/api/", "api", "application/json"));
    setup.routes(|config| {
        config
            .route("/varied", web::get().to(varied))
            .route("/varied", web::post().to(varied))
            .route("/api/varied", web::get().to(varied_api))
            .route("/plain", web::get().to(plain));
    })
}

fn bytes(words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    vec(select(words), 0..6).prop_map(|words| words.concat().into_bytes())
}

/// Fields that are right, that nearly are, and that are not, in one line or in several.
fn lines() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    const LANGUAGES: &[&str] = &[
        "de", "DE-at", "en", "en-US", "pt", "pt-PT", "fr", "*", ",", ", ", ",\t", ";q=0.9",
        ";q=0.85", ";Q=0.5", "; q=0.05", ";q=0", ";q=1", ";q=1.000", ";q=0.001", ";q=2", ";q=",
        ";q=0.8 ", " ", "-", "_", ";level=1", "\u{e9}", "x",
    ];
    const USUAL: &[&str] = &[
        "de-AT,de;q=0.9,en;q=0.8",
        "fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5",
        "en;q=0.3, pt;q=0.4",
    ];
    const COOKIES: &[&str] = &[
        "currency=usd",
        "currency=eur",
        "currency=U.S-d_9",
        "currency=UxS-d_9",
        "currency",
        "Currency=usd",
        "=",
        "; ",
        ";",
        "usd",
        "\"",
        "%75",
        " ",
        "\t",
        ",",
        "a=b",
        "x",
        "\u{e9}",
    ];
    const REGIONS: &[&str] = &["us", "eu", "US", " ", "\t", "x", ",", "\""];
    const HINTS: &[&str] = &["?1", "?0", "?2", " ", "1", ",", "\t"];
    const AGENTS: &[&str] = &["Mozilla/5.0 ", "Mobile", "mobi", "Mob", "i", "?1"];
    let line = |name, value: BoxedStrategy<Vec<u8>>| value.prop_map(move |value| (name, value));
    let usual = select(USUAL).prop_map(|text| text.as_bytes().to_vec());
    let language = prop_oneof![3 => bytes(LANGUAGES), 1 => usual].boxed();
    let one =
        |words: &'static [&'static str]| select(words).prop_map(|word| word.as_bytes().to_vec());
    let cookies = prop_oneof![1 => bytes(COOKIES), 1 => one(COOKIES)].boxed();
    let regions = prop_oneof![1 => bytes(REGIONS), 1 => one(REGIONS)].boxed();
    let any = prop_oneof![
        4 => line("Accept-Language", language),
        4 => line("Cookie", cookies),
        2 => line("X-Region", regions),
        1 => line("Sec-CH-UA-Mobile", bytes(HINTS).boxed()),
        2 => line("User-Agent", bytes(AGENTS).boxed()),
    ];
    vec(any, 0..6)
}

fn with_lines(target: &str, lines: &[(&'static str, Vec<u8>)]) -> Request {
    let own = Request::get(target);
    (lines.iter()).fold(own, |request, (name, value)| request.header(name, value))
}

/// Sends requests in turns through nginx: what the handler says that it rendered must be
/// stored under the very key that nginx then finds it by.
fn alike(layout: Layout, requests: usize) {
    let stack = setup().layout(layout).start(Script::html());
    let mut runner = TestRunner::default();
    let mut seen = std::collections::BTreeSet::new();
    let mut connection = Connection::open(stack.nginx.port()).unwrap();
    let mut ask = |request: &Request| {
        connection.send(request).unwrap();
        let response = connection.receive().unwrap();
        if response.header("connection") == Some("close") {
            connection = Connection::open(stack.nginx.port()).unwrap();
        }
        response
    };
    for _ in 0..requests {
        let lines = lines().new_tree(&mut runner).unwrap().current();
        let told = ask(&with_lines("/plain", &lines));
        assert_eq!(told.status, 200, "{lines:?}");
        let answer = ask(&with_lines("/varied", &lines));
        assert_eq!(answer.text(), told.text(), "{lines:?}");
        if cache_status(&answer) != NGINX_HIT {
            // Never rendered before: else nginx looked elsewhere than it was stored.
            assert!(seen.insert(told.text().to_owned()), "{lines:?} {told:?}");
            stack.settle();
            let again = ask(&with_lines("/varied", &lines));
            assert_eq!(cache_status(&again), NGINX_HIT, "{lines:?}");
            assert_eq!(again.text(), told.text(), "{lines:?}");
        }
    }
    assert!(seen.len() > 10, "{seen:?}");
}

/// How many requests are made up; a longer run is asked for by the environment.
pub(crate) fn requests() -> usize {
    let more = std::env::var("DJANGINXED_TEST_REQUESTS").ok();
    more.and_then(|number| number.parse().ok()).unwrap_or(400)
}

#[test]
fn nginx_finds_each_random_request_the_variant_that_its_handler_was_told() {
    alike(Layout::Body, requests());
}

#[test]
fn srcache_finds_each_random_request_the_variant_that_its_handler_was_told() {
    alike(Layout::Response, requests());
}

#[test]
fn a_page_is_stored_under_prefix_variant_type_and_target() {
    let stack = setup().start(Script::html());
    let german = |target| Request::get(target).header("Accept-Language", "de-AT,en;q=0.5");
    let _ = stack.send(&german("/varied"));
    let _ = stack.send(&german("/api/varied"));
    let variant = "~de~eur~eu~desktop";
    let key = PageKey::new(&format!("site1{variant}"), "/varied");
    let stored = stack.memcached.get(key.to_string()).unwrap();
    assert_eq!(stored.bytes, variant.as_bytes());
    let key = PageKey::new(&format!("api{variant}=application/json"), "/api/varied");
    assert!(stack.memcached.get(key.to_string()).is_some());
    assert_eq!(cache_status(&stack.send(&german("/api/varied"))), NGINX_HIT);
}

#[test]
fn vary_names_the_fields_of_the_rules_on_every_answer() {
    for layout in [Layout::Body, Layout::Response] {
        let stack = setup().layout(layout).start(Script::html());
        let miss = stack.get("/varied");
        assert!(cache_status(&miss).contains("stored"), "{miss:?}");
        let hit = stack.get("/varied");
        assert_eq!(cache_status(&hit), NGINX_HIT);
        let own = stack.ask("/varied");
        assert_eq!(cache_status(&own), "djanginxed; hit");
        for answer in [miss, hit, own] {
            let said = answer.all("vary").collect::<Vec<_>>().join(", ");
            let names: Vec<String> = said.split(", ").map(str::to_ascii_lowercase).collect();
            for field in [
                "accept-language",
                "cookie",
                "x-region",
                "sec-ch-ua-mobile",
                "user-agent",
            ] {
                let count = names.iter().filter(|name| *name == field).count();
                assert_eq!(count, 1, "{field}: {answer:?}");
            }
        }
    }
}

#[test]
fn a_response_that_varies_by_more_than_the_rules_is_not_stored() {
    let stack = setup().start(Script::new(|render| {
        let mut response = render.html();
        let field = render.header("x-vary").parse().unwrap();
        response
            .headers_mut()
            .insert("vary".parse().unwrap(), field);
        response
    }));
    let ask = |field: &str| {
        let target = format!("/{}", field.len());
        cache_status(&stack.send(&Request::get(target).header("X-Vary", field)))
    };
    assert!(ask("Accept-Language, X-REGION, Accept-Encoding").contains("stored"));
    assert!(ask("Accept-Language, Origin").contains("detail=vary"));
    assert!(ask("*").contains("detail=vary"));
    assert!(ask("Cookie").contains("detail=vary"));
}

/// Greets by a cookie that no rule looks at, and says so.
#[cache_page(60)]
async fn greeting(request: HttpRequest) -> HttpResponse {
    let user = request.cookie("user");
    let user = user.as_ref().map_or("stranger", |user| user.value());
    ok().insert_header(("Vary", "Cookie")).body(user.to_owned())
}

#[test]
fn a_page_that_depends_on_another_cookie_than_those_of_the_rules_reaches_nobody_else() {
    for layout in [Layout::Body, Layout::Response] {
        let secret = "0123456789abcdef0123456789abcdef";
        let rules = [
            Vary::cookie("currency", ["eur", "usd"]),
            Vary::group("group", ["member"], secret),
        ];
        let setup = Stack::setup().cache(move |pages| {
            rules
                .into_iter()
                .fold(pages, |pages, rule| pages.vary(rule))
        });
        let setup = setup.routes(|config| {
            config.route("/hello", web::get().to(greeting));
        });
        let stack = setup.layout(layout).start(Script::html());
        for user in ["ann", "bob", "ann"] {
            let cookies = format!("currency=usd; user={user}");
            let answer = stack.send(&Request::get("/hello").header("Cookie", cookies));
            assert_eq!(answer.text(), user);
            assert!(cache_status(&answer).contains("detail=vary"), "{answer:?}");
            stack.settle();
        }
        assert_eq!(stack.get("/hello").text(), "stranger");
    }
}

fn ask_in_german_and_english(stack: &Stack) -> [bool; 2] {
    ["de", "en"].map(|language| {
        let request = Request::get("/varied").header("Accept-Language", language);
        cache_status(&stack.send(&request)) == NGINX_HIT
    })
}

#[test]
fn a_change_of_the_target_deletes_every_variant() {
    for layout in [Layout::Body, Layout::Response] {
        let stack = setup().layout(layout).start(Script::html());
        let _ = ask_in_german_and_english(&stack);
        assert_eq!(ask_in_german_and_english(&stack), [true, true]);
        let post = Request::new("POST", "/varied").header("Content-Length", "0");
        assert_eq!(stack.send(&post).status, 200);
        assert_eq!(ask_in_german_and_english(&stack), [false, false]);
    }
}

#[test]
fn the_keys_of_a_target_reach_every_variant() {
    let stack = setup().start(Script::html());
    let _ = ask_in_german_and_english(&stack);
    let keys = stack.pages.keys("/varied");
    assert_eq!(keys.len(), 3 * 3 * 2 * 2);
    let delete = |key| wait(stack.pages.delete(key)).unwrap();
    assert_eq!(keys.iter().filter(|key| delete(key)).count(), 2);
    assert_eq!(ask_in_german_and_english(&stack), [false, false]);
}

#[test]
fn a_middlewares_pages_vary_as_those_of_the_attribute() {
    let pages = PageCache::builder().vary(Vary::language(["en", "de"]));
    let pages = djanginxed::test::Pages::build(pages).unwrap();
    wait(async move {
        use actix_web::test::{TestRequest, init_service};
        let route = web::get().to(plain);
        // No app_data: the extractor finds the cache of the middleware.
        let app = actix_web::App::new()
            .route("/", route)
            .wrap(pages.cache().cache(60));
        let app = init_service(app).await;
        let ask = |language| {
            let header = ("Accept-Language", language);
            pages.send(&app, TestRequest::get().uri("/").insert_header(header))
        };
        for language in ["de", "en"] {
            let answer = ask(language).await;
            answer.assert_stored();
            assert_eq!(answer.text(), format!("~{language}"));
            ask(language).await.assert_hit();
        }
    });
}

/// As one for sessions or against forged forms may do by itself.
#[test]
fn a_middleware_inside_that_says_cookie_keeps_its_pages_from_being_stored() {
    let pages = PageCache::builder().vary(Vary::cookie("currency", ["eur", "usd"]));
    let pages = djanginxed::test::Pages::build(pages).unwrap();
    wait(async move {
        use actix_web::middleware::DefaultHeaders;
        use actix_web::test::init_service;
        let app = actix_web::App::new()
            .route("/", web::get().to(plain))
            .wrap(DefaultHeaders::new().add(("Vary", "Cookie")))
            .wrap(pages.cache().cache(60));
        let app = init_service(app).await;
        for _ in 0..2 {
            pages.get(&app, "/").await.assert_skipped("vary");
        }
    });
}
