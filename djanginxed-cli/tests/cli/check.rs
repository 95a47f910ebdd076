use crate::site::{Build, Running};
use crate::tool::{Done, command, finish};

/// Checks an article of `site` with all that can be known of it.
fn check(site: &Running, extra: &[&str]) -> Done {
    let mut command = command();
    command
        .args(["check", &site.url("/articles/1"), "--prefix", "site1"])
        .args(["--servers", &site.memcached.address()])
        .args(extra);
    finish(&mut command, "")
}

fn bare_check(site: &Running) -> Done {
    let mut command = command();
    command.args(["check", &site.url("/articles/1"), "--prefix", "site1"]);
    finish(&mut command, "")
}

/// The report says that `fact`, among others perhaps, does not hold.
#[track_caller]
fn names(done: &Done, fact: &str) {
    assert_eq!(done.code, 1, "{done:?}");
    let line = format!("✗ {fact:<14} ");
    assert!(done.out.contains(&line), "no ✗ {fact} in\n{}", done.out);
    assert!(done.out.contains("to change:"));
    // The one root, before all that holds in spite of it.
    assert!(done.out.starts_with('✗'), "{}", done.out);
    assert_eq!(done.out.matches('✗').count(), 1, "{}", done.out);
}

fn replacing(from: &'static str, to: &'static str) -> impl Fn(String) -> String {
    move |file| {
        assert!(file.contains(from), "{from} is not in the file");
        file.replace(from, to)
    }
}

fn gzip_site(change: impl Fn(String) -> String) -> Running {
    Running::with(Build::default(), |pages| pages.gzip(true), change)
}

#[test]
fn every_fact_holds_for_the_generated_file() {
    for gzip in [false, true] {
        let settings = |pages: djanginxed::PageCacheBuilder| {
            pages
                .gzip(gzip)
                .bypass_cookie("sessionid")
                .bypass_header("X-Preview")
        };
        let site = Running::with(Build::default(), settings, |file| file);
        let app = site.app();
        let rules = [
            "--bypass-cookie",
            "sessionid",
            "--bypass-header",
            "X-Preview",
            "--app",
            &app,
        ];
        let done = check(&site, &rules);
        assert_eq!(done.code, 0, "{}", done.out);
        assert!(
            !done.out.contains('✗') && !done.out.contains("\n- "),
            "{}",
            done.out
        );
        assert!(done.out.lines().count() >= 15);
    }
}

#[test]
fn the_report_is_json_where_asked() {
    let site = Running::start();
    let done = check(&site, &["--json"]);
    let report: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(report["holds"], true);
    let facts = report["facts"].as_array().unwrap();
    assert!(
        facts
            .iter()
            .any(|fact| fact["fact"] == "hit" && fact["holds"] == true)
    );
    assert!(facts.iter().any(|fact| fact["holds"].is_null()));
}

#[test]
fn a_site_that_does_not_answer_is_not_reachable() {
    let mut site = Running::start();
    site.nginx.stop();
    names(&check(&site, &[]), "reachable");
}

#[test]
fn an_application_that_is_down_is_not_reachable() {
    let site = Running::broken(|file| {
        let port = testkit::free_port();
        let at = file.find("_app {\n    server 127.0.0.1:").unwrap();
        let end = at + file[at..].find(';').unwrap();
        format!(
            "{}_app {{\n    server 127.0.0.1:{port}{}",
            &file[..at],
            &file[end..]
        )
    });
    names(&check(&site, &[]), "reachable");
}

#[test]
fn a_page_that_is_refused_is_not_stored() {
    let site = Running::start();
    let mut command = command();
    command
        .args(["check", &site.url("/session"), "--prefix", "site1"])
        .args(["--servers", &site.memcached.address()]);
    let done = finish(&mut command, "");
    names(&done, "stored");
    assert!(done.out.contains("set-cookie"));
    // What follows from it is not said.
    assert!(!done.out.contains("key "), "{}", done.out);
}

#[test]
fn error_page_without_equals_changes_the_status() {
    let site = Running::broken(replacing("504 = @", "504 @"));
    names(&check(&site, &[]), "miss-status");
}

#[test]
fn a_wrong_prefix_is_no_hit() {
    let site = Running::broken(replacing(" site1$request_uri", " site2$request_uri"));
    names(&check(&site, &[]), "hit");
    names(&bare_check(&site), "hit");
}

#[test]
fn a_prefix_that_the_application_does_not_have_is_the_wrong_key() {
    let site = Running::start();
    let mut command = command();
    command
        .args(["check", &site.url("/articles/1"), "--prefix", "other"])
        .args(["--servers", &site.memcached.address()]);
    names(&finish(&mut command, ""), "key");
}

#[test]
fn a_wrong_memcached_server_is_no_hit() {
    let other = testkit::Memcached::start().unwrap();
    let address = other.address();
    let site = Running::broken(|file| {
        let at =
            file.find("_memcached {\n    server ").unwrap() + "_memcached {\n    server ".len();
        let end = at + file[at..].find(' ').unwrap();
        format!("{}{address}{}", &file[..at], &file[end..])
    });
    names(&check(&site, &[]), "hit");
}

#[test]
fn a_key_without_the_query_serves_pages_never_asked_for() {
    let site = Running::broken(replacing("site1$request_uri", "site1$uri"));
    names(&check(&site, &[]), "hit");
    site.memcached
        .set(site.pages.key("/articles/1").to_string(), 0, 0, "<p>other");
    names(&check(&site, &[]), "stored");
}

#[test]
fn another_content_type_is_another_page() {
    let site = Running::broken(replacing(
        "default_type text/html",
        "default_type text/plain",
    ));
    names(&check(&site, &[]), "same-page");
    let site = Running::broken(replacing("charset utf-8;", ""));
    names(&check(&site, &[]), "same-page");
}

#[test]
fn a_filter_on_hits_changes_the_page() {
    let site = Running::broken(replacing("charset utf-8;", "charset koi8-r; "));
    names(&check(&site, &[]), "same-page");
}

#[test]
fn normalize_path_is_found_and_only_a_target_that_it_changes_is_wrong() {
    let build = Build {
        normalize_path: true,
        ..Build::default()
    };
    let site = Running::with(build, |pages| pages, |file| file);
    let usual = check(&site, &[]);
    assert_eq!(usual.code, 0, "{}", usual.out);
    assert!(
        usual.out.contains("doubled slash or a slash at the end"),
        "{}",
        usual.out
    );
    let mut command = command();
    command
        .args(["check", &site.url("/articles/1/"), "--prefix", "site1"])
        .args(["--servers", &site.memcached.address()]);
    let done = finish(&mut command, "");
    names(&done, "hit");
    assert!(done.out.contains("NormalizePath"), "{}", done.out);
}

#[test]
fn a_rewrite_in_nginx_changes_the_target() {
    let site = Running::broken(replacing(
        "proxy_pass http://djanginxed_app",
        "rewrite ^ /articles/1 break;\n            proxy_pass http://djanginxed_app",
    ));
    let done = check(&site, &[]);
    assert_eq!(done.code, 1, "{}", done.out);
    assert!(
        done.out.contains("✗ target") || done.out.contains("✗ hit"),
        "{}",
        done.out
    );
}

#[test]
fn gzip_that_nginx_does_not_know_is_unreadable() {
    names(
        &check(&gzip_site(replacing("memcached_gzip_flag 2;", "")), &[]),
        "gzip",
    );
    names(&check(&gzip_site(replacing("gunzip on;", "")), &[]), "gzip");
    names(
        &check(&gzip_site(replacing("gzip_vary on;", "")), &[]),
        "gzip",
    );
}

#[test]
fn methods_that_nginx_answers_itself_are_named() {
    let site = Running::broken(replacing(":$request_method:", ":GET:"));
    for done in [check(&site, &[]), bare_check(&site)] {
        names(&done, "post");
    }
    let site = Running::broken(replacing("504 = @", "504 @"));
    names(&bare_check(&site), "miss-status");
    let app = site.app();
    names(&check(&site, &["--app", &app]), "miss-status");
}

#[test]
fn a_head_that_differs_from_get_is_named() {
    let site = Running::broken(replacing(
        "proxy_pass http://djanginxed_pages",
        "if ($request_method = HEAD) { return 403; }\n            proxy_pass http://djanginxed_pages",
    ));
    names(&check(&site, &[]), "head");
    let app = site.app();
    names(&check(&site, &["--app", &app]), "head");
}

#[test]
fn a_stored_page_for_authorization_and_bypass_cookies_is_named() {
    let settings = |pages: djanginxed::PageCacheBuilder| {
        pages.bypass_cookie("sessionid").bypass_header("X-Preview")
    };
    let change = replacing("return 418;", "set $nothing 1;");
    let site = Running::with(Build::default(), settings, change);
    let rules = [
        "--bypass-cookie",
        "sessionid",
        "--bypass-header",
        "X-Preview",
    ];
    let done = check(&site, &rules);
    names(&done, "authorization");
    for rule in ["Authorization", "Cookie: sessionid", "X-Preview"] {
        assert!(done.out.contains(rule), "{rule} in {}", done.out);
    }
}

#[test]
fn what_a_middleware_makes_private_is_named() {
    for added in [("Set-Cookie", "session=1"), ("Cache-Control", "private")] {
        let build = Build {
            added: Some(added),
            ..Build::default()
        };
        let site = Running::with(build, |pages| pages, |file| file);
        let done = check(&site, &[]);
        names(&done, "private");
        assert!(done.out.contains(added.0));
    }
}

#[test]
fn a_foreign_host_in_the_page_is_named() {
    let change = |file: String| {
        let default = file.find(" default_server").unwrap();
        let at = file[..default].rfind("\nserver {").unwrap();
        let without_default = file[at + 1..].find("\nserver {").unwrap() + at + 1;
        let file = format!("{}{}", &file[..at], &file[without_default..]);
        file.replace(
            "proxy_set_header Host $host",
            "proxy_set_header Host $http_host; #",
        )
        .replace(
            "proxy_set_header X-Forwarded-Host $host",
            "proxy_set_header X-Forwarded-Host $http_host; #",
        )
    };
    names(&check(&Running::broken(change), &[]), "foreign-host");
}

#[test]
fn a_forwarded_header_in_the_page_is_named() {
    let site = Running::broken(replacing("proxy_set_header Forwarded \"\";", ""));
    names(&check(&site, &[]), "forwarded");
    let site = Running::broken(replacing("proxy_set_header X-Forwarded-Host", "#"));
    names(&check(&site, &[]), "forwarded");
}

#[test]
fn with_memcached_out_of_reach_pages_come_in_time() {
    let mut site = Running::start();
    names(&check(&site, &["--faults"]), "out-of-reach");
    site.memcached.pause();
    let hung = check(&site, &["--faults"]);
    assert_eq!(hung.code, 0, "{}", hung.out);
    site.memcached.resume();
    site.memcached.stop();
    let down = check(&site, &["--faults"]);
    assert_eq!(down.code, 0, "{}", down.out);
}

#[test]
fn a_time_out_or_an_error_for_visitors_is_named() {
    let mut site = Running::broken(replacing("404 418 500 502 504", "404 418"));
    site.memcached.stop();
    names(&check(&site, &["--faults"]), "fault-get");
    let slow = |file: String| {
        file.replace("server 127.0.0.1:1 down;", "")
            .replace("read_timeout 100ms", "read_timeout 2s")
    };
    let mut site = Running::broken(slow);
    site.memcached.pause();
    names(
        &check(&site, &["--faults", "--within", "1000"]),
        "fault-get",
    );
    site.memcached.resume();
}

/// Checks the page whose handler is `#[get]` only.
fn get_only_check(site: &Running, extra: &[&str]) -> Done {
    let mut command = command();
    command
        .args(["check", &site.url("/text"), "--prefix", "text"])
        .args(["--content-type", "text/plain"])
        .args(["--servers", &site.memcached.address()])
        .args(["--app", &site.app()])
        .args(extra);
    finish(&mut command, "")
}

#[test]
fn a_head_that_only_a_hit_answers_is_right() {
    let done = get_only_check(&Running::start(), &[]);
    assert_eq!(done.code, 0, "{}", done.out);
    let head = done.out.lines().find(|line| line.starts_with("✓ head "));
    assert!(head.unwrap().contains("no HEAD route"), "{}", done.out);
}

#[test]
fn the_applications_own_404_for_head_is_in_time() {
    let mut site = Running::start();
    site.memcached.stop();
    let done = get_only_check(&site, &["--faults"]);
    assert_eq!(done.code, 0, "{}", done.out);
    assert!(done.out.contains("✓ fault-head"), "{}", done.out);
}

#[test]
fn an_answer_to_head_that_nginx_makes_up_is_named() {
    let change = replacing(
        "proxy_pass http://djanginxed_pages",
        "if ($request_method = HEAD) { return 410; }\n            proxy_pass http://djanginxed_pages",
    );
    let mut site = Running::broken(change);
    site.memcached.stop();
    names(&get_only_check(&site, &["--faults"]), "fault-head");
}

#[test]
fn the_target_of_a_page_that_needs_its_query_is_tested() {
    let site = Running::start();
    for (target, line) in [
        ("/search?q=a", "✓ target "),
        ("/search?q=only", "- target "),
    ] {
        let mut command = command();
        let done = finish(command.args(["check", &site.url(target)]), "");
        assert_eq!(done.code, 0, "{}", done.out);
        let fact = done.out.lines().find(|fact| fact.starts_with(line));
        let fact = fact.unwrap_or_else(|| panic!("no {line}in\n{}", done.out));
        assert_eq!(fact.contains("odd query"), line.starts_with('✓'), "{fact}");
    }
}

#[test]
fn a_page_of_another_content_type_is_named_with_all_that_must_know_it() {
    let site = Running::start();
    let mut command = command();
    // The handler does not say it.
    let done = finish(command.args(["check", &site.url("/notes")]), "");
    names(&done, "stored");
    assert!(done.out.contains("detail=content-type"), "{}", done.out);
    // nginx's file does not say it, and neither does this command.
    let mut command = self::command();
    command.args(["check", &site.url("/data"), "--prefix", "site1"]);
    let unknown = finish(command.args(["--servers", &site.memcached.address()]), "");
    names(&unknown, "hit");
    for done in [done, unknown] {
        assert!(done.out.contains("--page PATH=PREFIX,TYPE"), "{}", done.out);
        assert!(done.out.contains("--content-type TYPE"), "{}", done.out);
    }
}

#[test]
fn a_page_of_another_content_type_is_found_under_its_key() {
    let site = Running::start();
    let servers = site.memcached.address();
    let mut command = command();
    command.args(["check", &site.url("/text"), "--prefix", "text"]);
    let known = ["--content-type", "text/plain", "--servers", &servers];
    let done = finish(command.args(known), "");
    assert!(done.out.contains("✓ key"), "{}", done.out);
}

#[test]
fn a_host_that_nginx_does_not_name_is_explained() {
    let site = Running::start();
    let connect = site.url("").replace("http://", "");
    let mut command = command();
    command.args(["check", "http://other.invalid/articles/1"]);
    let done = finish(command.args(["--connect", &connect]), "");
    names(&done, "reachable");
    assert!(done.out.contains("server_name") && done.out.contains("--connect"));
}

#[test]
fn a_bypass_cookie_that_only_nginx_knows_is_the_applications_to_add() {
    let site = Running::broken(replacing(
        "return 418;",
        "return 418; }\n        if ($http_cookie) { return 418;",
    ));
    let done = check(&site, &["--bypass-cookie", "sessionid"]);
    names(&done, "bypass-cookie");
    assert!(
        done.out.contains(".bypass_cookie(\"sessionid\")"),
        "{}",
        done.out
    );
}

#[test]
fn who_waits_needs_servers_and_a_site_that_runs() {
    let url = "http://127.0.0.1:1/";
    for (words, named) in [
        (&["--wait", "9"][..], "--servers"),
        (
            &["--wait", "9", "--servers", "127.0.0.1:1", "--faults"],
            "--faults",
        ),
        (
            &["--wait", "9", "--servers", "127.0.0.1:1", "--app-down"],
            "--app-down",
        ),
        (&["--wait", "0", "--servers", "127.0.0.1:1"], "1..=86400"),
    ] {
        let done = finish(command().args(["check", url]).args(words), "");
        assert_eq!(done.code, 2, "{done:?}");
        assert!(done.err.contains(named), "{done:?}");
    }
}

#[test]
fn a_word_is_explained_wherever_settings_come_from() {
    let mut command = command();
    command.env("DJANGINXED_SERVERS", "127.0.0.1:11211");
    let done = finish(command.args(["check", "--explain", "bypassed"]), "");
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.contains("bypassed"), "{done:?}");
}
