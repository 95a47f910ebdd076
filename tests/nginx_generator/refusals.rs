use djanginxed::nginx::{Error, Md5, Site};
use djanginxed::{Layout, PageCache, PageCacheBuilder, Vary};

/// What would end a directive, a block, a string or a line, or begin a
/// variable or a comment.
const HOSTILE: [&str; 13] = [
    "a;b", "a}b", "a{b", "a\"b", "a'b", "a\nb", "a\rb", "a\0b", "$host", "a b", "a\\b", "é", "",
];

fn site() -> Site {
    let pages = PageCache::builder().memcached(["127.0.0.1:11211"]).build();
    Site::new(&pages.unwrap())
        .server_name("www.example.com")
        .app("127.0.0.1:8080")
}

/// The error that `site` gives names the value.
#[track_caller]
fn refused(site: &Site, hostile: &str) {
    match site.generate().map(|files| files.site()) {
        Err(Error::Value { value, problem, .. }) => {
            assert_eq!(value, hostile);
            assert!(!problem.is_empty());
        }
        other => panic!("{hostile:?} gave {other:?}"),
    }
}

#[test]
fn hostile_values_are_errors_that_name_them() {
    for value in HOSTILE {
        refused(&site().server_name(value), value);
        refused(&site().app(value), value);
        refused(&site().listen(value), value);
        refused(&site().inner(value), value);
        refused(&site().page(value, "p", "text/css"), value);
        refused(&site().page("/p", "p", value), value);
        refused(&site().never_cache(value), value);
        refused(&site().name(value), value);
        refused(&site().ignore_query(value), value);
        refused(&site().client_max_body_size(value), value);
        if !value.is_empty() {
            refused(&site().page("/p", value, "text/css"), value);
        }
        let location = format!("/{value}");
        if !value.is_empty() {
            refused(&site().page(&location, "p", "text/css"), &location);
            refused(
                &site().app(format!("unix:/{value}")),
                &format!("unix:/{value}"),
            );
        }
    }
}

#[test]
fn hostile_paths_are_refused_or_quoted() {
    for value in ["", "$host", "a\nb", "a\0b"] {
        refused(&site().tls(value, "key"), value);
        refused(&site().tls("certificate", value), value);
        refused(&site().script_path(value), value);
        refused(&site().modules(Some(value)), value);
    }
    let files = site().tls("a;b {\"c\" \\", "key").generate().unwrap();
    assert!(files.site().contains(r#"ssl_certificate "a;b {\"c\" \\";"#));
}

#[test]
fn patterns_of_hosts_are_refused() {
    for name in [
        "*.example.com",
        ".example.com",
        "~^a$",
        "_",
        "http://a.example",
        "a.example:80",
    ] {
        refused(&site().server_name(name), name);
    }
}

#[test]
fn addresses_that_are_none_are_refused() {
    for address in [
        "8080",
        "127.0.0.1",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        ":8080",
        "unix:app.sock",
        "[fe80::1%1]:80",
        "300.1.1.1:80",
        "a..b:80",
        &format!("{}:80", "a".repeat(64)),
        &format!("unix:/{}", "a".repeat(107)),
    ] {
        refused(&site().app(address), address);
    }
    for inner in [
        "11280",
        "127.0.0.1",
        "127.0.0.1:0",
        "0.0.0.0:11280",
        "10.0.0.1:11280",
        "[::]:11280",
        "localhost:11280",
        "unix:pages.sock",
        "127.0.0.1:11280 ssl",
    ] {
        refused(&site().inner(inner), inner);
    }
    for listen in ["8099", "*:8099", "[::1]:8099"] {
        let same = "127.0.0.1:8099";
        refused(&site().listen(listen).inner(same), same);
    }
    for listen in [
        "0",
        "65536",
        "+80",
        "example.com:80",
        "unix:/a",
        "127.0.0.1",
        "80 ssl",
        "[fe80::1%1]:80",
    ] {
        refused(&site().listen(listen), listen);
    }
}

#[test]
fn what_is_longer_than_nginx_reads_is_refused() {
    let long = "x".repeat(5_000);
    refused(&site().server_name(&long), &long);
    refused(&site().server_name("a".repeat(64)), &"a".repeat(64));
    refused(&site().script_path(&long), &long);
    refused(&site().modules(Some(&long)), &long);
    refused(&site().tls(&long, "key"), &long);
    refused(
        &site().page("/p", "p", format!("text/{long}")),
        &format!("text/{long}"),
    );
    refused(&site().never_cache(format!("/{long}")), &format!("/{long}"));
    refused(&site().name("n".repeat(27)), &"n".repeat(27));
    let with = |change: &dyn Fn(PageCacheBuilder) -> PageCacheBuilder| {
        let pages = change(PageCache::builder().memcached(["127.0.0.1:11211"]));
        Site::new(&pages.build().unwrap())
            .server_name("a.example")
            .app("a:80")
    };
    refused(&with(&|pages| pages.bypass_cookie(&long)), &long);
    refused(&with(&|pages| pages.header("X-A", &long)), &long);
    refused(&with(&|pages| pages.hosts([&long])), &long);
    refused(&with(&|pages| pages.bypass_header(&long)), &long);
    let names: Vec<_> = (0..300)
        .map(|number| format!("x-bypass-{number}"))
        .collect();
    let several = with(&|pages| names.iter().fold(pages, PageCacheBuilder::bypass_header));
    let error = several.generate().unwrap_err().to_string();
    assert!(error.starts_with("bypass header \"x-bypass-"), "{error}");
}

#[test]
fn a_refused_host_is_named_by_the_option_that_gave_it() {
    let long = "x".repeat(64);
    let pages = PageCache::builder()
        .memcached(["127.0.0.1:11211"])
        .hosts([&long]);
    let site = Site::new(&pages.build().unwrap())
        .server_name("a.example")
        .app("a:80");
    let error = site.generate().unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("cached host {long:?}")),
        "{error}"
    );
}

#[test]
fn a_media_type_that_would_begin_a_comment_is_refused() {
    for kind in ["#/x", "a/#", "!a/b", "a/.b"] {
        refused(&site().page("/p", "p", kind), kind);
    }
}

#[test]
fn locations_that_would_never_match_are_refused() {
    for location in [
        "feed", "/a//b", "/a/../b", "/./a", "/a%20b", "~ /a", "=/a", "= a", "= /a//b", "= = /a",
    ] {
        refused(&site().never_cache(location), location);
    }
}

#[test]
fn names_of_parameters_that_nginx_could_not_compare_are_refused() {
    let long = "x".repeat(65);
    for name in ["*", "a*b", "**", "a%5Fb", "a[]", "a=b", "a&b", "a|b", &long] {
        refused(&site().ignore_query(name), name);
    }
    let names: Vec<_> = (0..99).map(|number| format!("{number:064}")).collect();
    let several = names.iter().fold(site(), Site::ignore_query);
    let error = several.generate().unwrap_err().to_string();
    assert!(
        error.starts_with("ignored query parameter \"0000"),
        "{error}"
    );
}

#[test]
fn a_header_value_with_a_variable_is_refused() {
    let pages = PageCache::builder()
        .memcached(["127.0.0.1:11211"])
        .header("X-Price", "5 $")
        .build()
        .unwrap();
    refused(
        &Site::new(&pages).server_name("a.example").app("a:80"),
        "5 $",
    );
}

#[test]
fn what_is_missing_is_named() {
    let memory = PageCache::builder().build().unwrap();
    let pages = PageCache::builder()
        .memcached(["127.0.0.1:11211"])
        .build()
        .unwrap();
    let cases = [
        (
            Site::new(&memory).server_name("a.example").app("a:80"),
            Error::NoMemcached,
        ),
        (Site::new(&pages).app("a:80"), Error::NoServerName),
        (
            Site::new(&pages).server_name("a.example"),
            Error::NoApplication,
        ),
        (
            site().never_cache("/a").page("/a", "p", "a/b"),
            Error::Twice("/a".to_owned()),
        ),
    ];
    for (site, error) in cases {
        assert_eq!(site.generate().unwrap_err(), error);
    }
}

#[test]
fn a_location_that_the_file_has_itself_is_refused() {
    for (layout, md5, count) in [
        (Layout::Body, Md5::SetMisc, 1),
        (Layout::Response, Md5::SetMisc, 3),
        (Layout::Response, Md5::Njs, 1),
    ] {
        let pages = PageCache::builder().memcached(["127.0.0.1:11211"]);
        let pages = pages.layout(layout).parts(true).build().unwrap();
        let site = Site::new(&pages).server_name("a.example").app("a:80");
        let site = site.md5(md5).stale_if_error(true);
        let files = site.generate().unwrap();
        let lines = files.locations().lines();
        let own = lines.filter_map(|line| line.strip_prefix("location = ")?.strip_suffix(" {"));
        let own: Vec<&str> = own.collect();
        assert_eq!(own.len(), count, "{own:?}");
        for path in own {
            let (exact, folder) = (format!("= {path}"), format!("{path}/"));
            refused(&site.clone().never_cache(&exact), &exact);
            refused(&site.clone().page(&exact, "p", "text/html"), &exact);
            refused(&site.clone().page(&folder, "p", "text/html"), &folder);
            // What lies below is another location.
            site.clone().never_cache(path).generate().unwrap();
        }
    }
    let without = site().never_cache("= /_djanginxed-part").generate();
    assert!(without.is_ok(), "{without:?}");
}

#[test]
fn an_hmac_is_refused_where_there_is_no_njs() {
    let pages = |layout| {
        PageCache::builder()
            .memcached(["127.0.0.1:11211"])
            .layout(layout)
            .vary(Vary::group("group", ["member"], "0123456789abcdef0123456789abcdef").hmac())
            .build()
            .unwrap()
    };
    for (layout, md5, part) in [
        (
            Layout::Body,
            Md5::SetMisc,
            Some("use md5 njs, or declare the group without hmac"),
        ),
        (
            Layout::Response,
            Md5::SetMisc,
            Some("use md5 njs, or declare the group without hmac"),
        ),
        (Layout::Response, Md5::Njs, None),
        (Layout::Body, Md5::Njs, None),
    ] {
        let site = Site::new(&pages(layout)).server_name("a.example");
        let error = site.app("a:80").md5(md5).generate().err();
        let error = error.map(|error| error.to_string());
        assert_eq!(error.is_some(), part.is_some(), "{error:?}");
        if let (Some(error), Some(part)) = (error, part) {
            assert!(
                error.starts_with("group-hmac \"group\": nginx works an HMAC out by njs alone"),
                "{error}"
            );
            assert!(error.ends_with(part), "{error}");
        }
    }
}
