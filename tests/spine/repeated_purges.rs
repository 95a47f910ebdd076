//! What a change could not purge, because a server failed, is purged when it is back: by
//! itself, and there alone.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use actix_web::error::ErrorInternalServerError;
use actix_web::rt::System;
use actix_web::test as probe;
use actix_web::web::{Data, Html, ServiceConfig};
use actix_web::{App, HttpResponse, HttpServer, Responder, get, post, route};
use djanginxed::{PageCache, PageCacheBuilder, PageKey, Purge, cache_page, purges};
use serde_json::Value;
use testkit::http::Request;
use testkit::{FILLERS, Fault, FaultProxy, Memcached, eventually_within, free_port};

use crate::stack::{PREFIX, cache, log, wait};

/// A skipped server is probed every 15 seconds at the least, and a quarter more.
const PATIENCE: Duration = Duration::from_secs(30);

#[get("/articles/{id}")]
#[cache_page(600, tags = ["article:{id}"])]
async fn article(renders: Data<Renders>) -> impl Responder {
    renders.one()
}

#[post("/articles/{id}")]
#[purges("article:{id}", "articles")]
async fn save() -> impl Responder {
    HttpResponse::NoContent()
}

/// It has no tag; whoever changes it asks for it in another way.
#[route("/notes/{id}", method = "GET", method = "POST")]
#[cache_page(600)]
async fn note(renders: Data<Renders>) -> impl Responder {
    renders.one()
}

/// A copy of it stands in for errors.
#[get("/prices/{id}")]
#[cache_page(600, tags = ["article:{id}"], stale_if_error = 3600)]
async fn price(
    renders: Data<Renders>,
    trouble: Option<Data<Trouble>>,
) -> actix_web::Result<impl Responder> {
    match trouble {
        Some(_) => Err(ErrorInternalServerError("on purpose")),
        None => Ok(renders.one()),
    }
}

/// Handlers that may fail do.
struct Trouble;

/// How often anything was rendered, and what happens then.
struct Renders {
    count: AtomicUsize,
    happens: Box<dyn Fn(usize) + Send + Sync>,
}

impl Renders {
    fn one(&self) -> Html {
        let number = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        (self.happens)(number);
        Html::new(format!("render {number}"))
    }

    fn when(happens: impl Fn(usize) + Send + Sync + 'static) -> Data<Renders> {
        Data::new(Renders {
            count: AtomicUsize::new(0),
            happens: Box::new(happens),
        })
    }
}

fn routes(config: &mut ServiceConfig) {
    config.service(article).service(save).service(note);
    config.service(price);
}

/// Asks for each target; each is stored, or given up, before the next is asked for. The
/// worker is gone when this returns.
fn ask(pages: &PageCache, targets: impl IntoIterator<Item = impl AsRef<str>>) {
    System::new().block_on(async {
        let app = App::new()
            .app_data(pages.clone())
            .app_data(Renders::when(|_| ()))
            .configure(routes);
        let app = probe::init_service(app).await;
        for target in targets {
            let request = match target.as_ref().split_once(' ') {
                Some((_, target)) => probe::TestRequest::post().uri(target),
                None => probe::TestRequest::get().uri(target.as_ref()),
            };
            let response = probe::call_service(&app, request.to_request()).await;
            assert!(response.status().is_success(), "{}", response.status());
            let _ = probe::read_body(response).await;
            pages.flush().await;
        }
    });
}

/// How many purges wait for a server, as the admin page says it.
fn pending(pages: &PageCache) -> u64 {
    System::new().block_on(async {
        let app = App::new().configure(pages.admin("/_pages"));
        let app = probe::init_service(app).await;
        let request = probe::TestRequest::get().uri("/_pages");
        let request = request.insert_header(("Accept", "application/json"));
        let report: Value = probe::call_and_read_body_json(&app, request.to_request()).await;
        report["pending_purges"].as_u64().unwrap()
    })
}

/// What the application says of its answer.
fn cache_status(pages: &PageCache, target: &str) -> String {
    cache_status_with(pages, target, |_| ())
}

fn cache_status_with(
    pages: &PageCache,
    target: &str,
    configure: impl FnOnce(&mut ServiceConfig),
) -> String {
    System::new().block_on(async {
        let renders = Renders::when(|_| ());
        let app = App::new().app_data(pages.clone()).app_data(renders);
        let app = app.configure(configure).configure(routes);
        let app = probe::init_service(app).await;
        let request = probe::TestRequest::get().uri(target).to_request();
        let response = probe::call_service(&app, request).await;
        let said = response.headers().get("Cache-Status").unwrap();
        said.to_str().unwrap().to_owned()
    })
}

/// Visits that find out, in one worker, that the server fails.
fn until_skipped(pages: &PageCache) {
    System::new().block_on(async {
        let app = App::new().app_data(pages.clone());
        let app = app.app_data(Renders::when(|_| ())).configure(routes);
        let app = probe::init_service(app).await;
        for number in 0..100 {
            let request = probe::TestRequest::get().uri(&format!("/notes/{number}"));
            let response = probe::call_service(&app, request.to_request()).await;
            let said = response.headers().get("Cache-Status").unwrap();
            if said.to_str().unwrap().contains("skipped") {
                return;
            }
        }
        panic!("the server is not skipped");
    });
}

fn is_there(memcached: &Memcached, target: &str) -> bool {
    let key = PageKey::new(PREFIX, target).to_string();
    memcached.get(key).is_some()
}

/// A server behind a line, and a cache that has these pages there.
struct Behind {
    memcached: Memcached,
    line: Arc<FaultProxy>,
    pages: PageCache,
}

impl Behind {
    fn with(
        targets: &[&str],
        settings: impl FnOnce(PageCacheBuilder) -> PageCacheBuilder,
    ) -> Behind {
        log::listen();
        let memcached = Memcached::start().unwrap();
        let line = FaultProxy::start(memcached.port()).unwrap();
        let pages = cache(&memcached).memcached([line.address()]);
        let pages = settings(pages).build().unwrap();
        ask(&pages, targets);
        for target in targets {
            assert!(is_there(&memcached, target), "{target} is not stored");
        }
        Behind {
            memcached,
            line: Arc::new(line),
            pages,
        }
    }

    fn of(targets: &[&str]) -> Behind {
        Behind::with(targets, |settings| settings)
    }

    #[track_caller]
    fn until_gone(&self, target: &str) {
        eventually_within(PATIENCE, "the page of before is gone", || {
            !is_there(&self.memcached, target)
        });
    }

    /// What the log says of this server.
    fn lines_with(&self, text: &str) -> Vec<String> {
        let mut lines = log::lines_with(text);
        let server = self.line.address();
        lines.retain(|line| line.contains(&server));
        lines
    }

    /// How many purges were made up for, as the log says.
    fn repeated(&self) -> usize {
        let lines = self.lines_with("what was not purged while the server failed is purged now");
        let count = |line: &String| {
            let (_, after) = line.split_once("purges=").unwrap();
            let count = after.split(' ').next().unwrap();
            count.parse::<usize>().unwrap()
        };
        lines.iter().map(count).sum()
    }
}

/// As README's table of troubles has it.
#[test]
fn a_change_under_a_hung_memcached_is_answered_and_purged_when_it_goes_on() {
    let mut memcached = Memcached::start().unwrap();
    let pages = cache(&memcached).build().unwrap();
    ask(&pages, ["/articles/1", "/articles/2"]);
    memcached.pause();
    let asked = Instant::now();
    ask(&pages, ["POST /articles/1"]);
    let waited = asked.elapsed();
    assert!(waited < Duration::from_secs(6), "{waited:?}");
    memcached.resume();
    eventually_within(PATIENCE, "the page of before is gone", || {
        !is_there(&memcached, "/articles/1")
    });
    assert!(is_there(&memcached, "/articles/2"), "nobody has changed it");
}

#[test]
fn changes_while_a_server_refuses_connections_are_each_purged_once_when_it_is_back() {
    let behind = Behind::of(&["/articles/1", "/articles/2", "/articles/3", "/notes/1"]);
    behind.line.set(Fault::Refuse);
    let changes = ["POST /articles/1", "POST /articles/1", "POST /articles/2"];
    ask(&behind.pages, changes);
    ask(&behind.pages, changes);
    let told = behind.lines_with("it is tried again when the server answers");
    assert_eq!(told.len(), 6, "{told:?}");
    let told = behind.lines_with("are not deleted; trying again when the server answers");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(is_there(&behind.memcached, "/articles/1"));
    assert_eq!(pending(&behind.pages), 3);
    behind.line.set(Fault::None);
    behind.until_gone("/articles/1");
    behind.until_gone("/articles/2");
    // Two articles, and what both changes purge.
    eventually_within(PATIENCE, "all is made up for", || behind.repeated() == 3);
    assert_eq!(pending(&behind.pages), 0);
    assert!(is_there(&behind.memcached, "/articles/3"));
    assert!(is_there(&behind.memcached, "/notes/1"));
    thread::sleep(Duration::from_secs(3));
    assert_eq!(behind.repeated(), 3, "it goes on");
}

/// nginx may find it in that moment; the application knows better.
#[test]
fn the_application_does_not_answer_from_a_server_that_it_has_still_to_purge() {
    let behind = Behind::of(&["/articles/1"]);
    behind.line.set(Fault::Refuse);
    ask(&behind.pages, ["POST /articles/1"]);
    behind.line.set(Fault::None);
    assert_eq!(pending(&behind.pages), 2, "it is purged already");
    assert!(is_there(&behind.memcached, "/articles/1"));
    let said = cache_status(&behind.pages, "/articles/1");
    assert!(said.starts_with("djanginxed; fwd=uri-miss"), "{said}");
    behind.until_gone("/articles/1");
    eventually_within(PATIENCE, "it is asked again", || {
        cache_status(&behind.pages, "/articles/1") == "djanginxed; hit"
    });
}

/// A copy is as old as its page.
#[test]
fn no_copy_stands_in_that_has_still_to_be_purged() {
    let behind = Behind::of(&["/prices/1"]);
    let in_trouble = || {
        cache_status_with(&behind.pages, "/prices/1", |config| {
            config.app_data(Data::new(Trouble));
        })
    };
    let key = PageKey::new(PREFIX, "/prices/1");
    assert!(behind.memcached.get(format!("{key}!")).is_some());
    behind.memcached.command(&format!("md {key}"));
    let said = in_trouble();
    assert!(said.ends_with("detail=stale-if-error"), "{said}");
    behind.line.set(Fault::Refuse);
    ask(&behind.pages, ["POST /articles/1"]);
    behind.line.set(Fault::None);
    assert_eq!(pending(&behind.pages), 2, "it is purged already");
    let said = in_trouble();
    assert!(!said.contains("stale-if-error"), "{said}");
    assert!(behind.memcached.get(format!("{key}!")).is_some());
}

/// RFC 9111, section 4.4.
#[test]
fn the_page_that_an_unsafe_request_has_changed_is_deleted_when_its_server_is_back() {
    let behind = Behind::of(&["/notes/1", "/notes/2"]);
    behind.line.set(Fault::Refuse);
    ask(&behind.pages, ["POST /notes/1"]);
    assert!(is_there(&behind.memcached, "/notes/1"));
    behind.line.set(Fault::None);
    behind.until_gone("/notes/1");
    assert!(is_there(&behind.memcached, "/notes/2"));
    // The log says it a moment after the pages are gone.
    eventually_within(PATIENCE, "it is told", || behind.repeated() > 0);
    assert_eq!(behind.repeated(), 1);
}

/// Who calls `purge` has an error to act upon.
#[test]
fn a_purge_that_somebody_has_an_answer_to_is_not_repeated() {
    let behind = Behind::of(&["/articles/1", "/notes/1"]);
    behind.line.set(Fault::Refuse);
    let (purge, key) = (Purge::tag("article:1"), behind.pages.key("/notes/1"));
    assert!(wait(behind.pages.purge(purge)).is_err());
    assert!(wait(behind.pages.delete(&key)).is_err());
    ask(&behind.pages, ["POST /articles/2"]);
    behind.line.set(Fault::None);
    // "article:2" and "articles".
    eventually_within(PATIENCE, "the change's is repeated", || {
        behind.repeated() == 2
    });
    thread::sleep(Duration::from_secs(3));
    assert!(is_there(&behind.memcached, "/articles/1"));
    assert!(is_there(&behind.memcached, "/notes/1"));
}

/// A purge takes two seconds to fail. One that is repeated in vain does not take them from
/// who purges meanwhile.
#[test]
fn nobody_waits_while_purges_are_repeated_in_vain() {
    let behind = Behind::with(&["/articles/1"], |settings| {
        settings.operation_timeout(Duration::from_millis(100))
    });
    behind.line.set(Fault::Hang);
    let change = || {
        let asked = Instant::now();
        ask(&behind.pages, ["POST /articles/1"]);
        asked.elapsed()
    };
    let first = change();
    // By now it is being repeated.
    thread::sleep(Duration::from_secs(2));
    let second = change();
    assert!(
        second < first + Duration::from_millis(700),
        "{first:?}, {second:?}"
    );
    eventually_within(PATIENCE, "the server is skipped", || {
        change() < Duration::from_secs(1)
    });
    behind.line.set(Fault::None);
    behind.until_gone("/articles/1");
}

/// Without that each would wait for the attempts of those before it.
#[test]
fn changes_while_a_server_is_skipped_wait_for_one_attempt_at_the_most() {
    let behind = Behind::with(&["/articles/1"], |settings| {
        settings.operation_timeout(Duration::from_millis(100))
    });
    behind.line.set(Fault::Hang);
    eventually_within(PATIENCE, "the server is skipped", || {
        ask(&behind.pages, ["POST /articles/1"]);
        cache_status(&behind.pages, "/articles/1").contains("skipped")
    });
    let asked = Instant::now();
    thread::scope(|scope| {
        for number in 0..40 {
            let pages = &behind.pages;
            scope.spawn(move || ask(pages, [format!("POST /articles/{number}")]));
        }
    });
    let waited = asked.elapsed();
    assert!(waited < Duration::from_secs(2), "{waited:?}");
    assert_eq!(pending(&behind.pages), 41);
    behind.line.set(Fault::None);
    behind.until_gone("/articles/1");
}

/// A server that must not evict, and what it has before it is full.
fn small(targets: &[&str]) -> (Memcached, PageCache) {
    let memcached = Memcached::builder().memory_mb(2).args(["-M"]).start();
    let memcached = memcached.unwrap();
    let pages = cache(&memcached).build().unwrap();
    ask(&pages, targets);
    (memcached, pages)
}

/// The pages are gone: that their purges have no marker keeps nobody from looking others up.
#[test]
fn what_a_full_server_deletes_without_a_marker_does_not_wait_for_ever() {
    let (memcached, pages) = small(&["/articles/1", "/notes/1", "/notes/2"]);
    memcached.fill();
    ask(&pages, ["POST /articles/1", "POST /notes/1"]);
    for _ in 0..3 {
        for target in ["/articles/1", "/notes/1"] {
            assert!(!is_there(&memcached, target), "{target}");
        }
        assert_eq!(pending(&pages), 0);
        assert_eq!(cache_status(&pages, "/notes/2"), "djanginxed; hit");
        thread::sleep(Duration::from_secs(1));
    }
}

/// It sees no marker, since there was no room for one.
#[test]
fn what_a_render_from_before_leaves_at_a_server_that_was_full_is_deleted_again() {
    for target in ["/articles/1", "/notes/1"] {
        let (memcached, pages) = small(&[]);
        let other = cache(&memcached).build().unwrap();
        System::new().block_on(async {
            let (server, change) = (Arc::new(memcached), format!("POST {target}"));
            let full = Arc::clone(&server);
            let renders = Renders::when(move |_| {
                full.fill();
                let (pages, change) = (pages.clone(), change.clone());
                thread::spawn(move || ask(&pages, [change])).join().unwrap();
                full.make_room(&FILLERS);
            });
            let app = App::new().app_data(other.clone()).app_data(renders);
            let app = probe::init_service(app.configure(routes)).await;
            let request = probe::TestRequest::get().uri(target).to_request();
            let _ = probe::call_and_read_body(&app, request).await;
            other.flush().await;
            eventually_within(PATIENCE, "the page of before is gone", || {
                !is_there(&server, target)
            });
        });
    }
}

/// Purges go on while others have announced a page, which is how these are under way.
#[test]
fn changes_that_are_being_purged_when_a_server_hangs_wait_for_one_attempt_at_the_most() {
    let targets: Vec<_> = (0..40).map(|id| format!("/articles/{id}")).collect();
    let targets: Vec<_> = targets.iter().map(String::as_str).collect();
    let behind = Behind::with(&targets, |settings| {
        settings.operation_timeout(Duration::from_millis(100))
    });
    for target in &targets {
        let key = PageKey::new(PREFIX, target);
        behind.memcached.command(&format!("ma in:{key} N4 J1 T4"));
    }
    let hung = thread::scope(|scope| {
        for target in &targets {
            let pages = &behind.pages;
            scope.spawn(move || ask(pages, [format!("POST {target}")]));
        }
        eventually_within(PATIENCE, "all are deleted, and are so again", || {
            !targets.iter().any(|page| is_there(&behind.memcached, page))
        });
        behind.line.set(Fault::Hang);
        let hung = Instant::now();
        until_skipped(&behind.pages);
        hung
    });
    let waited = hung.elapsed();
    assert!(waited < Duration::from_millis(3500), "{waited:?}");
    assert_eq!(pending(&behind.pages), 41);
    behind.line.set(Fault::None);
    eventually_within(PATIENCE, "all is made up for", || {
        pending(&behind.pages) == 0
    });
}

/// Pages of servers that have purged are not rendered once more.
#[test]
fn only_the_server_that_failed_is_asked_again() {
    log::listen();
    let (well, failing) = (Memcached::start().unwrap(), Memcached::start().unwrap());
    let line = FaultProxy::start(failing.port()).unwrap();
    let pages = cache(&well).memcached([well.address(), line.address()]);
    let pages = pages.build().unwrap();
    let targets: Vec<_> = (0..40).map(|id| format!("/articles/{id}")).collect();
    ask(&pages, &targets);
    let on = |memcached| {
        targets
            .iter()
            .position(|target| is_there(memcached, target))
    };
    let (kept, changed) = (on(&well).unwrap(), on(&failing).unwrap());
    line.set(Fault::Refuse);
    let changes = [kept, changed].map(|id| format!("POST /articles/{id}"));
    ask(&pages, changes);
    assert!(!is_there(&well, &targets[kept]));
    assert!(is_there(&failing, &targets[changed]));
    ask(&pages, [&targets[kept]]);
    assert!(is_there(&well, &targets[kept]));
    line.set(Fault::None);
    eventually_within(PATIENCE, "the page of before is gone", || {
        !is_there(&failing, &targets[changed])
    });
    thread::sleep(Duration::from_secs(2));
    assert!(is_there(&well, &targets[kept]), "it was rendered in vain");
}

#[test]
fn more_changes_than_are_kept_empty_the_server_when_it_is_back() {
    let behind = Behind::of(&["/articles/1", "/notes/1"]);
    behind.line.set(Fault::Refuse);
    let changes = |count| (0..count).map(|id| format!("POST /articles/{id}"));
    ask(&behind.pages, changes(1023));
    let told = || behind.lines_with("too many purges wait for this server");
    assert_eq!(
        told().len(),
        0,
        "1,023 articles and what each change purges"
    );
    ask(&behind.pages, changes(1100));
    assert_eq!(told().len(), 1);
    behind.line.set(Fault::None);
    behind.until_gone("/articles/1");
    behind.until_gone("/notes/1");
    // The log says it a moment after the pages are gone.
    eventually_within(PATIENCE, "it is told", || behind.repeated() > 0);
    assert_eq!(behind.repeated(), 1);
}

#[test]
fn a_process_that_ends_says_how_many_purges_are_lost() {
    let behind = Behind::of(&["/articles/1"]);
    behind.line.set(Fault::Refuse);
    ask(
        &behind.pages,
        (0..36).map(|id| format!("POST /articles/{id}")),
    );
    let ended = Instant::now();
    drop(behind.pages);
    let waited = ended.elapsed();
    assert!(waited < Duration::from_secs(1), "{waited:?}");
    let told = log::lines_with("stopped with purges that this server has not carried out");
    assert!(
        told.iter().any(|line| line.contains("purges=37")),
        "{told:?}"
    );
}

/// Its visitor is gone, and nobody else knows of it.
#[test]
fn a_process_that_ends_while_it_purges_says_so_unless_that_ends_first() {
    for (fault, lost) in [
        (Fault::Hang, 3),
        (Fault::Delay(Duration::from_millis(300)), 0),
    ] {
        let behind = Behind::of(&["/articles/1", "/notes/1"]);
        behind.line.set(fault);
        System::new().block_on(async {
            let app = App::new().app_data(behind.pages.clone());
            let app = app.app_data(Renders::when(|_| ())).configure(routes);
            let app = probe::init_service(app).await;
            for target in ["/articles/1", "/notes/1"] {
                let request = probe::TestRequest::post().uri(target).to_request();
                let change = probe::call_service(&app, request);
                let asked = actix_web::rt::time::timeout(Duration::from_millis(100), change);
                assert!(asked.await.is_err(), "it does not wait");
            }
        });
        let server = behind.line.address();
        let ended = Instant::now();
        drop(behind.pages);
        let waited = ended.elapsed();
        assert!(waited < Duration::from_secs(3), "{waited:?}");
        let mut told = log::lines_with("stopped with purges that this server has not carried out");
        told.retain(|line| line.contains(&server));
        let says = |line: &String| line.ends_with(&format!("purges={lost}"));
        assert_eq!(told.len(), usize::from(lost > 0), "{told:?}");
        assert!(told.iter().all(says), "{told:?}");
    }
}

/// A site that asks itself for what is to be replaced.
fn serve(pages: &PageCache, port: u16, renders: &Data<Renders>) -> actix_web::dev::ServerHandle {
    let (send, receive) = mpsc::channel();
    let (pages, renders) = (pages.clone(), renders.clone());
    thread::spawn(move || {
        System::new().block_on(async move {
            let server = HttpServer::new(move || {
                let app = App::new().app_data(pages.clone()).app_data(renders.clone());
                app.configure(routes)
            });
            let server = server.workers(1).disable_signals();
            let server = server.bind(("127.0.0.1", port)).unwrap().run();
            send.send(server.handle()).unwrap();
            server.await.unwrap();
        });
    });
    receive.recv().unwrap()
}

/// The server has been purged but for the page that is read, and fails while that is
/// rendered anew.
#[test]
fn a_page_that_could_be_neither_replaced_nor_deleted_is_deleted_when_its_server_is_back() {
    let port = free_port();
    let through = format!("http://127.0.0.1:{port}");
    let behind = Behind::with(&["/articles/1"], |settings| {
        settings.refresh_through(through)
    });
    // Which is to read it.
    assert!(is_there(&behind.memcached, "/articles/1"));
    let line = Arc::clone(&behind.line);
    let renders = Renders::when(move |_| line.set(Fault::Refuse));
    let site = serve(&behind.pages, port, &renders);
    let changed = Request::new("POST", "/articles/1").send(port);
    assert_eq!(changed.status, 204);
    assert_eq!(
        renders.count.load(Ordering::SeqCst),
        1,
        "it is not replaced"
    );
    assert!(is_there(&behind.memcached, "/articles/1"));
    behind.line.set(Fault::None);
    behind.until_gone("/articles/1");
    wait(site.stop(false));
}

/// Pages that are read are replaced where that can be; where it could not, they go.
#[test]
fn a_purge_that_replaces_pages_is_repeated_too() {
    let through = format!("http://127.0.0.1:{}", free_port());
    let behind = Behind::with(&["/articles/1"], |settings| {
        settings.refresh_through(through)
    });
    behind.line.set(Fault::Refuse);
    ask(&behind.pages, ["POST /articles/1"]);
    assert!(is_there(&behind.memcached, "/articles/1"));
    behind.line.set(Fault::None);
    behind.until_gone("/articles/1");
}

/// Whoever hung may have been killed: then it is empty, and owes nothing.
#[test]
fn a_server_that_was_started_anew_owes_nothing_for_long() {
    log::listen();
    let mut memcached = Memcached::start().unwrap();
    let pages = cache(&memcached).build().unwrap();
    ask(&pages, ["/articles/1"]);
    memcached.kill();
    ask(&pages, ["POST /articles/1"]);
    memcached.restart_empty().unwrap();
    let server = memcached.address();
    eventually_within(PATIENCE, "it is made up for", || {
        let lines = log::lines_with("what was not purged while the server failed is purged now");
        lines.iter().any(|line| line.contains(&server))
    });
    eventually_within(PATIENCE, "pages are stored again", || {
        ask(&pages, ["/articles/1"]);
        is_there(&memcached, "/articles/1")
    });
    thread::sleep(Duration::from_secs(3));
    assert!(is_there(&memcached, "/articles/1"), "it is purged for ever");
}
