//! Pages that are read are rendered anew, and those that are purged replaced, by requests
//! of the application to itself; here Memcached is read as nginx reads it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use djanginxed::parts::include;
use djanginxed::{PageCache, PageCacheBuilder, Purge, Vary};
use testkit::http::Request;
use testkit::{Memcached, eventually, eventually_within, free_port, get};

use crate::app::{Gate, Site, Visit, at, body, html, run_of, status_of, wait};
use crate::nginx::in_front_of;

const PAGE: &str = "/page?of=all";

/// Fresh for a second, and then stale for long.
fn brief(visit: &Visit) -> HttpResponse {
    with_life(visit.page(), "max-age=1, stale-while-revalidate=600")
}

fn with_life(mut response: HttpResponse, life: &'static str) -> HttpResponse {
    let life = HeaderValue::from_static(life);
    response.headers_mut().insert(CACHE_CONTROL, life);
    response
}

/// A site that looks after its pages.
struct Careful {
    site: Site,
    pages: PageCache,
}

impl Careful {
    fn start<F>(
        settings: PageCacheBuilder,
        handler: impl Fn(Visit) -> F + Send + Sync + 'static,
    ) -> Careful
    where
        F: Future<Output = HttpResponse> + 'static,
    {
        Careful::start_with(settings, 4, handler)
    }

    fn start_with<F>(
        settings: PageCacheBuilder,
        at_once: usize,
        handler: impl Fn(Visit) -> F + Send + Sync + 'static,
    ) -> Careful
    where
        F: Future<Output = HttpResponse> + 'static,
    {
        let port = free_port();
        let pages = settings
            .refresh_through(format!("http://127.0.0.1:{port}"))
            .refresh_at_once(at_once)
            .build()
            .unwrap();
        let site = Site::start_at(port, &pages, handler);
        Careful { site, pages }
    }

    fn key(&self) -> String {
        self.pages.key(PAGE).to_string()
    }

    /// Renders the page, and waits until it is stored.
    fn store(&self) {
        assert_eq!(run_of(&self.site.get(PAGE), PAGE), 1);
        wait(self.pages.flush());
    }
}

/// The run that Memcached has, if it has any; nginx reads it so.
fn stored(memcached: &Memcached, key: &str) -> Option<usize> {
    let item = memcached.get(key)?;
    let text = String::from_utf8(item.bytes).unwrap();
    let (_, after) = text.split_once("render ")?;
    after.split(' ').next()?.parse().ok()
}

#[test]
fn what_was_read_is_rendered_anew_without_a_visitor() {
    let memcached = Memcached::start().unwrap();
    let careful = Careful::start(
        at(&memcached.address()),
        |visit| async move { brief(&visit) },
    );
    careful.store();
    for run in 1..=3 {
        eventually("it is rendered anew", || {
            stored(&memcached, &careful.key()) == Some(run)
        });
    }
    assert_eq!(careful.site.runs(PAGE), 3);
}

#[test]
fn what_nobody_read_is_left_alone() {
    let memcached = Memcached::start().unwrap();
    let careful = Careful::start(
        at(&memcached.address()),
        |visit| async move { brief(&visit) },
    );
    careful.store();
    thread::sleep(Duration::from_secs(4));
    assert_eq!(careful.site.runs(PAGE), 1);
    // A visitor of the application sees to it.
    assert!(status_of(&careful.site.get(PAGE)).starts_with("hit; ttl=-"));
    eventually("it is rendered anew", || careful.site.runs(PAGE) == 2);
}

#[test]
fn of_two_processes_one_renders_anew() {
    let memcached = Memcached::start().unwrap();
    let renders = Arc::new(AtomicUsize::new(0));
    let start = || {
        let renders = Arc::clone(&renders);
        Careful::start(at(&memcached.address()).lookup(false), move |visit| {
            renders.fetch_add(1, Ordering::SeqCst);
            async move { with_life(visit.page(), "max-age=3, stale-while-revalidate=600") }
        })
    };
    let both = [start(), start()];
    // Both have stored the page, and look after it.
    both.iter().for_each(Careful::store);
    let begun = Instant::now();
    eventually("it is rendered anew", || {
        stored(&memcached, &both[0].key());
        renders.load(Ordering::SeqCst) >= 4
    });
    // Twice two times as often would be one and a half seconds a render.
    assert!(
        begun.elapsed() > Duration::from_secs(4),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn a_delete_during_a_refresh_is_not_undone() {
    let memcached = Memcached::start().unwrap();
    let gate = Gate::default();
    let handlers = gate.clone();
    let careful = Careful::start(at(&memcached.address()), move |visit| {
        let gate = handlers.clone();
        async move {
            if visit.number == 2 {
                gate.pass().await;
            }
            brief(&visit)
        }
    });
    careful.store();
    assert_eq!(stored(&memcached, &careful.key()), Some(1));
    eventually("it is being rendered", || careful.site.runs(PAGE) == 2);
    assert!(wait(careful.pages.delete(&careful.pages.key(PAGE))).unwrap());
    gate.open();
    thread::sleep(Duration::from_millis(500));
    wait(careful.pages.flush());
    assert_eq!(stored(&memcached, &careful.key()), None);
    assert_eq!(run_of(&careful.site.get(PAGE), PAGE), 3);
}

#[test]
fn a_refresh_that_fails_leaves_the_page_and_is_tried_again() {
    let memcached = Memcached::start().unwrap();
    let careful = Careful::start(at(&memcached.address()), |visit| async move {
        match visit.number {
            2 => HttpResponse::ServiceUnavailable().finish(),
            3 => panic!("the third run panics on purpose"),
            _ => brief(&visit),
        }
    });
    careful.store();
    eventually("it is rendered anew after all", || {
        let run = stored(&memcached, &careful.key());
        assert!(run == Some(1) || run == Some(4), "{run:?}");
        run == Some(4)
    });
}

/// One render at a time, and three pages that take their time.
#[test]
fn pages_that_are_slow_to_render_keep_no_other_from_its_refresh() {
    const SLOW: [&str; 3] = ["/slow/1", "/slow/2", "/slow/3"];
    let memcached = Memcached::start().unwrap();
    let settings = at(&memcached.address());
    let careful = Careful::start_with(settings, 1, |visit| async move {
        if visit.target.starts_with("/slow") {
            tokio::time::sleep(Duration::from_secs(3)).await;
            return with_life(visit.page(), "max-age=8, stale-while-revalidate=600");
        }
        brief(&visit)
    });
    let read = |target: &str| stored(&memcached, &careful.pages.key(target).to_string());
    thread::scope(|scope| {
        for target in SLOW {
            scope.spawn(|| careful.site.get(target));
        }
    });
    careful.store();
    // In turns with the slow ones and their pauses it would take six seconds each time.
    eventually_within(
        Duration::from_secs(25),
        "it is rendered anew, ten times",
        || {
            for target in &SLOW {
                let _ = read(target);
            }
            read(PAGE) >= Some(11)
        },
    );
    eventually_within(Duration::from_secs(60), "so are they", || {
        SLOW.iter().all(|target| read(target) >= Some(2))
    });
}

#[test]
fn a_refresh_that_is_no_page_any_longer_takes_the_page_away() {
    let memcached = Memcached::start().unwrap();
    let careful = Careful::start(at(&memcached.address()), |visit| async move {
        match visit.number {
            1 => brief(&visit),
            _ => HttpResponse::NotFound().finish(),
        }
    });
    careful.store();
    eventually("it is gone", || {
        stored(&memcached, &careful.key()).is_none()
    });
}

#[test]
fn a_refresh_asks_for_the_host_the_scheme_and_the_variant_of_the_page() {
    let memcached = Memcached::start().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let asked = Arc::clone(&seen);
    let settings = at(&memcached.address())
        .vary(Vary::language(["en", "de"]))
        .vary(Vary::cookie("currency", ["eur", "usd"]))
        .vary(Vary::mobile());
    let careful = Careful::start(settings, move |visit| {
        let request = &visit.request;
        let field = |name: &str| {
            let field = request.headers().get(name);
            field.map(|field| field.to_str().unwrap().to_owned())
        };
        let fields = ["accept-language", "cookie", "sec-ch-ua-mobile"].map(field);
        asked
            .lock()
            .unwrap()
            .push((request.full_url().to_string(), fields));
        async move { brief(&visit) }
    });
    let request = Request::get(PAGE)
        .header("host", "shop.example.com")
        .header("x-forwarded-proto", "https")
        .header("accept-language", "de")
        .header("cookie", "currency=usd")
        .header("sec-ch-ua-mobile", "?1");
    assert_eq!(run_of(&request.send(careful.site.port), PAGE), 1);
    wait(careful.pages.flush());
    let keys = careful.pages.keys(PAGE);
    eventually("it is rendered anew", || {
        let runs = keys
            .iter()
            .filter_map(|key| stored(&memcached, &key.to_string()));
        runs.eq([2])
    });
    let seen = seen.lock().unwrap();
    assert_eq!(seen[0], seen[1]);
    assert!(
        seen[0].0.starts_with("https://shop.example.com/"),
        "{}",
        seen[0].0
    );
}

#[test]
fn nobody_else_can_ask_for_a_refresh() {
    let memcached = Memcached::start().unwrap();
    let word = Arc::new(Mutex::new(None));
    let known = Arc::clone(&word);
    let careful = Careful::start(at(&memcached.address()), move |visit| {
        let sent = visit.request.headers().get("djanginxed-refresh").cloned();
        if let Some(sent) = sent {
            *known.lock().unwrap() = Some(sent.to_str().unwrap().to_owned());
        }
        async move { with_life(visit.page(), "max-age=2, stale-while-revalidate=600") }
    });
    careful.store();
    eventually("it is rendered anew", || {
        stored(&memcached, &careful.key()) == Some(2)
    });
    let used = word
        .lock()
        .unwrap()
        .clone()
        .expect("the handler sees the word");
    for word in [&*used, "", "0", &"0".repeat(32)] {
        let request = Request::get(PAGE).header("djanginxed-refresh", word);
        let response = request.send(careful.site.port);
        assert!(status_of(&response).starts_with("hit"), "{word}");
        assert_eq!(response.header("djanginxed-refreshed"), None);
    }
}

/// The page is purged while nginx reads it all the time: it is there at each moment, and
/// new as soon as the purge has returned.
#[track_caller]
fn a_purge_replaces_what_is_read(purge: Purge) {
    let memcached = Memcached::start().unwrap();
    let careful = Careful::start(
        at(&memcached.address()),
        |visit| async move { visit.page() },
    );
    careful.store();
    let (key, over) = (careful.key(), AtomicBool::new(false));
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut gaps = 0;
            while !over.load(Ordering::SeqCst) {
                gaps += usize::from(stored(&memcached, &key).is_none());
            }
            gaps
        });
        eventually("it is read", || {
            memcached.command(&format!("mg {key} h u")).contains("h1")
        });
        let purged = wait(careful.pages.purge(purge)).unwrap();
        assert_eq!(stored(&memcached, &key), Some(2));
        over.store(true, Ordering::SeqCst);
        assert_eq!(
            (purged.replaced, purged.deleted, purged.in_doubt),
            (1, 0, 0)
        );
        assert_eq!(reader.join().unwrap(), 0, "somebody had to wait");
    });
    assert_eq!(run_of(&careful.site.get(PAGE), PAGE), 2);
}

/// The page has a part, and the part a render for each who sees it.
#[test]
fn nobody_asks_for_the_parts_of_a_page_that_is_rendered_anew() {
    const PART: &str = "/part";
    let memcached = Memcached::start().unwrap();
    let settings = at(&memcached.address()).parts(true);
    let careful = Careful::start(settings, |visit| async move {
        match &*visit.target {
            PART => with_life(html("one's own"), "no-store"),
            _ => html(format!(
                "render {} of {}",
                visit.number,
                include(PART).or("none")
            )),
        }
    });
    let parts = || careful.site.runs(PART);
    assert_eq!(careful.site.get(PAGE).text(), "render 1 of one's own");
    wait(careful.pages.flush());
    assert_eq!(parts(), 1);
    assert_eq!(stored(&memcached, &careful.key()), Some(1));
    let purged = wait(careful.pages.purge(Purge::page(PAGE))).unwrap();
    assert_eq!(purged.replaced, 1, "{purged:?}");
    assert_eq!(stored(&memcached, &careful.key()), Some(2));
    assert_eq!(parts(), 1);
    // What is stored has its part, which each visitor gets.
    assert_eq!(careful.site.get(PAGE).text(), "render 2 of one's own");
    assert_eq!((careful.site.runs(PAGE), parts()), (2, 2));
}

#[test]
fn a_purge_of_a_page_replaces_it() {
    a_purge_replaces_what_is_read(Purge::page(PAGE));
}

#[test]
fn a_purge_of_a_tag_replaces_what_is_read() {
    a_purge_replaces_what_is_read(Purge::everything());
}

/// Two processes behind one nginx; the runs of the second count from 101.
struct Pair {
    memcached: Memcached,
    first: Careful,
    second: Careful,
}

impl Pair {
    fn start(settings: impl Fn(PageCacheBuilder) -> PageCacheBuilder) -> Pair {
        let memcached = Memcached::start().unwrap();
        let start = |before: usize| {
            let settings = settings(at(&memcached.address()));
            Careful::start(settings, move |visit| async move {
                html(body(&visit.target, before + visit.number, 2_000))
            })
        };
        let (first, second) = (start(0), start(100));
        Pair {
            memcached,
            first,
            second,
        }
    }

    /// The run that nginx has of a target.
    fn stored(&self, target: &str) -> Option<usize> {
        stored(&self.memcached, &self.first.pages.key(target).to_string())
    }
}

#[test]
fn a_purge_by_another_process_leaves_nobody_waiting_behind_nginx() {
    for purge in [Purge::page(PAGE), Purge::everything()] {
        let pair = Pair::start(|settings| settings.operation_timeout(Duration::from_secs(2)));
        pair.first.store();
        let nginx = in_front_of(&pair.first.site, &pair.memcached);
        let read = || {
            let response = get(nginx.port(), PAGE);
            let hit = Some("nginx; hit");
            assert_eq!(response.header("cache-status"), hit, "it waited");
            run_of(&response, PAGE)
        };
        assert_eq!(read(), 1);
        let over = AtomicBool::new(false);
        let purged = thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !over.load(Ordering::SeqCst) {
                        read();
                    }
                });
            }
            let purged = wait(pair.second.pages.purge(purge));
            over.store(true, Ordering::SeqCst);
            purged.unwrap()
        });
        assert_eq!((purged.replaced, purged.deleted), (1, 0));
        assert_eq!(read(), 101);
    }
}

#[test]
fn a_purge_by_another_process_deletes_what_nobody_read_and_replaces_the_rest() {
    const PAGES: usize = 20;
    let pair = Pair::start(|settings| settings);
    let target = |number: usize| format!("/page/{number}");
    for number in 0..PAGES {
        let target = target(number);
        assert_eq!(run_of(&pair.first.site.get(&target), &target), 1);
    }
    wait(pair.first.pages.flush());
    for number in 0..PAGES / 2 {
        assert_eq!(pair.stored(&target(number)), Some(1));
    }
    let purged = wait(pair.second.pages.purge(Purge::everything())).unwrap();
    let half = PAGES as u64 / 2;
    assert_eq!((purged.replaced, purged.deleted), (half, half));
    for number in 0..PAGES {
        let new = (number < PAGES / 2).then_some(101);
        assert_eq!(pair.stored(&target(number)), new, "{number}");
    }
}

#[test]
fn a_page_that_one_process_is_replacing_another_purge_finds() {
    let memcached = Memcached::start().unwrap();
    let gate = Gate::default();
    let start = |is_gated| {
        let gate = gate.clone();
        let settings = at(&memcached.address()).purge_deadline(Duration::from_secs(20));
        Careful::start(settings, move |visit| {
            let gate = gate.clone();
            async move {
                if is_gated {
                    gate.pass().await;
                }
                visit.page()
            }
        })
    };
    let (first, second) = (start(false), start(true));
    first.store();
    let key = first.key();
    assert_eq!(stored(&memcached, &key), Some(1));
    thread::scope(|scope| {
        let replacing = scope.spawn(|| wait(second.pages.purge(Purge::everything())));
        eventually("it is being rendered", || second.site.runs(PAGE) == 1);
        let purged = wait(first.pages.purge(Purge::everything().hard())).unwrap();
        assert_eq!((purged.replaced, purged.deleted), (0, 1));
        assert_eq!(stored(&memcached, &key), None);
        gate.open();
        // Nor is that undone by the render, which had begun before.
        assert_eq!(replacing.join().unwrap().unwrap().replaced, 0);
        assert_eq!(stored(&memcached, &key), None);
    });
}

#[test]
fn another_process_asks_for_the_host_the_scheme_and_the_variant_of_the_page() {
    let memcached = Memcached::start().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let start = || {
        let asked = Arc::clone(&seen);
        let settings = at(&memcached.address())
            .vary(Vary::language(["en", "de"]))
            .vary(Vary::cookie("currency", ["eur", "usd"]));
        Careful::start(settings, move |visit| {
            let request = &visit.request;
            let fields = ["accept-language", "cookie"].map(|name| {
                let field = request.headers().get(name).unwrap();
                field.to_str().unwrap().to_owned()
            });
            let url = request.full_url().to_string();
            asked.lock().unwrap().push((url, fields));
            async move { visit.page() }
        })
    };
    let [first, second] = [start(), start()];
    let request = Request::get(PAGE)
        .header("host", "shop.example.com")
        .header("x-forwarded-proto", "https")
        .header("accept-language", "de")
        .header("cookie", "currency=usd");
    assert_eq!(run_of(&request.send(first.site.port), PAGE), 1);
    wait(first.pages.flush());
    let keys = first.pages.keys(PAGE);
    let runs = || {
        let runs = keys.iter();
        runs.filter_map(|key| stored(&memcached, &key.to_string()))
            .collect::<Vec<_>>()
    };
    assert_eq!(runs(), [1]);
    let purged = wait(second.pages.purge(Purge::page(PAGE))).unwrap();
    assert_eq!((purged.replaced, purged.deleted), (1, 0));
    assert_eq!(runs(), [1]);
    assert_eq!((first.site.runs(PAGE), second.site.runs(PAGE)), (1, 1));
    let seen = seen.lock().unwrap();
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0].0.starts_with("https://shop.example.com/"));
}

#[test]
fn a_page_is_replaced_soon_after_another_process_has_purged_it() {
    let pair = Pair::start(|settings| settings);
    pair.first.store();
    assert_eq!(
        wait(pair.first.pages.purge(Purge::everything()))
            .unwrap()
            .deleted,
        1
    );
    assert_eq!(run_of(&pair.first.site.get(PAGE), PAGE), 2);
    wait(pair.first.pages.flush());
    assert_eq!(pair.stored(PAGE), Some(2));
    // The first render could be from before that purge, for all that the second knows.
    let purged = wait(pair.second.pages.purge(Purge::page(PAGE))).unwrap();
    assert_eq!((purged.replaced, purged.deleted), (1, 0));
    assert_eq!(pair.stored(PAGE), Some(102));
}

/// It could be an older one that is stored in the place of the one that was looked at.
#[test]
fn a_page_that_a_third_process_is_about_to_store_is_deleted() {
    for purge in [Purge::page(PAGE), Purge::everything()] {
        let pair = Pair::start(|settings| settings);
        pair.first.store();
        assert_eq!(pair.stored(PAGE), Some(1));
        let announces = format!("ma in:{} N4 J1 T4", pair.first.key());
        assert!(pair.memcached.command(&announces).starts_with("HD"));
        let purged = wait(pair.second.pages.purge(purge)).unwrap();
        assert_eq!((purged.replaced, purged.deleted), (0, 1));
        assert_eq!(pair.stored(PAGE), None);
        assert_eq!(pair.second.site.arrived(), 0);
    }
}

/// What nobody reads may take a purge long, here until a process that was killed is known
/// not to store its page any more.
#[test]
fn a_page_is_replaced_though_others_take_long_to_delete() {
    let pair = Pair::start(|settings| settings);
    pair.first.store();
    assert_eq!(run_of(&pair.first.site.get("/killed"), "/killed"), 1);
    wait(pair.first.pages.flush());
    assert_eq!(pair.stored(PAGE), Some(1));
    let killed = pair.first.pages.key("/killed");
    let announces = format!("ma in:{killed} N4 J1 T4");
    assert!(pair.memcached.command(&announces).starts_with("HD"));
    let asked = Instant::now();
    let purged = wait(pair.second.pages.purge(Purge::everything())).unwrap();
    assert_eq!((purged.replaced, purged.deleted), (1, 1));
    assert_eq!(pair.stored(PAGE), Some(101));
    assert!(asked.elapsed() > Duration::from_secs(1));
}

/// Whoever can write to Memcached could write anything there.
#[test]
fn a_page_beside_which_another_ones_note_lies_is_deleted_and_nothing_is_asked_for() {
    for purge in [Purge::page(PAGE), Purge::everything()] {
        let pair = Pair::start(|settings| settings);
        pair.first.store();
        assert_eq!(run_of(&pair.first.site.get("/other"), "/other"), 1);
        wait(pair.first.pages.flush());
        let name = |target| format!("rq:{}", pair.first.pages.key(target));
        let note = pair.memcached.get(name("/other")).expect("a note");
        pair.memcached.set(name(PAGE), 0, 600, &note.bytes);
        assert_eq!(pair.stored(PAGE), Some(1));
        assert_eq!(pair.stored("/other"), Some(1));
        let is_all = format!("{purge:?}").contains("Everything");
        let purged = wait(pair.second.pages.purge(purge)).unwrap();
        assert_eq!((purged.replaced, purged.deleted), (u64::from(is_all), 1));
        assert_eq!(pair.stored(PAGE), None);
        assert_eq!(pair.second.site.arrived(), usize::from(is_all));
    }
}

#[test]
fn a_purge_deletes_what_nobody_read_and_a_hard_one_all() {
    for (is_read, hard) in [(false, false), (true, true)] {
        for purge in [Purge::page(PAGE), Purge::everything()] {
            let memcached = Memcached::start().unwrap();
            let settings = at(&memcached.address());
            let careful = Careful::start(settings, |visit| async move { visit.page() });
            careful.store();
            if is_read {
                assert_eq!(stored(&memcached, &careful.key()), Some(1));
            }
            let purge = if hard { purge.hard() } else { purge };
            let purged = wait(careful.pages.purge(purge)).unwrap();
            assert_eq!((purged.replaced, purged.deleted), (0, 1));
            assert_eq!(stored(&memcached, &careful.key()), None);
            assert_eq!(careful.site.runs(PAGE), 1);
        }
    }
}

#[test]
fn what_is_not_rendered_by_the_deadline_is_deleted() {
    for purge in [Purge::page(PAGE), Purge::everything()] {
        let memcached = Memcached::start().unwrap();
        let gate = Gate::default();
        let handlers = gate.clone();
        let settings = at(&memcached.address()).purge_deadline(Duration::from_millis(200));
        let careful = Careful::start(settings, move |visit| {
            let gate = handlers.clone();
            async move {
                if visit.number == 2 {
                    gate.pass().await;
                }
                visit.page()
            }
        });
        careful.store();
        assert_eq!(stored(&memcached, &careful.key()), Some(1));
        let purged = wait(careful.pages.purge(purge)).unwrap();
        assert_eq!((purged.replaced, purged.deleted), (0, 1));
        assert_eq!(stored(&memcached, &careful.key()), None);
        gate.open();
        assert_eq!(run_of(&careful.site.get(PAGE), PAGE), 3);
    }
}

#[test]
fn a_purge_in_memory_replaces_what_is_read() {
    for purge in [Purge::page(PAGE), Purge::everything()] {
        let settings = PageCache::builder();
        let careful = Careful::start(settings, |visit| async move { visit.page() });
        assert_eq!(run_of(&careful.site.get(PAGE), PAGE), 1);
        assert_eq!(run_of(&careful.site.get("/unread"), "/unread"), 1);
        assert_eq!(status_of(&careful.site.get(PAGE)), "hit");
        let is_all = format!("{purge:?}").contains("Everything");
        let purged = wait(careful.pages.purge(purge)).unwrap();
        assert_eq!((purged.replaced, purged.deleted), (1, u64::from(is_all)));
        let hit = careful.site.get(PAGE);
        assert_eq!((run_of(&hit, PAGE), status_of(&hit)), (2, "hit"));
    }
}

#[test]
fn with_memcached_down_or_hung_pages_are_served_and_a_purge_says_so() {
    let mut memcached = Memcached::start().unwrap();
    let careful = Careful::start(
        at(&memcached.address()),
        |visit| async move { brief(&visit) },
    );
    careful.store();
    assert_eq!(stored(&memcached, &careful.key()), Some(1));
    memcached.pause();
    let asked = Instant::now();
    for purge in [Purge::page(PAGE), Purge::everything()] {
        assert!(wait(careful.pages.purge(purge)).is_err());
    }
    for _ in 0..10 {
        assert_eq!(careful.site.get(PAGE).status, 200);
    }
    assert!(
        asked.elapsed() < Duration::from_secs(10),
        "{:?}",
        asked.elapsed()
    );
    memcached.resume();
    // All of this is forgotten, and new pages are looked after.
    memcached.restart_empty().unwrap();
    let mut last = 0;
    eventually("pages are looked after again", || {
        if let Some(run) = stored(&memcached, &careful.key()) {
            let is_new = last > 0 && run > last;
            last = run;
            return is_new;
        }
        assert_eq!(careful.site.get(PAGE).status, 200);
        false
    });
}

#[test]
fn somebody_else_at_the_address_leaves_the_page_as_it_is() {
    let memcached = Memcached::start().unwrap();
    let other = Site::start(&PageCache::builder().build().unwrap(), |_| async {
        html("of another process")
    });
    let pages = at(&memcached.address())
        .refresh_through(format!("http://127.0.0.1:{}", other.port))
        .build()
        .unwrap();
    let site = Site::start(&pages, |visit| async move { visit.page() });
    assert_eq!(run_of(&site.get(PAGE), PAGE), 1);
    wait(pages.flush());
    let key = pages.key(PAGE).to_string();
    assert_eq!(stored(&memcached, &key), Some(1));
    let purged = wait(pages.purge(Purge::page(PAGE))).unwrap();
    assert_eq!((purged.replaced, purged.deleted), (0, 1));
    assert_eq!(stored(&memcached, &key), None);
}

#[test]
fn a_process_that_was_killed_in_mid_render_leaves_the_page_to_another() {
    let memcached = Memcached::start().unwrap();
    let careful = Careful::start(
        at(&memcached.address()),
        |visit| async move { brief(&visit) },
    );
    careful.store();
    // As that process leaves it.
    memcached.set(format!("lk:{}", careful.key()), 0, 2, b"");
    eventually("it is rendered anew", || {
        stored(&memcached, &careful.key()) == Some(2)
    });
}

#[test]
fn what_is_read_after_all_is_rendered_anew_after_all() {
    let memcached = Memcached::start().unwrap();
    let careful = Careful::start(at(&memcached.address()), |visit| async move {
        with_life(visit.page(), "max-age=1, stale-while-revalidate=16")
    });
    careful.store();
    thread::sleep(Duration::from_secs(3));
    assert_eq!(careful.site.runs(PAGE), 1);
    eventually("it is rendered anew", || {
        stored(&memcached, &careful.key()) == Some(2)
    });
}

/// Visitors of nginx who ask for all pages again and again.
#[test]
fn behind_nginx_nobody_waits_after_the_first_render_and_unread_pages_cost_nothing() {
    const PAGES: usize = 60;
    const LIFE: Duration = Duration::from_secs(2);
    let memcached = Memcached::start().unwrap();
    let renders = Arc::new(AtomicUsize::new(0));
    let rendered = Arc::clone(&renders);
    let settings = at(&memcached.address()).operation_timeout(Duration::from_secs(2));
    let careful = Careful::start(settings, move |visit| {
        rendered.fetch_add(1, Ordering::SeqCst);
        async move {
            actix_web::rt::time::sleep(Duration::from_millis(20)).await;
            with_life(visit.page(), "max-age=2, stale-while-revalidate=600")
        }
    });
    let target = |kind: &str, number: usize| format!("/{kind}/{number}");
    for number in 0..PAGES {
        for kind in ["read", "unread"] {
            let target = target(kind, number);
            assert_eq!(run_of(&careful.site.get(&target), &target), 1);
        }
    }
    wait(careful.pages.flush());
    let nginx = in_front_of(&careful.site, &memcached);
    let (begun, mut newest) = (Instant::now(), 0);
    let (mut by_nginx, mut by_application) = (0, 0);
    while begun.elapsed() < LIFE * 4 {
        for number in 0..PAGES {
            let target = target("read", number);
            let response = get(nginx.port(), &target);
            match response.header("cache-status").unwrap() {
                "nginx; hit" => by_nginx += 1,
                // On a busy machine a lookup takes longer than nginx waits.
                status if status.starts_with("djanginxed; hit") => by_application += 1,
                status => panic!("it waited: {status}"),
            }
            newest = newest.max(run_of(&response, &target));
        }
    }
    let times = begun.elapsed().as_secs_f64() / LIFE.as_secs_f64();
    assert!(newest >= 3, "nothing was rendered anew");
    let of_all = format!("{by_application} beside {by_nginx} by nginx");
    assert!(by_application * 20 <= by_nginx, "{of_all}");
    for number in 0..PAGES {
        assert_eq!(careful.site.runs(&target("unread", number)), 1);
    }
    let most = 2.0 * PAGES as f64 + PAGES as f64 * (times + 1.0);
    let renders = renders.load(Ordering::SeqCst);
    assert!(renders as f64 <= most, "{renders} renders in {times} lives");
}
