use testkit::http::{Connection, Request};

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
    assert!(is_hit(&stand.send(handshake("h2c"))));
}
