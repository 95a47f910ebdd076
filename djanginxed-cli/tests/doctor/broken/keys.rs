//! nginx looks under another key, or not at all.

use super::edit::{before_location, row, swap, swap_up_to, words};
use super::peers::{late_at_times, unlike};
use crate::app::Build;
use crate::stand::{SOUND, Setup, Stand};
use testkit::{Memcached, free_port};

/// A page of a prefix and a type of its own, of which nginx's file says nothing.
fn no_rule_for_the_feed(name: &'static str, tells_conf: bool) -> Setup {
    Setup {
        target: "/news.xml",
        prefix: "feed",
        args: |_| words(["--content-type", "application/rss+xml"]),
        tells_conf,
        ..row(name, "page-type")
    }
}

pub(crate) fn keys() -> Vec<Setup> {
    const UNWATCHED: &[&[&str]] = &[&["-W"]];
    // As a file of one's own does it, and as the generated one does.
    let bypass = |file: String| swap(file, "if ($djanginxed_past) {", "if ($request_uri) {");
    let told = |file: String| {
        let begin = file.find("$djanginxed_bypass {").unwrap();
        let (before, rest) = file.split_at(begin);
        format!(
            "{before}{}",
            swap(rest.to_owned(), ":GET: \"\";", ":GET: 1;")
        )
    };
    let other_location = |file: String| {
        let lines = "location ~ ^/articles/ { error_page 418 = @djanginxed_app; return 418; }";
        before_location(file, lines)
    };
    vec![
        Setup {
            nginx: |file| swap(file, " site1$request_uri", " site2$request_uri"),
            ..row("nginx has another prefix", "nginx-prefix")
        },
        Setup {
            nginx: |file| swap(file, " site1$request_uri", " $request_uri"),
            ..row("nginx has no prefix", "nginx-prefix")
        },
        Setup {
            target: "/listed/by-date?page=2",
            nginx: |file| swap(file, " site1$request_uri", " site2$request_uri"),
            ..row(
                "nginx has another prefix for a page that names its query",
                "nginx-prefix",
            )
        },
        Setup {
            target: "/listed/by-date?page=2",
            nginx: |file| swap(file, "site1$request_uri", "site1$uri"),
            ..row(
                "nginx makes the key of $uri of a page that names its query",
                "key-path-alone",
            )
        },
        Setup {
            nginx: |file| swap(file, "site1$request_uri", "site1$uri"),
            ..row("nginx makes the key of $uri", "key-path-alone")
        },
        Setup {
            site: |site| site.ignore_query("d*"),
            ..row("nginx ignores the parameter of the check", "ignored-query")
        },
        Setup {
            site: |site| site.ignore_query("djanginxed-check"),
            tells_servers: false,
            tells_app: false,
            ..row(
                "nginx ignores the parameter of the check, with the URL alone",
                "ignored-query",
            )
        },
        Setup {
            target: "/listed/by-date?page=2",
            site: |site| site.ignore_query("d*"),
            tells_conf: true,
            ..row(
                "nginx ignores the parameter of the check, of a page that names its query",
                "ignored-query",
            )
        },
        Setup {
            target: "/listed/by-date?utm=1",
            site: |site| site.ignore_query("utm"),
            ..row(
                "nginx ignores all that the URL of a page that names its query has",
                "ignored-query",
            )
        },
        Setup {
            nginx: |file| swap(file, "site1$request_uri", "site1$uri"),
            then: |stand| {
                let key = djanginxed::PageKey::new("site1", "/articles/1");
                stand.memcached[0].set(key.to_string(), 0, 0, "<p>a page");
            },
            ..row(
                "nginx makes the key of $uri, and the page is there",
                "key-path-alone",
            )
        },
        Setup {
            nginx: |file| swap(file, "site1$request_uri", "site1$host$request_uri"),
            ..row("nginx makes the key of $host, too", "key-host")
        },
        Setup {
            nginx: |file| {
                swap(
                    file,
                    "site1$request_uri",
                    "\"$scheme://$http_host$request_uri\"",
                )
            },
            ..row("nginx makes the key of the whole URL", "key-host")
        },
        Setup {
            nginx: |file| swap(file, "site1$request_uri", "site2$request_uri"),
            tells_servers: false,
            ..row(
                "nginx has another prefix, without --servers",
                "nginx-finds-nothing",
            )
        },
        Setup {
            nginx: bypass,
            ..row("everything bypasses", "nginx-does-not-ask")
        },
        Setup {
            nginx: bypass,
            tells_servers: false,
            ..row(
                "everything bypasses, without --servers",
                "nginx-finds-nothing",
            )
        },
        Setup {
            nginx: told,
            ..row("everything bypasses, and nginx says so", "nginx-bypasses")
        },
        Setup {
            site: |site| site.never_cache("/articles/"),
            ..row(
                "the page lies in a location of --no-cache, without nginx's file",
                "nginx-bypasses",
            )
        },
        Setup {
            nginx: other_location,
            ..row("another location wins", "nginx-does-not-ask")
        },
        Setup {
            nginx: |file| {
                let other = format!("_memcached {{\n    server 127.0.0.1:{};", free_port());
                swap_up_to(file, "_memcached {\n    server", ";", &other)
            },
            ..row("nginx asks another Memcached", "nginx-does-not-ask")
        },
        Setup {
            of_app: |servers| {
                let port = servers[0].rsplit(':').next().unwrap().parse().unwrap();
                vec![format!("127.0.0.1:{}", unlike(port, late_at_times))]
            },
            nginx: |file| {
                let other = format!("_memcached {{\n    server 127.0.0.1:{};", free_port());
                swap_up_to(file, "_memcached {\n    server", ";", &other)
            },
            ..row(
                "nginx asks another Memcached, and the application gives slow answers up",
                "nginx-does-not-ask",
            )
        },
        Setup {
            app_prefix: "site2",
            ..row("the application has another prefix", "application-prefix")
        },
        Setup {
            app_prefix: "",
            ..row("the application has no prefix", "application-prefix")
        },
        Setup {
            app_prefix: "",
            memcached: UNWATCHED,
            ..row(
                "the application has no prefix, and nobody may look on",
                "application-prefix",
            )
        },
        Setup {
            app_prefix: "site2",
            memcached: UNWATCHED,
            ..row(
                "the application has another prefix, and nobody may look on",
                "application-elsewhere",
            )
        },
        Setup {
            nginx: |file| swap(file, " site1$request_uri", " site2$request_uri"),
            memcached: UNWATCHED,
            ..row(
                "nginx has another prefix, and nobody may look on",
                "nginx-finds-nothing",
            )
        },
        Setup {
            prefix: "other",
            ..row("--prefix is not the site's", "prefix-option")
        },
        Setup {
            prefix: "other",
            tells_conf: true,
            ..row(
                "--prefix is not the site's, with nginx's file",
                "prefix-option",
            )
        },
        Setup {
            prefix: "",
            ..row("--prefix is left out", "prefix-option")
        },
        Setup {
            prefix: "other",
            busy: true,
            ..row("--prefix is not that of a busy site", "prefix-option")
        },
        Setup {
            nginx: |file| swap(file, " site1$request_uri", " site2$request_uri"),
            busy: true,
            ..row("nginx has another prefix on a busy site", "nginx-prefix")
        },
        Setup {
            app_prefix: "site2",
            busy: true,
            ..row(
                "the application has another prefix on a busy site",
                "application-prefix",
            )
        },
        Setup {
            of_app: |_| Vec::new(),
            busy: true,
            ..row(
                "a busy application keeps pages in its own memory",
                "application-store",
            )
        },
        Setup {
            target: "/feed.xml",
            prefix: "feed",
            ..row("--content-type is left out", "content-type-option")
        },
        Setup {
            given: |_| {
                vec![
                    Memcached::start()
                        .map(|other| {
                            let address = other.address();
                            std::mem::forget(other);
                            address
                        })
                        .unwrap(),
                ]
            },
            ..row("--servers is another Memcached", "servers-option")
        },
        Setup {
            given: |_| vec![format!("127.0.0.1:{}", free_port())],
            ..row("--servers is a port where nobody listens", "servers-option")
        },
        Setup {
            target: "/json-here",
            ..row("JSON below the location of HTML", "page-type")
        },
        Setup {
            target: "/json-here",
            args: |_| words(["--content-type", "application/json"]),
            ..row("the same, and its type is given", "page-type")
        },
        Setup {
            target: "/json-here",
            args: |_| words(["--content-type", "application/json"]),
            tells_conf: true,
            ..row("the same, with nginx's file", "page-type")
        },
        no_rule_for_the_feed("the feed has no --page", false),
        no_rule_for_the_feed("the feed has no --page, with nginx's file", true),
        Setup {
            target: "/articles/1/",
            build: Build {
                normalize_path: true,
                ..SOUND.build
            },
            ..row(
                "NormalizePath, and the URL ends in a slash",
                "rewrite-in-application",
            )
        },
        Setup {
            target: "/articles/1/",
            build: Build {
                normalize_path: true,
                ..SOUND.build
            },
            tells_app: false,
            ..row(
                "NormalizePath, a slash at the end, without --app",
                "rewrite",
            )
        },
        Setup {
            nginx: |file| {
                swap_up_to(
                    file,
                    "proxy_pass http://djanginxed_app",
                    ";",
                    "rewrite ^/articles/1 /articles/2 break; proxy_pass http://djanginxed_app;",
                )
            },
            ..row("nginx rewrites the path", "rewrite-in-nginx")
        },
        Setup {
            nginx: |file| {
                swap_up_to(
                    file,
                    "proxy_pass http://djanginxed_app",
                    ";",
                    "proxy_pass http://djanginxed_app$uri;",
                )
            },
            ..row("nginx drops the query", "rewrite-in-nginx")
        },
        Setup {
            nginx: |file| {
                let file = format!("proxy_cache_path cache keys_zone=z:1m;\n{file}");
                swap(
                    file,
                    "proxy_http_version 1.1;\n        proxy_set_header Connection $",
                    "proxy_cache z; proxy_cache_valid any 1m; proxy_ignore_headers Cache-Control Vary; proxy_http_version 1.1;\n        proxy_set_header Connection $",
                )
            },
            then: |stand| stand.memcached[0].command("flush_all").clear(),
            ..row("a proxy_cache in front of the application", "cache-between")
        },
        Setup {
            then: |stand| stand.start_second("site2"),
            ..row("a second process has another prefix", "processes-differ")
        },
        Setup {
            then: second_without_store,
            ..row("a second process reaches no Memcached", "application-store")
        },
        Setup {
            then: |stand| {
                second_without_store(stand);
                std::mem::swap(&mut stand.application, &mut stand.second);
                stand.app = stand.application.as_ref().unwrap().address();
            },
            ..row(
                "the first of two processes reaches no Memcached",
                "application-store",
            )
        },
        Setup {
            then: second_without_store,
            tells_app: false,
            args: |stand| words(["--app", &stand.second.as_ref().unwrap().address()]),
            ..row(
                "--app is a process that reaches no Memcached",
                "application-store",
            )
        },
        Setup {
            then: second_without_store,
            tells_app: false,
            tells_servers: false,
            args: |stand| words(["--app", &stand.second.as_ref().unwrap().address()]),
            ..row(
                "--app reaches no Memcached, without --servers",
                "application-store",
            )
        },
        Setup {
            args: |_| vec!["--app".to_owned(), "127.0.0.1:1".to_owned()],
            ..row("a second process is not there", "app-option")
        },
    ]
}

fn second_without_store(stand: &mut Stand) {
    let nowhere = vec![format!("127.0.0.1:{}", free_port())];
    stand.start_second_with("site1", nowhere);
}
