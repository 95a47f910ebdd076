use djanginxed::nginx::{FORWARDING_HEADERS, Md5};
use testkit::Memcached;
use testkit::http::{Connection, Request};

use crate::slow_http2::{text_of, text_with};
use crate::stand::{Stand, cache, is_hit, stand};

#[test]
fn the_application_sees_the_target_as_it_was_sent() {
    let stand = Stand::with(cache, |site| site.page("/feed/", "site2", "text/xml"));
    let targets = [
        "/a?",
        "/a??b",
        "//a",
        "/./a",
        "/x/../a",
        "/a%2Fb",
        "/a%2fb",
        "/%E9",
        "/a;b=1",
        "/a?x=a|b",
        "/a?x={1}",
        "/a\"b",
        "/a'b",
        "/a{b}",
        "/a|b",
        "/a\\b",
        "/a^b",
        "/feed/../x",
        "/feed",
        "/feed/?b=2&a=1",
        "/",
    ];
    for target in targets {
        let response = stand.get(target);
        assert!(!is_hit(&response));
        let first = response.text().lines().next();
        assert_eq!(first, Some(format!("GET {target}").as_str()));
    }
}

#[test]
fn other_methods_reach_the_application_with_their_body() {
    let stand = stand();
    stand.store("site1", "/a", "stored");
    let body = "x".repeat(300_000);
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let response = stand.send(Request::new(method, "/a").body(&body));
        assert!(!is_hit(&response));
        assert!(response.text().starts_with(&format!("{method} /a\n")));
        assert!(response.text().ends_with("\n300000"));
    }
    let chunked = stand.send(Request::new("POST", "/a").chunks(["abc", "de"]));
    assert!(chunked.text().ends_with("\n5"));
    let options = stand.send(Request::new("OPTIONS", "/a"));
    assert!(options.text().starts_with("OPTIONS /a\n"));
}

#[test]
fn a_body_of_a_get_reaches_the_application() {
    let stand = stand();
    stand.store("site1", "/a", "stored");
    let sized = stand.send(Request::get("/a").body("abc"));
    assert!(!is_hit(&sized));
    assert!(sized.text().ends_with("\n3"));
    let chunked = stand.send(Request::get("/a").chunks(["abcd"]));
    assert!(!is_hit(&chunked));
    assert!(chunked.text().ends_with("\n4"));
}

#[test]
fn what_a_client_says_about_itself_is_not_passed_on() {
    let stand = stand();
    let request = Request::get("/a")
        .header("Forwarded", "host=evil.example;proto=https;for=1.2.3.4")
        .header("X-Forwarded-Host", "evil.example")
        .header("X-Forwarded-For", "1.2.3.4")
        .header("X-Forwarded-Proto", "https");
    let response = stand.send(request);
    let seen = response.text();
    let port = stand.nginx.port();
    assert!(!seen.contains("evil") && !seen.contains("1.2.3.4") && !seen.contains("https"));
    assert!(!seen.contains("\nforwarded:"), "{seen}");
    assert!(
        seen.contains(&format!("url: http://www.example.com:{port}/a\n")),
        "{seen}"
    );
    assert!(seen.contains("x-forwarded-for: 127.0.0.1\n"));
}

#[test]
fn the_host_of_an_absolute_target_is_the_one_the_application_sees() {
    let stand = stand();
    let response = Request::get("http://www.example.com/a")
        .header("Host", "evil.example")
        .send(stand.nginx.port());
    assert!(response.text().contains("host: www.example.com"));
    assert!(!response.text().contains("evil"));
}

#[test]
fn a_host_that_is_not_the_sites_is_closed_without_an_answer() {
    let stand = stand();
    stand.store("site1", "/a", "stored");
    for host in [
        "evil.example",
        "example.com",
        "www.example.com.evil.example",
    ] {
        let answer = Request::get("/a")
            .header("Host", host)
            .try_send(stand.nginx.port());
        assert!(answer.is_err(), "{host}: {answer:?}");
    }
}

#[test]
fn a_path_without_its_slash_is_the_applications_to_answer() {
    let stand = Stand::with(cache, |site| site.page("/feed/", "site2", "text/xml"));
    assert!(!is_hit(&stand.get("/feed")));
    stand.store("site1", "/feed", "stored");
    let response = stand.get("/feed");
    assert!(is_hit(&response));
    assert_eq!(
        response.header("content-type"),
        Some("text/html; charset=utf-8")
    );
}

#[test]
fn the_connection_to_memcached_and_the_application_is_kept() {
    let stand = stand();
    let mut connection = Connection::open(stand.nginx.port()).unwrap();
    for _ in 0..20 {
        let request = Request::get("/a").header("Host", "www.example.com");
        connection.send(&request).unwrap();
        let response = connection.receive().unwrap();
        assert!(!response.text().contains("connection: close"));
    }
    // The test's own look at the statistics is one of them.
    assert!(stand.memcached.stat("total_connections") <= 4);
}

#[test]
fn a_websocket_handshake_reaches_the_application_as_one() {
    let stand = stand();
    stand.store("site1", "/a", "stored");
    let handshake = |protocol| {
        Request::get("/a")
            .header("Connection", "Upgrade")
            .header("Upgrade", protocol)
    };
    let seen = stand.send(handshake("websocket"));
    assert!(!is_hit(&seen));
    assert!(seen.text().contains("connection: upgrade\n"));
    assert!(seen.text().contains("upgrade: websocket\n"));
}

#[test]
fn another_upgrade_is_not_answered_from_memcached_and_not_passed_on_as_one() {
    let stand = stand();
    stand.store("site1", "/a", "stored");
    for protocol in ["h2c", "WebSockets", "websocket, h2c", "0", "TLS/1.0"] {
        for connection in ["Upgrade", "close"] {
            let request = Request::get("/a")
                .header("Connection", connection)
                .header("Upgrade", protocol);
            let seen = stand.send(request);
            assert!(!is_hit(&seen), "{protocol}");
            assert!(!seen.text().contains("connection: upgrade"), "{protocol}");
            let told = format!("upgrade: {protocol}\n");
            assert!(seen.text().contains(&told), "the application knows: {told}");
        }
    }
}

#[test]
fn a_scheme_that_a_client_made_up_does_not_reach_the_application() {
    let stand = stand();
    for target in [
        "evil://www.example.com/a",
        "javascript://www.example.com/a",
        "https://www.example.com/a",
    ] {
        let seen = stand.send(Request::get(target));
        assert!(seen.text().starts_with("GET /a\n"), "{}", seen.text());
        let port = stand.nginx.port();
        assert!(
            seen.text()
                .contains(&format!("url: http://www.example.com:{port}/a\n"))
        );
        for word in ["evil", "javascript", "https"] {
            assert!(!seen.text().contains(word), "{}", seen.text());
        }
        // And it is the page of the target without it.
        let hit = format!("/a?{}", target.len());
        stand.store("site1", &hit, "stored");
        assert!(is_hit(
            &stand.send(Request::get(target.replace("/a", &hit)))
        ));
    }
}

fn over_http2() -> Stand {
    let memcached = Memcached::start().unwrap();
    let pages = cache(&memcached).build().unwrap();
    Stand::edited(
        memcached,
        &pages,
        Md5::SetMisc,
        |site| site,
        |port, file| {
            let listen = format!("listen 127.0.0.1:{port}");
            file.replace(&listen, &format!("{listen} http2"))
        },
    )
}

#[test]
fn a_scheme_that_an_http2_client_made_up_does_not_reach_the_application() {
    let stand = over_http2();
    let port = stand.nginx.port();
    for scheme in ["evil", "javascript", "https"] {
        let seen = text_of(port, &format!("{scheme}://www.example.com/a"));
        assert!(seen.starts_with("GET /a\n"), "{seen}");
        assert!(
            seen.contains(&format!("url: http://www.example.com:{port}/a\n")),
            "{seen}"
        );
        assert!(!seen.contains(scheme), "{seen}");
    }
}

/// nginx cannot see such content before it answers: no variable is another one
/// with it than without.
#[test]
fn content_that_an_http2_client_does_not_announce_reaches_the_application_or_nobody() {
    let stand = over_http2();
    let ask = |content| text_with(stand.nginx.port(), "http://www.example.com/a", content);
    let seen = ask(b"evil");
    let length = "content-length: 4\n";
    assert!(seen.contains(length), "so it is not stored: {seen}");
    assert!(seen.ends_with("\n4"), "{seen}");
    stand.store("site1", "/a", "stored");
    assert_eq!(ask(b"evil"), "stored");
}

#[test]
fn content_that_is_dropped_takes_no_bytes_from_the_next_visitor() {
    let stand = over_http2();
    stand.store("site1", "/a", "stored");
    let ask = |content| text_with(stand.nginx.port(), "http://www.example.com/a", content);
    // One connection to the inner server serves one visitor after the other.
    for content in [&b"evil"[..], &[b'x'; 1_000], &[b'x'; 60_000]] {
        assert_eq!(ask(content), "stored");
        for _ in 0..5 {
            assert_eq!(ask(b""), "stored", "after {} bytes", content.len());
        }
    }
}

#[test]
fn what_proxies_say_is_not_taken_from_a_client() {
    let stand = stand();
    assert!(FORWARDING_HEADERS.len() > 40);
    let mut request = Request::get("/a").header("X-Other", "kept");
    for field in FORWARDING_HEADERS {
        request = request.header(field, "made-up");
    }
    for field in ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"] {
        request = request.header(field, "made-up");
    }
    let seen = stand.send(request);
    assert!(!seen.text().contains("made-up"), "{}", seen.text());
    assert!(seen.text().contains("x-other: kept\n"));
}

#[test]
fn a_bypass_header_reaches_the_application_even_where_proxies_speak_in_it() {
    let settings = |memcached: &Memcached| cache(memcached).bypass_header("X-Forwarded-User");
    let stand = Stand::with(settings, |site| site);
    let told = |value: &str| {
        let request = Request::get("/a").header("X-Forwarded-User", value);
        stand.send(request).text().to_owned()
    };
    let seen = told("ann");
    assert_eq!(seen.matches("x-forwarded-user: ann\n").count(), 1, "{seen}");
    assert!(seen.contains("djanginxed-bypass: 1\n"));
    let seen = told("");
    assert!(!seen.contains("x-forwarded-user"), "{seen}");
    assert!(!seen.contains("djanginxed-bypass"), "{seen}");
}

#[test]
fn an_empty_authorization_is_none() {
    let stand = stand();
    let seen = stand.send(Request::get("/a").header("Authorization", ""));
    assert!(!seen.text().contains("authorization"), "{}", seen.text());
    let seen = stand.send(Request::get("/a").header("Authorization", "Basic eDp5"));
    assert!(seen.text().contains("authorization: Basic eDp5\n"));
}

#[test]
fn bypass_headers_of_the_connection_neither_break_framing_nor_replace_what_nginx_says() {
    let stand = Stand::with(
        |memcached| {
            let names = ["Transfer-Encoding", "Content-Length", "Connection", "Host"];
            let names = names.into_iter().chain(["X-Forwarded-Proto", "TE"]);
            names.fold(cache(memcached), |pages, name| pages.bypass_header(name))
        },
        |site| site,
    );
    let chunked = "5\r\nGET /\r\n0\r\n\r\n";
    let mut connection = Connection::open(stand.nginx.port()).unwrap();
    let head = "POST /a HTTP/1.1\r\nHost: www.example.com\r\nTransfer-Encoding: chunked\r\n\
                X-Forwarded-Proto: made-up\r\nTE: trailers\r\n\r\n";
    connection
        .send_bytes(format!("{head}{chunked}").as_bytes())
        .unwrap();
    let seen = connection.receive().unwrap();
    let text = seen.text();
    assert!(
        text.starts_with("POST /a\n") && text.ends_with("\n5"),
        "{text}"
    );
    assert_eq!(text.matches("\nx-forwarded-proto: ").count(), 1, "{text}");
    assert_eq!(text.matches("\nhost: ").count(), 1, "{text}");
    assert!(
        !text.contains("made-up") && !text.contains("transfer-encoding"),
        "{text}"
    );
}

#[test]
fn the_application_is_told_what_went_past_the_cache_and_a_client_cannot_say_it() {
    let stand = Stand::with(cache, |site| site.never_cache("/admin/"));
    let told = |request: Request| {
        let request = request.header("Djanginxed-Bypass", "made-up");
        let seen = stand.send(request).text().to_owned();
        assert!(!seen.contains("made-up"), "{seen}");
        seen.contains("djanginxed-bypass: 1\n")
    };
    assert!(!told(Request::get("/a")));
    assert!(!told(Request::new("HEAD", "/a")));
    assert!(!told(Request::get("/a").header("Cookie", "a=b")));
    assert!(told(
        Request::get("/a").header("Authorization", "Basic eDp5")
    ));
    assert!(told(Request::get("/a").header("Upgrade", "h2c")));
    assert!(told(Request::get("/a").body("abc")));
    assert!(told(Request::get("/admin/")));
    assert!(told(Request::new("POST", "/admin/a").body("abc")));
    let one = crate::stand::stand();
    for (request, expected) in [
        (Request::get("/a"), false),
        (Request::get("/a").header("Authorization", "0"), true),
    ] {
        let seen = one.send(request.header("Djanginxed-Bypass", "1"));
        assert_eq!(seen.text().contains("djanginxed-bypass"), expected);
    }
}
