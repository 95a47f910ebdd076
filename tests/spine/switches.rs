//! The settings that switch something off, and those of the environment.

use std::env;
use std::process::Command;

use djanginxed::PageCache;
use testkit::Memcached;
use testkit::http::{Request, get};

use crate::stack::{Application, NGINX_HIT, Script, Stack, cache_status, settle};

#[test]
fn a_cache_that_is_switched_off_neither_looks_up_nor_stores() {
    let stack = Stack::setup()
        .cache(|builder| builder.enabled(false))
        .start(Script::html());
    let foreign = "stored by another process";
    stack
        .memcached
        .set(stack.pages.key("/a").to_string(), 0, 0, foreign);
    for target in ["/a", "/b", "/b"] {
        let response = stack.ask(target);
        assert_eq!(response.status, 200);
        assert_ne!(response.text(), foreign);
        assert_eq!(
            cache_status(&response),
            "djanginxed; fwd=bypass; detail=disabled"
        );
    }
    assert_eq!(stack.script.renders(), 3);
    assert!(stack.item("/b").is_none());
}

#[test]
fn without_lookup_the_application_renders_and_stores_each_time() {
    let stack = Stack::setup()
        .cache(|builder| builder.lookup(false))
        .start(Script::html());
    for _ in 0..2 {
        let miss = stack.ask("/a");
        assert_eq!(cache_status(&miss), "djanginxed; fwd=uri-miss; stored");
    }
    assert_eq!(stack.script.renders(), 2);
    let hit = stack.get("/a");
    assert_eq!(cache_status(&hit), NGINX_HIT);
    assert_eq!(hit.text(), "render 2 of /a");
}

#[test]
fn without_cache_status_no_response_has_it() {
    let stack = Stack::setup()
        .cache(|builder| builder.cache_status(false).bypass_cookie("sessionid"))
        .start(Script::html());
    let private = Request::get("/a").header("Cookie", "sessionid=1");
    let responses = [
        stack.get("/a"),
        stack.get("/a"),
        stack.ask("/a"),
        stack.send(&Request::new("POST", "/a")),
        stack.send(&private),
    ];
    for response in &responses {
        assert_eq!(response.status, 200);
        assert_eq!(response.header("cache-status"), None);
    }
    assert_eq!(responses[1].text(), "render 1 of /a");
    assert_eq!(stack.script.renders(), 3);
}

/// Whether this is the process that [`in_child`] started.
fn is_child() -> bool {
    env::var_os("DJANGINXED_TEST_CHILD").is_some()
}

/// Runs `test` alone in a process of its own, whose environment has `variables`
/// besides: a process cannot safely change its own while it has threads.
#[track_caller]
fn in_child(test: &str, variables: &[(&str, &str)]) {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", test])
        .env("DJANGINXED_TEST_CHILD", "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

#[test]
fn the_environment_switches_a_cache_off_whatever_the_program_says() {
    if !is_child() {
        for value in ["0", "false", "Off"] {
            let test = "switches::the_environment_switches_a_cache_off_whatever_the_program_says";
            in_child(test, &[("DJANGINXED_ENABLED", value)]);
        }
        return;
    }
    let pages = PageCache::builder().enabled(true).build().unwrap();
    let script = Script::html();
    let application = Application::configured(1, &script, move |config| {
        config.app_data(pages.clone());
    });
    for _ in 0..2 {
        let response = get(application.port(), "/a");
        assert_eq!(
            cache_status(&response),
            "djanginxed; fwd=bypass; detail=disabled"
        );
    }
    assert_eq!(script.renders(), 2);
}

#[test]
fn the_environment_names_servers_prefix_and_gzip() {
    let page = format!("<p>{}", "x".repeat(1000));
    if is_child() {
        let pages = PageCache::from_env().unwrap();
        let cache = pages.clone();
        let script = Script::new(move |_| crate::stack::ok().body(page.clone()));
        let application = Application::configured(1, &script, move |config| {
            config.app_data(cache.clone());
        });
        assert_eq!(get(application.port(), "/a").status, 200);
        return settle(&pages);
    }
    let memcached = Memcached::start().unwrap();
    let servers = format!(" {} ,", memcached.address());
    in_child(
        "switches::the_environment_names_servers_prefix_and_gzip",
        &[
            ("DJANGINXED_SERVERS", servers.trim_end_matches(',')),
            ("DJANGINXED_KEY_PREFIX", "env"),
            ("DJANGINXED_GZIP", "1"),
        ],
    );
    let key = djanginxed::PageKey::new("env", "/a").to_string();
    assert_eq!(memcached.get(&key).unwrap().flags, 2);
    assert_eq!(memcached.pages(), [key]);
}

#[test]
fn a_value_of_the_environment_that_cannot_be_used_is_named() {
    if !is_child() {
        let test = "switches::a_value_of_the_environment_that_cannot_be_used_is_named";
        return in_child(test, &[("DJANGINXED_ENABLED", "perhaps")]);
    }
    let error = PageCache::from_env().unwrap_err().to_string();
    assert!(error.contains("DJANGINXED_ENABLED"), "{error}");
    assert!(error.contains("perhaps"), "{error}");
}
