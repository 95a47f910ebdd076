//! Purging by tag, by target, and everything, in both stores.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use actix_web::rt::System;
use actix_web::test as probe;
use actix_web::web::{Html, ServiceConfig};
use actix_web::{App, HttpRequest, HttpResponse, Responder, get, web};
use djanginxed::test::Pages;
use djanginxed::{
    CachedPage, PageCache, PageKey, Purge, StoreError, Variant, Vary, cache_page, purges,
};
use testkit::{Memcached, free_port};

use crate::stack::{cache, ok};

/// How often anything was rendered.
#[derive(Default)]
struct Renders(AtomicUsize);

fn rendered(renders: &Renders, what: &str) -> Html {
    let number = renders.0.fetch_add(1, Ordering::SeqCst) + 1;
    Html::new(format!("{what}, render {number}"))
}

#[get("/articles/{id}")]
#[cache_page(600, tags = [ARTICLES.0, "article:{id}"])]
async fn article(renders: web::Data<Renders>, id: web::Path<String>) -> impl Responder {
    rendered(&renders, &id)
}

const ARTICLES: (&str, u8) = ("articles", 0);

const FRONT: &[&str] = &["front"];

#[cache_page(600, key_prefix = "front", tags = FRONT)]
#[get("/")]
async fn front(renders: web::Data<Renders>) -> impl Responder {
    rendered(&renders, "front")
}

#[get("/plain")]
#[cache_page(600)]
async fn plain(renders: web::Data<Renders>) -> impl Responder {
    rendered(&renders, "plain")
}

#[get("/said/{what}")]
#[cache_page(600)]
async fn said(
    renders: web::Data<Renders>,
    what: web::Path<String>,
    page: CachedPage,
) -> impl Responder {
    match what.as_str() {
        "tagged" => (0..3).for_each(|number| page.tag(format!("author:{number}"))),
        "wrong" => page.tag("two words"),
        "skipped" => page.skip("a draft"),
        "short" => page.max_age(Duration::from_secs(1)),
        "none" => page.max_age(Duration::ZERO),
        _ => {}
    }
    rendered(&renders, &what)
}

#[get("/lost")]
#[cache_page(600, tags = ["lost:{nothing}"])]
async fn lost(renders: web::Data<Renders>) -> impl Responder {
    rendered(&renders, "lost")
}

/// It is not cached at all.
#[get("/uncached")]
async fn uncached(renders: web::Data<Renders>, page: CachedPage) -> impl Responder {
    page.tag("two words");
    page.skip("nothing");
    rendered(&renders, "uncached")
}

#[actix_web::post("/articles/{id}")]
#[purges("article:{id}", FRONT[0])]
async fn save(id: web::Path<String>) -> impl Responder {
    match id.as_str() {
        "bad" => HttpResponse::BadRequest().finish(),
        _ => HttpResponse::SeeOther().finish(),
    }
}

/// The attributes in any order, and an error for a response.
#[purges("articles")]
#[cache_page(60)]
#[actix_web::post("/all")]
async fn change_all() -> Result<&'static str, actix_web::Error> {
    Ok("all")
}

#[actix_web::post("/failing")]
#[cache_page(60)]
#[purges("articles")]
async fn failing() -> actix_web::Result<Html> {
    Err(actix_web::error::ErrorConflict("no"))?
}

struct Desk;

impl Desk {
    const TAG: &'static str = "articles";

    #[purges(Self::TAG)]
    #[allow(clippy::too_many_arguments)]
    async fn many<T: Responder + Default + 'static>(
        _: web::Data<Renders>,
        _: HttpRequest,
        _: HttpRequest,
        _: HttpRequest,
        _: HttpRequest,
        _: HttpRequest,
        _: HttpRequest,
        _: HttpRequest,
        _: HttpRequest,
        _: HttpRequest,
        _: HttpRequest,
        _: HttpRequest,
        _: HttpRequest,
        _: HttpRequest,
        _: HttpRequest,
        _: HttpRequest,
    ) -> T {
        T::default()
    }
}

#[purges("lost:{nothing}", "articles")]
async fn half_lost() -> &'static str {
    "half"
}

fn routes(config: &mut ServiceConfig) {
    config
        .service(article)
        .service(front)
        .service(plain)
        .service(said)
        .service(lost)
        .service(uncached)
        .service(save)
        .service(change_all)
        .service(failing)
        .route("/many", web::post().to(Desk::many::<String>))
        .route("/half", web::post().to(half_lost));
}

/// Answers of a site, one for each target; each is stored before the next is asked for.
fn ask(pages: &PageCache, targets: &[&str]) -> Vec<(String, String)> {
    System::new().block_on(async {
        let renders = web::Data::<Renders>::default();
        let app = App::new()
            .app_data(pages.clone())
            .app_data(renders)
            .configure(routes);
        let app = probe::init_service(app).await;
        let mut answers = Vec::new();
        for target in targets {
            if let Some(purge) = target.strip_prefix("purge ") {
                let purged = pages.purge(purge_of(purge)).await.unwrap();
                assert!(purged.is_complete(), "{purged:?}");
                answers.push((purged.deleted.to_string(), String::new()));
                continue;
            }
            let request = match target.strip_prefix("POST ") {
                Some(target) => probe::TestRequest::post().uri(target),
                None => probe::TestRequest::get().uri(target),
            };
            let response = probe::call_service(&app, request.to_request()).await;
            let status = response.headers().get("cache-status");
            let status = status.map_or("", |status| status.to_str().unwrap());
            let status = status.trim_start_matches("djanginxed; ").to_owned();
            let body = probe::read_body(response).await;
            pages.flush().await;
            answers.push((String::from_utf8(body.to_vec()).unwrap(), status));
        }
        answers
    })
}

fn purge_of(word: &str) -> Purge {
    match word.split_once(' ') {
        Some(("page", target)) => Purge::page(target),
        _ if word == "everything" => Purge::everything().hard(),
        _ => Purge::tags(word.split(' ')),
    }
}

/// What comes of `targets` in a store of each kind.
#[track_caller]
fn both(targets: &[&str], expected: &[&str]) {
    let memcached = Memcached::start().unwrap();
    let stores = [
        PageCache::builder().key_prefix("site1").build().unwrap(),
        cache(&memcached).build().unwrap(),
    ];
    for pages in stores {
        let answers = ask(&pages, targets);
        let answers: Vec<_> = answers
            .iter()
            .map(|(body, status)| format!("{body}; {status}"))
            .collect();
        assert_eq!(answers, expected, "{pages:?}");
    }
}

const STORED: &str = "fwd=uri-miss; stored";

#[test]
fn a_purged_tag_takes_its_pages_and_no_others() {
    both(
        &[
            "/articles/1",
            "/articles/2",
            "/plain",
            "purge article:1",
            "purge article:1",
            "/articles/1",
            "/articles/2",
            "purge articles",
            "/articles/1",
            "/articles/2",
            "/plain",
        ],
        &[
            &format!("1, render 1; {STORED}"),
            &format!("2, render 2; {STORED}"),
            &format!("plain, render 3; {STORED}"),
            "1; ",
            "0; ",
            &format!("1, render 4; {STORED}"),
            "2, render 2; hit",
            "2; ",
            &format!("1, render 5; {STORED}"),
            &format!("2, render 6; {STORED}"),
            "plain, render 3; hit",
        ],
    );
}

#[test]
fn everything_is_all_pages_of_the_cache_and_a_page_is_that_of_its_target() {
    both(
        &[
            "/",
            "/plain",
            "/articles/1",
            "purge page /",
            "/",
            "purge everything",
            "/plain",
            "/",
            "purge front article:1",
        ],
        &[
            &format!("front, render 1; {STORED}"),
            &format!("plain, render 2; {STORED}"),
            &format!("1, render 3; {STORED}"),
            "1; ",
            &format!("front, render 4; {STORED}"),
            "3; ",
            &format!("plain, render 5; {STORED}"),
            &format!("front, render 6; {STORED}"),
            "1; ",
        ],
    );
}

#[test]
fn a_handler_tags_its_page_and_has_it_not_stored() {
    both(
        &[
            "/said/tagged",
            "/said/tagged",
            "purge author:2",
            "/said/tagged",
            "/said/wrong",
            "/said/skipped",
            "/said/none",
            "/said/short",
            "/said/short",
            "/uncached",
        ],
        &[
            &format!("tagged, render 1; {STORED}"),
            "tagged, render 1; hit",
            "1; ",
            &format!("tagged, render 2; {STORED}"),
            "wrong, render 3; fwd=uri-miss; detail=tag",
            "skipped, render 4; fwd=uri-miss; detail=skip",
            "none, render 5; fwd=uri-miss; detail=expired",
            &format!("short, render 6; {STORED}"),
            "short, render 6; hit",
            "uncached, render 7; ",
        ],
    );
}

#[test]
fn a_handlers_wrong_tag_is_told_with_the_route_and_the_target_of_its_page() {
    crate::stack::log::listen();
    both(
        &["/said/wrong?told"],
        &["wrong, render 1; fwd=uri-miss; detail=tag"],
    );
    let lines = crate::stack::log::lines_with("/said/wrong?told");
    let named = |line: &String| line.contains("two words") && line.contains("/said/{what}");
    assert!(lines.iter().any(named), "{lines:?}");
}

#[test]
fn a_page_with_a_segment_that_its_route_has_not_is_not_stored() {
    both(
        &["/lost", "/lost"],
        &[
            "lost, render 1; fwd=uri-miss; detail=tag",
            "lost, render 2; fwd=uri-miss; detail=tag",
        ],
    );
}

#[test]
fn what_of_a_segment_is_not_visible_ascii_is_percent_encoded_in_the_tag() {
    both(
        &["/articles/Zo%C3%AB%20Q", "purge article:Zo%C3%AB%20Q"],
        &[&format!("Zoë Q, render 1; {STORED}"), "1; "],
    );
}

#[test]
fn what_a_request_has_changed_is_purged_before_it_is_answered() {
    both(
        &[
            "/articles/1",
            "/articles/2",
            "/",
            "POST /articles/bad",
            "/articles/1",
            "POST /articles/1",
            "/articles/1",
            "/articles/2",
            "/",
        ],
        &[
            &format!("1, render 1; {STORED}"),
            &format!("2, render 2; {STORED}"),
            &format!("front, render 3; {STORED}"),
            "; ",
            "1, render 1; hit",
            "; ",
            &format!("1, render 4; {STORED}"),
            "2, render 2; hit",
            &format!("front, render 5; {STORED}"),
        ],
    );
}

#[test]
fn a_handler_purges_whatever_it_looks_like() {
    both(
        &[
            "/articles/1",
            "POST /failing",
            "/articles/1",
            "POST /all",
            "/articles/1",
            "POST /many",
            "/articles/1",
            "POST /half",
            "/articles/1",
        ],
        &[
            &format!("1, render 1; {STORED}"),
            "no; fwd=method",
            "1, render 1; hit",
            "all; fwd=method",
            &format!("1, render 2; {STORED}"),
            "; ",
            &format!("1, render 3; {STORED}"),
            "half; ",
            &format!("1, render 4; {STORED}"),
        ],
    );
}

#[test]
fn a_response_stands_where_the_purge_fails() {
    let address = format!("127.0.0.1:{}", free_port());
    let pages = PageCache::builder()
        .memcached([address])
        .key_prefix("site1");
    let answers = ask(&pages.build().unwrap(), &["POST /many", "POST /half"]);
    assert_eq!(answers[1].0, "half");
}

#[test]
fn a_tag_that_is_none_is_refused_by_name() {
    let pages = PageCache::builder().build().unwrap();
    let refused = System::new().block_on(pages.purge(Purge::tag("two words")));
    let error = refused.unwrap_err();
    assert!(matches!(error, StoreError::NotATag { .. }));
    assert_eq!(
        error.to_string(),
        "\"two words\" is not a tag: use 1 to 1,024 visible ASCII characters"
    );
}

#[test]
fn two_sites_on_one_memcached_purge_their_own_pages() {
    let memcached = Memcached::start().unwrap();
    let site = |prefix: &str| cache(&memcached).key_prefix(prefix).build().unwrap();
    let (one, other) = (site("one"), site("other"));
    for pages in [&one, &other] {
        ask(pages, &["/articles/1", "/plain"]);
    }
    let answers = ask(&one, &["purge articles", "purge everything"]);
    assert_eq!([&*answers[0].0, &*answers[1].0], ["1", "1"]);
    assert_eq!(ask(&other, &["/articles/1", "/plain"])[1].1, "hit");
    assert_eq!(ask(&other, &["purge everything"])[0].0, "2");
}

#[test]
fn a_purge_reaches_every_server() {
    let servers: Vec<_> = (0..3).map(|_| Memcached::start().unwrap()).collect();
    let addresses = servers.iter().map(Memcached::address);
    let builder = PageCache::builder()
        .memcached(addresses)
        .key_prefix("site1");
    let pages = builder.build().unwrap();
    let targets: Vec<_> = (0..60).map(|id| format!("/articles/{id}")).collect();
    let targets: Vec<_> = targets.iter().map(String::as_str).collect();
    ask(&pages, &targets);
    let holds = |server: &Memcached| {
        let key = |target: &&str| PageKey::new("site1", target).to_string();
        targets
            .iter()
            .filter(|target| server.get(key(target)).is_some())
            .count()
    };
    assert!(servers.iter().all(|server| holds(server) > 0));
    assert_eq!(ask(&pages, &["purge articles"])[0].0, "60");
    assert!(servers.iter().all(|server| holds(server) == 0));
}

#[test]
fn a_dead_server_is_a_failure_beside_what_was_deleted() {
    let servers: Vec<_> = (0..2).map(|_| Memcached::start().unwrap()).collect();
    let addresses: Vec<_> = servers.iter().map(Memcached::address).collect();
    let all = |addresses: &[String]| {
        let builder = PageCache::builder()
            .memcached(addresses)
            .key_prefix("site1");
        builder.build().unwrap()
    };
    let pages = all(&addresses);
    let targets: Vec<_> = (0..20).map(|id| format!("/articles/{id}")).collect();
    let targets: Vec<_> = targets.iter().map(String::as_str).collect();
    ask(&pages, &targets);
    let mut servers = servers;
    drop(servers.pop());
    let purged = System::new()
        .block_on(pages.purge(Purge::tag("articles")))
        .unwrap();
    assert!(!purged.is_complete());
    assert_eq!(purged.failures.len(), 1);
    assert!(purged.deleted > 0 && purged.deleted < 20, "{purged:?}");
    let nothing = all(&[format!("127.0.0.1:{}", free_port())]);
    let refused = System::new().block_on(nothing.purge(Purge::everything()));
    assert!(refused.is_err());
}

/// The pieces of indexes that a server has.
fn pieces(memcached: &Memcached) -> Vec<String> {
    let keys = memcached.keys().into_iter();
    let keys = keys.map(|key| key.replace("%3A", ":"));
    keys.filter(|key| key.starts_with("tag:") && !key.starts_with("tag:0000"))
        .collect()
}

/// How many pieces a purge says were lost; whether that is all that it says.
fn missed(pages: &PageCache, purge: Purge) -> Option<usize> {
    let purged = System::new().block_on(pages.purge(purge)).unwrap();
    match &purged.failures[..] {
        [] => {
            assert!(purged.is_complete());
            None
        }
        [StoreError::IndexLost { pieces, .. }] => {
            assert!(!purged.is_complete());
            Some(*pieces)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_purge_says_that_a_piece_of_its_index_is_lost_and_not_that_it_is_done() {
    let memcached = Memcached::start().unwrap();
    let pages = cache(&memcached).build().unwrap();
    let key = PageKey::new("site1", "/articles/7").to_string();
    ask(&pages, &["/articles/7", "/articles/8", "/"]);
    for piece in pieces(&memcached) {
        assert!(memcached.delete(piece));
    }
    let seven = || Purge::tag("article:7");
    assert_eq!(missed(&pages, seven()), Some(1));
    assert!(memcached.get(&key).is_some(), "nobody knows of it");
    // Another process learns it from Memcached.
    let other = cache(&memcached).build().unwrap();
    assert_eq!(missed(&other, seven()), Some(1));
    assert_eq!(missed(&other, Purge::tag("articles")), Some(2));
    // A new page makes the piece anew, and the older ones are still not in it.
    wait_for(other.delete(&PageKey::new("site1", "/articles/7"))).unwrap();
    ask(&other, &["/articles/7"]);
    assert!(!pieces(&memcached).is_empty());
    assert_eq!(missed(&pages, seven()), Some(1));
    // Of what was never listed nothing is missed.
    assert_eq!(missed(&pages, Purge::tag("nothing")), None);
}

#[test]
fn pieces_that_are_made_during_a_purge_leave_it_in_no_doubt() {
    let memcached = Memcached::start().unwrap();
    let [one, other] = [(), ()].map(|()| cache(&memcached).build().unwrap());
    let targets: Vec<_> = (0..1_000).map(|id| format!("/articles/{id}")).collect();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for some in targets.chunks(10) {
                let some: Vec<_> = some.iter().map(String::as_str).collect();
                ask(&one, &some);
            }
            over.store(true, Ordering::SeqCst);
        });
        while !over.load(Ordering::SeqCst) {
            assert_eq!(missed(&other, Purge::everything()), None);
        }
    });
}

#[test]
fn pages_that_come_and_go_leave_no_purge_in_doubt() {
    let memcached = Memcached::start().unwrap();
    let sites = [(), ()].map(|()| cache(&memcached).build().unwrap());
    for _ in 0..3 {
        for pages in &sites {
            ask(pages, &["/articles/7", "/articles/8", "/"]);
            for purge in ["article:7", "articles", "articles", "front"] {
                assert_eq!(missed(pages, Purge::tag(purge)), None, "{purge}");
            }
            ask(pages, &["/articles/7"]);
            assert_eq!(missed(pages, Purge::everything()), None);
        }
    }
    assert!(!pieces(&memcached).is_empty(), "they keep what is claimed");
}

/// The ledger of the tags whose md5 begins as that of `text`.
fn ledger(kind: u8, text: &str) -> String {
    let digits = PageKey::new(text, "").to_string();
    format!("tag:{:0>32}:{kind}:{}", "", &digits[..2])
}

/// As many entries as an item takes, of pages that nobody has.
fn full() -> Vec<u8> {
    let entry = |number: u32| [&[0; 12], &number.to_be_bytes()[..], &[0xff; 4]].concat();
    (0..50_000).flat_map(entry).collect()
}

/// Visitors make tags where a page has `article:{id}`, and each is claimed.
#[test]
fn a_ledger_that_visitors_have_filled_keeps_no_other_page_from_being_stored() {
    let memcached = Memcached::start().unwrap();
    memcached.set(ledger(3, "site1 "), 0, 0, full());
    let pages = cache(&memcached).build().unwrap();
    ask(&pages, &["/plain"]);
    let key = PageKey::new("site1", "/plain").to_string();
    assert!(memcached.get(key).is_some());
    assert_eq!(missed(&pages, Purge::everything()), None);
}

#[test]
fn a_page_that_its_index_does_not_take_claims_nothing_twice() {
    let memcached = Memcached::start().unwrap();
    memcached.set(ledger(3, "site1 article:7"), 0, 0, full());
    let pages = cache(&memcached).build().unwrap();
    let key = PageKey::new("site1", "/articles/7").to_string();
    for _ in 0..3 {
        ask(&pages, &["/articles/7"]);
        assert!(memcached.get(&key).is_none());
    }
    let claims = memcached
        .get(ledger(4, "site1 "))
        .map_or(0, |item| item.bytes.len());
    assert_eq!(claims, 20);
    // All of the ledger was not read and written for each of them.
    assert_eq!(memcached.stat("cas_hits"), 1);
}

/// The page is read all the while, and its index by nobody.
#[test]
fn a_memcached_that_evicts_an_index_is_found_out() {
    let memcached = Memcached::builder().memory_mb(2).start().unwrap();
    let pages = cache(&memcached).build().unwrap();
    let key = PageKey::new("site1", "/articles/7").to_string();
    ask(&pages, &["/articles/7"]);
    let listed = pieces(&memcached);
    let is_gone = |piece: &String| memcached.command(&format!("me {piece}")).starts_with("EN");
    let mut number = 0;
    while !listed.iter().all(is_gone) {
        assert!(number < 1_000_000, "nothing is evicted");
        for _ in 0..1000 {
            number += 1;
            memcached.set(format!("filler-{number:0>33}"), 0, 0, "x".repeat(40));
        }
        assert!(memcached.get(&key).is_some(), "the page is gone as well");
    }
    assert!(memcached.stat("evictions") > 0);
    assert_eq!(missed(&pages, Purge::tag("article:7")), Some(1));
}

fn wait_for<T>(future: impl Future<Output = T>) -> T {
    System::new().block_on(future)
}

/// A hundred thousand pages of one tag, as another process would have left them.
#[test]
fn a_tag_of_a_hundred_thousand_pages_is_purged() {
    const PAGES: usize = 100_000;
    let memcached = Memcached::builder().args(["-m", "256"]).start().unwrap();
    let pages = cache(&memcached)
        .queue(PAGES * 2, 1 << 30)
        .lookup(false)
        .build()
        .unwrap();
    System::new().block_on(async {
        let app = App::new()
            .app_data(pages.clone())
            .app_data(web::Data::<Renders>::default())
            .configure(routes);
        let app = probe::init_service(app).await;
        let began = Instant::now();
        for id in 0..PAGES {
            let target = format!("/articles/{id}");
            let request = probe::TestRequest::get().uri(&target).to_request();
            let _ = probe::call_service(&app, request).await;
        }
        pages.flush().await;
        let took = began.elapsed().as_secs_f64();
        println!("{:.0} pages stored a second", PAGES as f64 / took);
    });
    let began = Instant::now();
    let purged = System::new()
        .block_on(pages.purge(Purge::tag("articles")))
        .unwrap();
    let rate = PAGES as f64 / began.elapsed().as_secs_f64();
    println!("{rate:.0} pages deleted a second");
    assert_eq!(purged.deleted as usize, PAGES);
    let key = PageKey::new("site1", "/articles/77777").to_string();
    assert!(memcached.get(key).is_none());
}

#[actix_web::test]
async fn a_purged_page_is_gone_in_every_variant() {
    let settings = PageCache::builder().vary(Vary::language(["en", "de"]));
    let pages = Pages::build(settings).unwrap();
    let handler = async |variant: Variant| ok().body(format!("{:?}", variant.get("language")));
    let site = web::resource("/{page}")
        .wrap(pages.cache().cache(60).key_prefix("blog"))
        .to(handler);
    let app = probe::init_service(App::new().app_data(pages.cache()).service(site)).await;
    let ask = async |target: &str, language: &str| {
        let request = probe::TestRequest::get().uri(target);
        let request = request.insert_header(("accept-language", language.to_owned()));
        pages.send(&app, request).await
    };
    for target in ["/a", "/b"] {
        for (language, text) in [("en", "Some(\"en\")"), ("de", "Some(\"de\")")] {
            assert_eq!(ask(target, language).await.text(), text);
            ask(target, language).await.assert_hit();
        }
    }
    let purged = pages.cache().purge(Purge::page("/a")).await.unwrap();
    assert_eq!(purged.deleted, 2);
    for language in ["en", "de"] {
        ask("/a", language).await.assert_stored();
        ask("/b", language).await.assert_hit();
    }
}

#[test]
fn a_target_that_no_browser_sends_is_said_where_it_is_deleted_or_purged() {
    crate::stack::log::listen();
    let pages = PageCache::builder().build().unwrap();
    let told = |what: &str| {
        let mut lines = crate::stack::log::lines_with("no browser sends this target");
        lines.retain(|line| line.contains(what));
        lines.len()
    };
    System::new().block_on(async {
        for (number, target) in ["/said-ü", "said", "/said b", "/said#c"].iter().enumerate() {
            assert!(!pages.delete(&pages.key(target)).await.unwrap(), "{target}");
            let purged = pages.purge(Purge::page(*target)).await.unwrap();
            assert_eq!(purged.deleted, 0);
            assert_eq!(told("said"), 2 * (number + 1), "{target}");
        }
        let _ = pages.delete(&pages.key("/unsaid?a=%C3%BC&b")).await;
        assert_eq!(told("unsaid"), 0);
    });
}

#[test]
fn a_key_under_a_prefix_that_no_page_has_is_said_where_it_is_deleted() {
    crate::stack::log::listen();
    let pages = PageCache::builder().key_prefix("site1").build().unwrap();
    let told = |key: &PageKey| !crate::stack::log::lines_with(&key.to_string()).is_empty();
    let known = PageKey::new("site1~en", "/prefixes");
    let wrong = PageKey::new("sit1", "/prefixes");
    let system = System::new();
    for key in [known, wrong] {
        assert!(!system.block_on(pages.delete(&key)).unwrap());
    }
    assert!(!told(&known) && told(&wrong));
}
