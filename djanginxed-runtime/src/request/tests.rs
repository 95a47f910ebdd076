use actix_web::http::header::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::PageCache;
use crate::PageCacheBuilder;

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name: HeaderName = name.parse().unwrap();
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn settings(builder: PageCacheBuilder) -> Settings {
    builder.build().unwrap().settings().clone()
}

fn defaults() -> Settings {
    settings(PageCache::builder())
}

fn connection(host: &str, scheme: &str) -> Connection {
    Connection {
        host: host.to_owned(),
        scheme: scheme.to_owned(),
    }
}

/// How a request takes part whose connection names `forwarded` as its host.
fn part_of(
    (method, uri): (Method, &str),
    lines: &[(&str, &str)],
    settings: &Settings,
    forwarded: &str,
) -> Part {
    let asked = Asked {
        method: &method,
        uri: &uri.parse().unwrap(),
        headers: &headers(lines),
        has_content: false,
    };
    part(&asked, settings, || connection(forwarded, "http"))
}

fn get(lines: &[(&str, &str)], settings: &Settings) -> Part {
    part_of((Method::GET, "/"), lines, settings, "forwarded.invalid")
}

fn bypassed(bypass: Bypass) -> Part {
    Part::Bypass(bypass)
}

#[test]
fn a_get_takes_full_part() {
    assert_eq!(get(&[], &defaults()), Part::Full);
}

#[test]
fn a_head_only_looks_up() {
    let head = |lines| part_of((Method::HEAD, "/"), lines, &defaults(), "");
    assert_eq!(head(&[]), Part::LookupOnly);
    assert_eq!(head(&[("range", "bytes=0-1")]), Part::LookupOnly);
}

#[test]
fn other_methods_take_no_part() {
    let own = Method::from_bytes(b"get").unwrap();
    for method in [
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
        Method::CONNECT,
        Method::PATCH,
        Method::TRACE,
        own,
    ] {
        let part = part_of((method.clone(), "/"), &[], &defaults(), "");
        assert_eq!(part, bypassed(Bypass::Method), "{method}");
    }
}

#[test]
fn a_range_or_a_condition_leads_nobody() {
    for name in [
        "Range",
        "If-Range",
        "If-None-Match",
        "If-Modified-Since",
        "If-Match",
        "If-Unmodified-Since",
    ] {
        assert_eq!(get(&[(name, "x")], &defaults()), Part::Alone, "{name}");
    }
}

#[test]
fn the_requests_own_cache_control_is_ignored_as_nginx_ignores_it() {
    let lines = [
        ("cache-control", "no-cache, no-store"),
        ("pragma", "no-cache"),
    ];
    assert_eq!(get(&lines, &defaults()), Part::Full);
}

#[test]
fn an_authorization_takes_no_part() {
    for value in ["", "Basic eA=="] {
        let part = get(&[("authorization", value)], &defaults());
        assert_eq!(part, bypassed(Bypass::Authorization));
    }
}

#[test]
fn a_cache_that_is_switched_off_takes_no_part() {
    let off = settings(PageCache::builder().enabled(false));
    assert_eq!(get(&[], &off), bypassed(Bypass::Disabled));
    let post = part_of((Method::POST, "/"), &[], &off, "");
    assert_eq!(post, bypassed(Bypass::Disabled));
}

#[test]
fn a_bypass_header_takes_no_part_whatever_it_says() {
    let settings = settings(
        PageCache::builder()
            .bypass_header("X-Preview")
            .bypass_header("x-b"),
    );
    for name in ["X-Preview", "x-preview", "X-B"] {
        assert_eq!(get(&[(name, "")], &settings), bypassed(Bypass::Header));
    }
    assert_eq!(get(&[("x-preview2", "1")], &settings), Part::Full);
    assert_eq!(get(&[("x-preview", "1")], &defaults()), Part::Full);
}

fn with_cookies(lines: &[&str]) -> Part {
    let builder = PageCache::builder()
        .bypass_cookie("sessionid")
        .bypass_cookie("User.Name");
    let lines: Vec<_> = lines.iter().map(|&line| ("cookie", line)).collect();
    get(&lines, &settings(builder))
}

#[test]
fn a_bypass_cookie_is_found_however_it_is_written() {
    for line in [
        "sessionid=1",
        "sessionid=",
        "sessionid",
        "SessionID=1",
        "user.name=x",
        "a=1; sessionid=2",
        "a=1;sessionid=2",
        "a=1 ;\tsessionid =2",
        "a=1, sessionid=2",
        "sessionid=1=2",
        "a=sessionid; sessionid=a",
        "session%69d=1",
        "%73essionid=1",
        "%53ESSIONID=1",
        "%20sessionid%20=1",
        "user%2ename=1",
        "user%2Ename=1",
    ] {
        assert_eq!(with_cookies(&[line]), bypassed(Bypass::Cookie), "{line:?}");
    }
    let second = with_cookies(&["a=1", "b=2; sessionid=3"]);
    assert_eq!(second, bypassed(Bypass::Cookie));
}

#[test]
fn a_cookie_that_only_contains_the_name_is_no_reason() {
    for line in [
        "",
        "a=1",
        "xsessionid=1",
        "sessionid2=1",
        "session=id",
        "a=sessionid",
        "a=sessionid=1",
        "usersname=1",
        "session%6d=1",
        "sessionid%=1",
        "sessionid%0=1",
        "%sessionid=1",
        "%2573essionid=1",
        "session id=1",
    ] {
        assert_eq!(with_cookies(&[line]), Part::Full, "{line:?}");
    }
}

#[test]
fn cookies_are_of_no_interest_where_none_is_named() {
    assert_eq!(get(&[("cookie", "sessionid=1")], &defaults()), Part::Full);
}

#[test]
fn a_cookie_line_that_is_not_utf8_hides_no_cookie() {
    let mut lines = HeaderMap::new();
    let line = HeaderValue::from_bytes(b"a=\xff; \xfe=1; sessionid=1").unwrap();
    lines.append(header::COOKIE, line);
    assert!(has_cookie(&lines, &["sessionid".to_owned()]));
}

#[test]
fn white_space_that_only_unicode_knows_hides_no_cookie() {
    for line in [
        "\u{a0}sessionid=1",
        "a=b;\u{85}sessionid=1",
        "a=b;\u{2003}sessionid=1",
        "sessionid\u{3000}=1",
        "%C2%A0sessionid=1",
    ] {
        let mut lines = HeaderMap::new();
        let value = HeaderValue::from_bytes(line.as_bytes()).unwrap();
        lines.append(header::COOKIE, value);
        assert!(has_cookie(&lines, &["sessionid".to_owned()]), "{line:?}");
    }
}

fn with_hosts(uri: &str, hosts: &[&str], forwarded: &str) -> Part {
    let ours = ["www.example.com", "example.org:8080", "[::1]"];
    let lines: Vec<_> = hosts.iter().map(|&host| ("host", host)).collect();
    let settings = settings(PageCache::builder().hosts(ours));
    part_of((Method::GET, uri), &lines, &settings, forwarded)
}

#[test]
fn our_hosts_are_known_without_case_and_port() {
    for host in [
        "www.example.com",
        "WWW.Example.COM",
        "www.example.com:80",
        "www.example.com:",
        "www.example.com.",
        "www.example.com.:443",
        "example.org",
        "example.org:9",
        "[::1]",
        "[::1]:8080",
    ] {
        assert_eq!(with_hosts("/", &[host], host), Part::Full, "{host:?}");
    }
}

const OTHERS: [&str; 14] = [
    "",
    "example.com",
    "evil.com",
    "www.example.com.evil.com",
    "www.example.comx",
    "xwww.example.com",
    "www.example.com@evil.com",
    "www.example.com:@evil.com",
    "www.example.com:80@evil.com",
    "evil.com:www.example.com",
    "www.example.com..",
    "[::2]",
    "::1",
    "[::1]evil.com",
];

#[test]
fn another_host_takes_no_part() {
    for host in OTHERS {
        let part = with_hosts("/", &[host], "www.example.com");
        assert_eq!(part, bypassed(Bypass::Host), "{host:?}");
    }
}

#[test]
fn another_forwarded_host_takes_no_part() {
    for host in OTHERS {
        let part = with_hosts("/", &["www.example.com"], host);
        assert_eq!(part, bypassed(Bypass::Host), "{host:?}");
    }
}

#[test]
fn a_request_without_a_host_takes_no_part() {
    let part = with_hosts("/", &[], "www.example.com");
    assert_eq!(part, bypassed(Bypass::Host));
}

#[test]
fn every_host_line_must_be_ours() {
    let ours = "www.example.com";
    assert_eq!(with_hosts("/", &[ours, "example.org"], ours), Part::Full);
    for lines in [[ours, "evil.com"], ["evil.com", ours]] {
        assert_eq!(with_hosts("/", &lines, ours), bypassed(Bypass::Host));
    }
}

#[test]
fn the_host_of_an_absolute_form_or_of_http2_must_be_ours() {
    let ours = "www.example.com";
    let absolute = "http://www.example.com:80/a";
    assert_eq!(with_hosts(absolute, &[], ours), Part::Full);
    assert_eq!(with_hosts(absolute, &[ours], ours), Part::Full);
    assert_eq!(with_hosts("http://[::1]:80/", &[], ours), Part::Full);
    let other = with_hosts("http://evil.com/a", &[ours], ours);
    assert_eq!(other, bypassed(Bypass::Host));
    let other = with_hosts(absolute, &["evil.com"], ours);
    assert_eq!(other, bypassed(Bypass::Host));
}

#[test]
fn the_forwarded_host_is_not_worked_out_where_no_host_is_named() {
    let asked = Asked {
        method: &Method::GET,
        uri: &Uri::from_static("/"),
        headers: &headers(&[("host", "any")]),
        has_content: false,
    };
    let found = part(&asked, &defaults(), || panic!("asked for"));
    assert_eq!(found, Part::Full);
}

/// How a request takes part whose connection has this scheme.
fn by_scheme(settings: &Settings, uri: &str, lines: &[(&str, &str)], scheme: &str) -> Part {
    let asked = Asked {
        method: &Method::GET,
        uri: &uri.parse().unwrap(),
        headers: &headers(lines),
        has_content: false,
    };
    part(&asked, settings, || connection("www.example.com", scheme))
}

#[test]
fn a_scheme_that_is_neither_http_nor_https_takes_no_part() {
    let everywhere = [
        defaults(),
        settings(PageCache::builder().hosts(["www.example.com"])),
    ];
    for settings in &everywhere {
        let by = |uri: &str, lines: &[_], scheme: &str| {
            let lines = [&[("host", "www.example.com")], lines].concat();
            by_scheme(settings, uri, &lines, scheme)
        };
        for scheme in ["evil", "javascript", "ftp"] {
            let uri = format!("{scheme}://www.example.com/");
            assert_eq!(by(&uri, &[], scheme), bypassed(Bypass::Scheme), "{scheme}");
        }
        for value in [
            "javascript:alert(1)",
            "",
            "https, evil",
            "http:",
            "\"http\"",
        ] {
            let line = [("x-forwarded-proto", value)];
            assert_eq!(by("/", &line, "http"), bypassed(Bypass::Scheme), "{value}");
        }
        let forwarded = [("forwarded", "proto=javascript")];
        assert_eq!(by("/", &forwarded, "javascript"), bypassed(Bypass::Scheme));
        for value in ["http", "HTTPS", "https, http"] {
            let line = [("x-forwarded-proto", value)];
            assert_eq!(by("/", &line, "https"), Part::Full, "{value}");
        }
        assert_eq!(by("https://www.example.com/", &[], "https"), Part::Full);
    }
}

#[test]
fn a_host_named_with_its_scheme_takes_no_part_by_the_other() {
    let settings = settings(PageCache::builder().hosts(["https://www.example.com", "example.org"]));
    let by = |scheme| by_scheme(&settings, "/", &[("host", "www.example.com")], scheme);
    assert_eq!(by("https"), Part::Full);
    assert_eq!(by("http"), bypassed(Bypass::Scheme));
}

#[test]
fn what_nginx_bypasses_takes_no_part() {
    let part = get(&[("djanginxed-bypass", "1")], &defaults());
    assert_eq!(part, bypassed(Bypass::Proxy));
}

#[test]
fn a_request_for_another_protocol_takes_no_part() {
    for protocol in ["websocket", "h2c", "", "TLS/1.0"] {
        let part = get(&[("upgrade", protocol)], &defaults());
        assert_eq!(part, bypassed(Bypass::Upgrade), "{protocol}");
    }
}

#[test]
fn content_that_no_header_announces_takes_no_part() {
    let asked = Asked {
        method: &Method::GET,
        uri: &"/".parse().unwrap(),
        headers: &headers(&[]),
        has_content: true,
    };
    let part = part(&asked, &defaults(), || connection("", "http"));
    assert_eq!(part, bypassed(Bypass::Content));
}

#[test]
fn a_get_with_content_takes_no_part() {
    for line in [
        ("content-length", "1"),
        ("content-length", "00"),
        ("content-length", "x"),
        ("content-length", ""),
        ("transfer-encoding", "chunked"),
        ("transfer-encoding", ""),
    ] {
        assert_eq!(
            get(&[line], &defaults()),
            bypassed(Bypass::Content),
            "{line:?}"
        );
    }
    let both = [("content-length", "0"), ("content-length", "5")];
    assert_eq!(get(&both, &defaults()), bypassed(Bypass::Content));
    assert_eq!(get(&[("content-length", "0")], &defaults()), Part::Full);
    let head = part_of(
        (Method::HEAD, "/"),
        &[("content-length", "1")],
        &defaults(),
        "",
    );
    assert_eq!(head, bypassed(Bypass::Content));
}

#[test]
fn a_target_that_does_not_begin_with_a_slash_takes_no_part() {
    for uri in ["*", "example.com:80", "http://example.com?x=1"] {
        let part = part_of((Method::GET, uri), &[], &defaults(), "");
        assert_eq!(part, bypassed(Bypass::Target), "{uri:?}");
    }
}

#[test]
fn a_target_is_path_and_query_as_sent() {
    for (uri, target) in [
        ("/", "/"),
        ("//a", "//a"),
        ("/a?", "/a?"),
        ("/a??b", "/a??b"),
        ("/x/../a", "/x/../a"),
        ("/a%2Fb", "/a%2Fb"),
        ("/a%2fb?x=%C3%A9&&y=a|b", "/a%2fb?x=%C3%A9&&y=a|b"),
        ("http://h/abs?x=1", "/abs?x=1"),
        ("http://h", "/"),
    ] {
        let (headers, uri) = (HeaderMap::new(), uri.parse().unwrap());
        let asked = Asked {
            method: &Method::GET,
            uri: &uri,
            headers: &headers,
            has_content: false,
        };
        assert_eq!(asked.target(), target);
        assert_eq!(
            part(&asked, &defaults(), || connection("", "http")),
            Part::Full
        );
    }
}

#[test]
fn of_two_reasons_the_first_is_named() {
    let everything = settings(
        PageCache::builder()
            .bypass_cookie("c")
            .bypass_header("x-b")
            .hosts(["ours"]),
    );
    let lines = [
        (Bypass::Authorization, "authorization", ""),
        (Bypass::Cookie, "cookie", "c=1"),
        (Bypass::Header, "x-b", ""),
        (Bypass::Scheme, "x-forwarded-proto", "evil"),
        (Bypass::Host, "host", "evil.com"),
        (Bypass::Upgrade, "upgrade", "websocket"),
        (Bypass::Content, "content-length", "1"),
        (Bypass::Proxy, "djanginxed-bypass", "1"),
    ];
    for (at, (bypass, ..)) in lines.iter().enumerate() {
        let mut rest: Vec<_> = lines[at..].iter().map(|line| (line.1, line.2)).collect();
        if matches!(bypass, Bypass::Upgrade | Bypass::Content | Bypass::Proxy) {
            rest.push(("host", "ours"));
        }
        let found = part_of((Method::GET, "*"), &rest, &everything, "ours");
        assert_eq!(found, bypassed(*bypass));
    }
    let post = part_of(
        (Method::POST, "*"),
        &[("authorization", "")],
        &everything,
        "",
    );
    assert_eq!(post, bypassed(Bypass::Method));
}

#[test]
fn bypasses_have_the_words_of_the_documentation() {
    for (bypass, word) in [
        (Bypass::Disabled, "disabled"),
        (Bypass::Method, "method"),
        (Bypass::Authorization, "authorization"),
        (Bypass::Cookie, "cookie"),
        (Bypass::Header, "header"),
        (Bypass::Proxy, "proxy"),
        (Bypass::Host, "host"),
        (Bypass::Scheme, "scheme"),
        (Bypass::Content, "content"),
        (Bypass::Upgrade, "upgrade"),
        (Bypass::Target, "target"),
    ] {
        assert_eq!(bypass.word(), word);
    }
}

/// A cookie's name with some of its letters in the other case or as `%xx`.
fn disguised(name: &'static str) -> impl Strategy<Value = String> {
    prop::collection::vec(0..4_u8, name.len()).prop_map(move |how| {
        let written = name.bytes().zip(how).map(|(byte, how)| match how {
            0 => char::from(byte).to_string(),
            1 => char::from(byte.to_ascii_uppercase()).to_string(),
            2 => format!("%{byte:02x}"),
            _ => format!("%{:02X}", byte.to_ascii_uppercase()),
        });
        written.collect()
    })
}

proptest! {
    #[test]
    fn no_disguise_hides_a_bypass_cookie(
        name in disguised("sessionid"),
        before in "([a-z]{0,4}=[a-z\" ]{0,4}[;,] ?){0,3}",
        after in "( ?=[a-z=]{0,4})?([;,][a-z= ]{0,8})?",
    ) {
        let line = format!("{before}{name}{after}");
        prop_assert_eq!(with_cookies(&[&line]), bypassed(Bypass::Cookie), "{}", line);
    }

    #[test]
    fn no_cookie_line_makes_it_panic(line in prop::collection::vec(0x20..=0xff_u8, 0..40)) {
        let mut headers = HeaderMap::new();
        if let Ok(line) = HeaderValue::from_bytes(&line) {
            headers.append(header::COOKIE, line);
        }
        has_cookie(&headers, &["sessionid".to_owned()]);
    }

    #[test]
    fn a_host_is_ours_only_with_a_number_for_a_port(tail in ":[ -~]{0,10}") {
        let host = format!("www.example.com{tail}");
        let is_port = tail[1..].bytes().all(|byte| byte.is_ascii_digit());
        let expected = if is_port { Part::Full } else { bypassed(Bypass::Host) };
        prop_assert_eq!(with_hosts("/", &["www.example.com"], &host), expected, "{}", host);
    }
}

fn accepts(lines: &[&[u8]]) -> bool {
    let mut headers = HeaderMap::new();
    for line in lines {
        let value = HeaderValue::from_bytes(line).unwrap();
        headers.append(header::ACCEPT_ENCODING, value);
    }
    accepts_gzip(&headers)
}

#[test]
fn gzip_is_accepted_where_the_client_says_so() {
    for line in [
        "gzip",
        "GZip",
        "x-gzip",
        "gzip, deflate, br",
        "br,gzip",
        " br , gzip ",
        "gzip;q=1",
        "gzip;q=0.001",
        "gzip ; q=0.5",
        "gzip;Q=1.0",
        "gzip;",
        "*",
        "*;q=0.1",
        "br;q=0, *",
        "gzip, *;q=0",
        "*;q=0, gzip",
        "identity;q=0, gzip",
    ] {
        assert!(accepts(&[line.as_bytes()]), "{line:?}");
    }
    assert!(accepts(&[b"br", b"gzip"]));
    assert!(accepts(&[b"\xff", b"gzip"]));
}

#[test]
fn gzip_is_not_accepted_otherwise() {
    for line in [
        "",
        "identity",
        "br",
        "gzip2",
        "xgzip",
        "gzip;q=0",
        "gzip;q=0.000",
        "gzip; q=0.0",
        "GZIP;Q=0",
        "*;q=0",
        "gzip;q=0, *",
        "*, gzip;q=0",
        "x-gzip;q=0, *;q=1",
        "br, *;q=0",
        "notgzip, g zip",
    ] {
        assert!(!accepts(&[line.as_bytes()]), "{line:?}");
    }
    assert!(!accepts(&[]));
    assert!(!accepts(&[b"*", b"gzip;q=0"]));
    assert!(!accepts(&[b"gzip\xff"]));
}

#[test]
fn a_weight_that_cannot_be_read_is_no_consent() {
    for line in [
        "gzip;q = 0",
        "gzip;q=0;x=1",
        "gzip;q=",
        "gzip;q=x",
        "gzip;q=-1",
        "gzip;q=nan",
        "gzip;x=1",
    ] {
        assert!(!accepts(&[line.as_bytes()]), "{line:?}");
    }
}

#[test]
fn a_path_is_plain_where_only_what_has_to_be_is_encoded() {
    for path in [
        "/",
        "/edit",
        "/caf%C3%A9",
        "/a%20b/%22",
        "/a;b=1,(c)'!",
        "/%25",
    ] {
        assert!(is_plainly_spelt(path), "{path}");
    }
    for path in [
        "/%65dit",
        "/%2fedit",
        "/%2Fedit",
        "/caf%c3%a9",
        "/%2E%2E/",
        "/%7Euser",
        "/%",
        "/%6",
        "/%+6",
        "/%zz",
    ] {
        assert!(!is_plainly_spelt(path), "{path}");
    }
}

#[test]
fn userinfo_in_a_target_takes_no_part() {
    let uri: Uri = "http://name:word@www.example.com/a".parse().unwrap();
    let asked = Asked {
        method: &Method::GET,
        uri: &uri,
        headers: &HeaderMap::new(),
        has_content: false,
    };
    let connection = || Connection {
        host: "www.example.com".into(),
        scheme: "http".into(),
    };
    let part = part(&asked, &Settings::default(), connection);
    assert_eq!(part, Part::Bypass(Bypass::Host));
}
