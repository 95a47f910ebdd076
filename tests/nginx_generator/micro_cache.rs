//! The micro cache: as fast as `proxy_cache`, and for a second alone.

use std::fs;
use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use djanginxed::nginx::{Md5, Site};
use djanginxed::{Layout, PageCache, PageCacheBuilder, PageKey, Vary};
use flate2::{Compression, write::GzEncoder};
use testkit::http::{Request, Response};
use testkit::{Memcached, eventually};

use crate::stand::{Stand, cache, is_hit};

/// Below nginx's own folder, so that it goes with it.
const FOLDER: &str = "micro";

fn micro(site: Site) -> Site {
    site.micro_cache(1).micro_cache_path(FOLDER)
}

fn stand() -> Stand {
    Stand::with(cache, micro)
}

fn key(target: &str) -> String {
    PageKey::new("site1", target).to_string()
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// Waits for the beginning of a second.
fn begin_of_second() {
    let past = now().subsec_millis();
    std::thread::sleep(Duration::from_millis(u64::from(1_001 - past)));
}

/// How often Memcached was asked for a page.
fn asked(stand: &Stand) -> u64 {
    stand.memcached.stat("cmd_get")
}

/// Asks until nginx answers without asking Memcached: `ask` is done twice within one
/// second, and a third time.
#[track_caller]
fn until_kept(stand: &Stand, ask: impl Fn() -> Response) -> Response {
    let mut answer = None;
    eventually("nginx answers by itself", || {
        begin_of_second();
        for _ in 0..3 {
            ask();
        }
        let before = asked(stand);
        answer = Some(ask());
        asked(stand) == before
    });
    answer.unwrap()
}

#[test]
fn a_hot_page_is_answered_while_memcached_is_killed() {
    for md5 in [Md5::SetMisc, Md5::Njs] {
        let memcached = Memcached::start().unwrap();
        let pages = cache(&memcached).build().unwrap();
        let mut stand = Stand::over(memcached, &pages, md5, micro);
        let mut is_down = false;
        eventually("a page outlives Memcached", || {
            if is_down {
                stand.memcached.restart_empty().unwrap();
            }
            stand.store("site1", "/a", "hot");
            begin_of_second();
            // While it was away nginx has left it alone for some time.
            if !(0..3).all(|_| is_hit(&stand.get("/a"))) {
                return false;
            }
            stand.memcached.kill();
            is_down = true;
            let answer = stand.get("/a");
            is_hit(&answer) && answer.text() == "hot"
        });
        eventually("its second is over", || !is_hit(&stand.get("/a")));
        assert!(!is_hit(&stand.get("/a")));
    }
}

/// Deletes a hot page at `moment` of a second: nginx answers with it for a second at the
/// most. Whether it did at all.
fn gone_in_time(stand: &Stand, moment: Duration) -> bool {
    stand.store("site1", "/a", "old");
    until_kept(stand, || stand.get("/a"));
    begin_of_second();
    std::thread::sleep(moment);
    for _ in 0..3 {
        assert!(is_hit(&stand.get("/a")));
    }
    stand.memcached.delete(key("/a"));
    let deleted = now();
    let mut was_seen = false;
    loop {
        let sent = now();
        if !is_hit(&stand.get("/a")) {
            return was_seen;
        }
        let late = sent.saturating_sub(deleted);
        assert!(late < Duration::from_secs(1), "{late:?} after its delete");
        was_seen = true;
    }
}

#[test]
fn a_deleted_page_is_gone_within_the_second() {
    // What else an http block may say.
    let hostile = "proxy_cache_use_stale error timeout updating http_404; proxy_cache_valid any 1h;\n\
        proxy_cache_convert_head off; proxy_cache_lock on; proxy_cache_background_update on;\n\
        proxy_ignore_headers X-Accel-Expires; add_header Cache-Control max-age=3600;\n";
    for before in ["", hostile] {
        let memcached = Memcached::start().unwrap();
        let pages = cache(&memcached).build().unwrap();
        let edit = |_, file| format!("{before}{file}");
        let stand = Stand::edited(memcached, &pages, Md5::SetMisc, micro, edit);
        let moments = [50, 300, 600, 900].map(Duration::from_millis);
        let seen = moments.map(|moment| gone_in_time(&stand, moment));
        // Else nothing is shown.
        assert!(seen.contains(&true), "{seen:?}");
    }
}

#[test]
fn a_miss_is_not_kept_and_nothing_that_the_application_says() {
    let stand = Stand::with(
        |memcached| cache(memcached).bypass_cookie("sessionid"),
        micro,
    );
    let with_cookie = || stand.send(Request::get("/a").header("Cookie", "sessionid=1"));
    for _ in 0..5 {
        assert!(!is_hit(&stand.get("/a")));
        assert!(!is_hit(&with_cookie()));
        assert!(!is_hit(&stand.send(Request::new("POST", "/a").body("x"))));
    }
    stand.store("site1", "/a", "stored");
    // At once, and not in a second.
    assert!(is_hit(&stand.get("/a")));
    until_kept(&stand, || stand.get("/a"));
    for _ in 0..3 {
        assert!(!is_hit(&with_cookie()));
        assert!(is_hit(&stand.get("/a")));
    }
    for file in fs::read_dir(stand.nginx.folder().join(FOLDER)).unwrap() {
        // One of nginx's own may be gone by now.
        let text = fs::read(file.unwrap().path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        assert!(text.is_empty() || text.ends_with("stored"), "{text}");
    }
}

#[test]
fn head_get_and_ranges_are_answered_from_one_copy() {
    let stand = stand();
    stand.store("site1", "/a", "0123456789");
    let head = || stand.send(Request::new("HEAD", "/a"));
    let kept = until_kept(&stand, head);
    assert!(is_hit(&kept) && kept.text().is_empty());
    assert_eq!(kept.header("content-length"), Some("10"));
    let kept = until_kept(&stand, || {
        head();
        stand.get("/a")
    });
    assert_eq!(kept.text(), "0123456789");
    assert_eq!(
        kept.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(kept.header("x-accel-expires"), None);
    let range = || stand.send(Request::get("/a").header("Range", "bytes=2-4"));
    let kept = until_kept(&stand, range);
    assert_eq!((kept.status, kept.text()), (206, "234"));
}

#[test]
fn gzip_is_for_those_who_take_it() {
    let stand = stand();
    let page = "words ".repeat(1_000);
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(page.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    stand.store_with_flags("site1", "/a", 2, &packed);
    let taking = || stand.send(Request::get("/a").header("Accept-Encoding", "gzip"));
    let kept = until_kept(&stand, || {
        stand.get("/a");
        taking()
    });
    assert_eq!(kept.header("content-encoding"), Some("gzip"));
    assert_eq!(kept.header("vary"), Some("Accept-Encoding"));
    assert_eq!(kept.body, packed);
    let kept = until_kept(&stand, || {
        taking();
        stand.get("/a")
    });
    assert_eq!(kept.header("content-encoding"), None);
    assert_eq!(kept.text(), page);
}

#[test]
fn what_is_another_page_to_the_application_is_one_here() {
    for md5 in [Md5::SetMisc, Md5::Njs] {
        let memcached = Memcached::start().unwrap();
        let pages = cache(&memcached).vary(Vary::language(["en", "de"]));
        let pages = pages.build().unwrap();
        let stand = Stand::over(memcached, &pages, md5, |site| {
            micro(site).page("/api/", "site1", "application/json").page(
                "/other/",
                "site2",
                "text/html",
            )
        });
        for (start, target, body) in [
            ("site1~en", "/a", "English"),
            ("site1~de", "/a", "Deutsch"),
            ("site1~en=application/json", "/api/", "{}"),
            ("site2~en", "/other/", "other"),
            ("site1~en", "/a?b", "query"),
        ] {
            let key = PageKey::new(start, target).to_string();
            stand.memcached.set(key, 0, 0, body);
        }
        let get = |target: &str, language: &str| {
            stand.send(Request::get(target).header("Accept-Language", language))
        };
        let kept = until_kept(&stand, || {
            for _ in 0..2 {
                for (target, language, body) in [
                    ("/a", "de", "Deutsch"),
                    ("/api/", "en", "{}"),
                    ("/other/", "en", "other"),
                    ("/a?b", "en", "query"),
                    ("/a", "en", "English"),
                ] {
                    let answer = get(target, language);
                    assert_eq!(answer.text(), body, "{md5:?} {target} {language}");
                }
            }
            get("/api/", "en")
        });
        let served_as = kept.header("content-type");
        assert_eq!(
            served_as.and_then(|kind| kind.split(';').next()),
            Some("application/json")
        );
    }
}

#[test]
fn a_longer_life_is_one_less_in_nginx_which_counts_whole_seconds() {
    let memcached = Memcached::start().unwrap();
    let pages = cache(&memcached).build().unwrap();
    let site = |seconds| {
        Site::new(&pages)
            .server_name("h")
            .app("h:80")
            .micro_cache(seconds)
    };
    let files = site(5).generate().unwrap();
    assert!(files.http().contains("add_header X-Accel-Expires 4;"));
    assert!(
        files
            .http()
            .contains("proxy_cache_path \"/run/djanginxed_micro\"")
    );
    assert!(files.full().contains("proxy_cache_path \"micro_cache\""));
    let named = site(1).name("shop").generate().unwrap();
    assert!(
        named
            .http()
            .contains("\"/run/djanginxed_shop_micro\" keys_zone=djanginxed_shop_micro:")
    );
    for seconds in [0, 61] {
        let said = site(seconds).generate().unwrap_err().to_string();
        assert!(said.contains("1 to 60 seconds"), "{said}");
    }
}

#[test]
fn whole_responses_have_no_micro_cache() {
    let memcached = Memcached::start().unwrap();
    let settings = |pages: PageCacheBuilder| pages.layout(Layout::Response).build().unwrap();
    let pages: PageCache = settings(cache(&memcached));
    let site = Site::new(&pages).server_name("h").app("h:80");
    let said = site.micro_cache(1).generate().unwrap_err().to_string();
    assert!(
        said.contains("micro cache") && said.contains("layout body"),
        "{said}"
    );
}
