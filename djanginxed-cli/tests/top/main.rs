//! `djanginxed top`, beside a real application, nginx and Memcached.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod live;
mod site;
#[path = "../cli/tool.rs"]
mod tool;

use actix_web::rt;
use serde_json::Value;
use testkit::{Nginx, eventually, free_port};

use crate::site::Running;
use crate::tool::{Done, command, finish, run};

impl Running {
    fn start() -> Running {
        Running::with(|pages| pages)
    }

    /// A page of the application itself.
    fn app(&self, target: &str) -> String {
        format!("http://127.0.0.1:{}{target}", self.application)
    }

    /// A page of the site, as nginx serves it.
    fn url(&self, target: &str) -> String {
        format!("http://127.0.0.1:{}{target}", self.nginx.port())
    }
}

/// One look by `args`.
fn top(args: &[&str]) -> Done {
    let once = ["top", "--once", "--interval", "1"];
    finish(command().args(once).args(args), "")
}

fn json(args: &[&str]) -> (i32, Value) {
    let done = top(&[args, &["--json"]].concat());
    let value = serde_json::from_str(&done.out);
    (done.code, value.unwrap_or_else(|_| panic!("{done:?}")))
}

fn total(value: &Value) -> u64 {
    value["total"].as_u64().unwrap()
}

fn unreached(view: &Value) -> Vec<(&str, &str)> {
    let all = view["unreached"].as_array().unwrap().iter();
    all.map(|one| (one["what"].as_str().unwrap(), one["why"].as_str().unwrap()))
        .collect()
}

#[test]
fn all_sources_together_tell_all() {
    let site = Running::start();
    let (metrics, admin) = (site.app("/metrics"), site.app("/_pages"));
    let memcached = site.memcached.address();
    site.until_hit("/articles/1");
    for _ in 0..20 {
        site.get("/articles/1");
    }
    site.get("/slow");
    site.get("/session");
    let args = [
        "--metrics",
        &metrics,
        "--admin",
        &admin,
        "--hit-feed",
        &site.feed,
        "--servers",
        &memcached,
    ];
    let mut seen = Value::Null;
    eventually("nginx's hits are counted", || {
        let (code, view) = json(&args);
        assert_eq!((code, unreached(&view)), (0, Vec::new()));
        seen = view;
        !seen["nginx"].is_null() && total(&seen["nginx"]["hits"]) >= 20
    });
    let application = &seen["application"];
    assert!(total(&application["requests"]) >= 3, "{application}");
    assert!(total(&application["stores"]) >= 2, "{application}");
    assert!(application["render_seconds"]["total"].as_f64().unwrap() > 0.0);
    let ratio = seen["nginx"]["hit_ratio"]["total"].as_f64().unwrap();
    assert!((0.5..1.0).contains(&ratio), "{seen}");
    let refusals = seen["refusals"].as_array().unwrap();
    let refused = |one: &Value| one["kind"] == "not stored" && one["reason"] == "set-cookie";
    assert!(refusals.iter().any(refused), "{refusals:?}");
    let hottest = &seen["hottest"][0];
    assert_eq!(hottest["target"], "/articles/1");
    assert!(hottest["hits"].as_u64().unwrap() >= 20);
    let slowest = &seen["slowest"][0];
    assert_eq!(slowest["target"], "/slow");
    assert!(slowest["milliseconds"].as_u64().unwrap() >= 300);
    let server = &seen["servers"][0];
    assert_eq!(server["address"], Value::from(memcached.as_str()));
    assert!(server["items"].as_u64().unwrap() >= 1);
    assert!(server["memory_limit"].as_u64().unwrap() > server["memory"].as_u64().unwrap());
    assert!(server["max_connections"].as_u64().unwrap() > server["connections"].as_u64().unwrap());
    assert_eq!(total(&server["evictions"]), 0);
    assert_eq!(server["breaker_open"], false);
    let text = top(&args).out;
    for words in [
        "/slow",
        "not stored set-cookie",
        memcached.as_str(),
        "closed",
    ] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
}

#[test]
fn the_hottest_pages_are_warmed_first() {
    let site = Running::start();
    // The other way round than they are asked for.
    let hot = [("/articles/3", 20), ("/articles/1", 10), ("/articles/2", 5)];
    for (target, hits) in hot.iter().rev() {
        site.until_hit(target);
        for _ in 0..*hits {
            site.get(target);
        }
    }
    eventually("nginx's hits are counted", || {
        let (_, view) = json(&["--hit-feed", &site.feed]);
        !view["nginx"].is_null() && total(&view["nginx"]["hits"]) >= 38
    });
    rt::System::new().block_on(async {
        for (target, _) in hot {
            site.pages.delete(&site.pages.key(target)).await.unwrap();
        }
    });
    let origin = site.url("");
    let warm = ["warm", "--hot", &origin, "--json", "-n", "1"];
    let warm = command()
        .args(warm)
        .args(["--hit-feed", &site.feed])
        .output();
    let warm: Value = serde_json::from_slice(&warm.unwrap().stdout).unwrap();
    let pages = warm["pages"].as_array().unwrap().iter();
    let became: Vec<_> = pages
        .map(|page| (page["url"].as_str().unwrap(), page["became"].as_str()))
        .collect();
    let urls = hot.map(|(target, _)| site.url(target));
    let expected = urls.each_ref().map(|url| (url.as_str(), Some("stored")));
    assert_eq!(became, expected);

    let nobody = run(["warm", "--hot", &origin, "--hit-feed", "/nowhere/hits.sock"]);
    assert_eq!(nobody.code, 1);
    assert!(
        nobody.err.contains("the feed of hits /nowhere/hits.sock:"),
        "{nobody:?}"
    );
    let no_feed = run(["warm", "--hot", &origin]);
    assert_eq!(no_feed.code, 2);
    let page = run(["warm", "--hot", &site.url("/a"), "--hit-feed", &site.feed]);
    assert_eq!(page.code, 2);
    assert!(page.err.contains("give the site alone"), "{page:?}");
}

#[test]
fn each_source_alone_tells_what_it_knows() {
    let site = Running::start();
    site.until_hit("/articles/1");
    site.get("/session");
    let (metrics, admin) = (site.app("/metrics"), site.app("/_pages"));
    let (_, view) = json(&["--metrics", &metrics]);
    assert!(view["application"].is_object() && view["hottest"].is_null());
    assert!(view["slowest"].is_null() && view["servers"].as_array().unwrap().is_empty());
    let (_, view) = json(&["--admin", &admin]);
    assert!(total(&view["application"]["requests"]) >= 2, "{view}");
    assert!(
        view["slowest"].is_array() && view["hottest"].is_array(),
        "{view}"
    );
    eventually("the feed is told", || {
        site.get("/articles/1");
        let (_, view) = json(&["--hit-feed", &site.feed]);
        assert!(view["application"].is_null());
        // Of what share of the requests nobody tells.
        assert!(view["nginx"]["hit_ratio"]["total"].is_null(), "{view}");
        total(&view["nginx"]["hits"]) >= 1
    });
    let memcached = site.memcached.address();
    let (_, view) = json(&["--servers", &memcached]);
    assert!(view["nginx"].is_null() && view["servers"][0]["breaker_open"].is_null());
    let text = top(&["--servers", &memcached]).out;
    assert!(text.contains("application  not known"), "{text}");
}

#[test]
fn purges_that_wait_are_shown() {
    let mut site = Running::start();
    let (metrics, admin) = (site.app("/metrics"), site.app("/_pages"));
    let sources = [["--metrics", &metrics], ["--admin", &admin]];
    let waiting = |args: &[&str]| json(args).1["application"]["pending_purges"].as_u64();
    assert_eq!(waiting(&sources[1]), Some(0));
    assert!(!top(&sources[1]).out.contains("purge"));
    site.memcached.stop();
    let change = testkit::http::Request::new("POST", "/change");
    assert_eq!(change.send(site.application).status, 204);
    for args in &sources {
        assert_eq!(waiting(args), Some(1), "{args:?}");
        let text = top(args).out;
        assert!(text.contains("1 purge waits"), "{text}");
    }
}

#[test]
fn what_is_missing_is_named_and_the_rest_is_shown() {
    let mut site = Running::start();
    site.get("/articles/1");
    let metrics = site.app("/metrics");
    let (here, gone) = (
        site.memcached.address(),
        format!("127.0.0.1:{}", free_port()),
    );
    let servers = format!("{here},{gone}");
    let nowhere = format!("http://127.0.0.1:{}/metrics", free_port());
    let feed = format!("{}.none", site.feed);
    let (code, view) = json(&[
        "--metrics",
        &metrics,
        "--metrics",
        &nowhere,
        "--hit-feed",
        &feed,
        "--servers",
        &servers,
    ]);
    assert_eq!(code, 1);
    let missing = unreached(&view);
    let named: Vec<_> = missing.iter().map(|(what, _)| (*what).to_owned()).collect();
    assert_eq!(
        named,
        [
            nowhere.clone(),
            format!("the feed of hits {feed}"),
            format!("Memcached {gone}")
        ]
    );
    assert!(missing[0].1.contains("connection refused"), "{missing:?}");
    assert_eq!(view["application"]["processes"], 1);
    assert_eq!(view["servers"][0]["reached"], true);
    assert_eq!(view["servers"][1]["reached"], false);
    // The admin page has the counts, too.
    let (code, view) = json(&["--metrics", &nowhere, "--admin", &site.app("/_pages")]);
    assert_eq!((code, unreached(&view).len()), (1, 1));
    assert_eq!(view["application"]["processes"], 1);
    site.memcached.stop();
    let (code, view) = json(&["--metrics", &metrics, "--servers", &here]);
    assert_eq!((code, unreached(&view).len()), (1, 1));
    assert!(view["application"].is_object());
    let text = top(&["--servers", &here]).out;
    assert!(
        text.contains(&format!("cannot reach Memcached {here}")),
        "{text}"
    );
    // What is given is not to be given.
    assert!(text.contains("give --metrics or --admin"), "{text}");
    let nobody = format!("http://127.0.0.1:{}/metrics", free_port());
    for option in ["--metrics", "--admin"] {
        let text = top(&[option, &nobody]).out;
        assert!(text.contains("cannot reach"), "{text}");
        assert!(text.contains("not known: no process tells"), "{text}");
        assert!(!text.contains("give --"), "{text}");
    }
}

#[test]
fn an_answer_that_is_none_is_named_and_steers_no_terminal() {
    let escape = "djanginxed_skips_total{reason=\"\u{1b}[2J\u{9b}31m\"} 7\n";
    let large = format!("{escape}{}", "# filler\n".repeat(600_000));
    let nginx = Nginx::builder()
        .file("metrics", escape)
        .file("large", large)
        .file("other", "up 1\n")
        .start(|port| format!("server {{ listen 127.0.0.1:{port}; root .; }}"))
        .unwrap();
    let url = |path: &str| format!("http://127.0.0.1:{}/{path}", nginx.port());
    let done = top(&["--metrics", &url("metrics")]);
    assert!(done.out.contains("\\u{1b}[2J\\u{9b}31m"), "{}", done.out);
    assert!(!done.out.contains(|c: char| c.is_control() && c != '\n'));
    for (path, why) in [
        ("large", "limit"),
        ("other", "no counter of djanginxed"),
        ("none", "status 404"),
    ] {
        let (code, view) = json(&["--metrics", &url(path)]);
        let missing = unreached(&view);
        assert!(code == 1 && missing[0].1.contains(why), "{missing:?}");
        assert!(view["application"].is_null());
    }
    let (code, view) = json(&["--admin", &url("other")]);
    assert!(
        code == 1 && unreached(&view)[0].1.contains("no admin page"),
        "{view}"
    );
}

#[test]
fn a_mistake_on_the_command_line_is_named() {
    let done = run(["top"]);
    assert_eq!(done.code, 2);
    assert!(done.err.contains("give --metrics"), "{}", done.err);
    let done = run(["top", "--servers", "127.0.0.1:1"]);
    assert!(done.code == 2 && done.err.contains("--once"), "{done:?}");
    assert_eq!(run(["top", "--json", "--servers", "127.0.0.1:1"]).code, 2);
    assert_eq!(run(["top", "--once", "--metrics", "ftp://h/"]).code, 2);
}
