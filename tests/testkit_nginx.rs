//! What the tests rely on when they start an nginx and speak HTTP to it.

use std::io::ErrorKind;
use std::time::Duration;

use testkit::http::{Connection, Request, get, head};
use testkit::{Memcached, Module, Nginx, eventually};

fn says(port: u16, word: &str) -> String {
    format!(
        "server {{ listen 127.0.0.1:{port}; location / {{ return 200 \"{word} $request_uri\"; }} }}"
    )
}

#[test]
fn a_target_arrives_byte_for_byte() {
    let nginx = Nginx::start(|port| says(port, "at")).unwrap();
    let response = get(nginx.port(), "/x/../a%2fb?q=%E9|");
    assert_eq!(response.status, 200);
    assert_eq!(response.text(), "at /x/../a%2fb?q=%E9|");
    assert_eq!(get(nginx.port(), b"/\xe9").body, b"at /\xe9");
    assert_eq!(response.header("SERVER"), response.header("server"));
    eventually("nginx has logged it", || {
        nginx.access_log().contains("/x/../a%2fb")
    });
}

#[test]
fn the_set_misc_and_njs_modules_load() {
    let nginx = Nginx::builder()
        .modules([Module::SetMisc, Module::Njs])
        .file("key.js", "export default { word: () => 'njs' };")
        .start(|port| {
            format!(
                "js_import key from key.js; js_set $word key.word;
                 server {{ listen 127.0.0.1:{port}; set_md5 $key site1$request_uri;
                 location / {{ return 200 $word:$key; }} }}"
            )
        })
        .unwrap();
    // md5("site1/articles/?page=2")
    let expected = "njs:a3c88da81e02be8ea2e22d58d5f67357";
    assert_eq!(get(nginx.port(), "/articles/?page=2").text(), expected);
}

#[test]
fn a_refused_configuration_is_reported_in_nginxs_own_words() {
    let wrong = "server { no_such_directive on; }";
    let error = Nginx::start(|_| wrong.to_owned()).unwrap_err().to_string();
    assert!(
        error.contains("unknown directive \"no_such_directive\""),
        "{error}"
    );
    let message = Nginx::test(wrong).unwrap_err();
    assert!(message.contains("no_such_directive"), "{message}");
    Nginx::test("server { listen 127.0.0.1:18080; }").unwrap();
}

#[test]
fn after_a_reload_every_request_meets_the_new_configuration() {
    let mut nginx = Nginx::start(|port| says(port, "old")).unwrap();
    let port = nginx.port();
    assert_eq!(get(port, "/").text(), "old /");
    nginx.reload(&says(port, "new")).unwrap();
    for _ in 0..50 {
        assert_eq!(get(port, "/").text(), "new /");
    }
    let error = nginx
        .reload("server { no_such_directive on; }")
        .unwrap_err();
    assert!(error.to_string().contains("no_such_directive"), "{error}");
    assert_eq!(get(port, "/").text(), "new /");
}

#[test]
fn a_stopped_nginx_refuses_and_takes_its_folder_along() {
    let mut nginx = Nginx::start(|port| says(port, "here")).unwrap();
    let (port, folder) = (nginx.port(), nginx.folder().to_owned());
    nginx.stop();
    let refused = Request::get("/").try_send(port).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    drop(nginx);
    assert!(!folder.exists());
}

#[test]
fn a_kept_connection_carries_get_head_and_bodies_in_order() {
    let memcached = Memcached::start().unwrap();
    memcached.set("/page", 0, 0, "the page");
    let nginx = Nginx::start(|port| {
        format!(
            "server {{ listen 127.0.0.1:{port}; set $memcached_key $uri;
             location / {{ memcached_pass {}; }}
             location /length {{ proxy_pass http://127.0.0.1:{port}/took; }}
             location /took {{ return 200 $http_content_length; }} }}",
            memcached.address()
        )
    })
    .unwrap();
    let mut connection = Connection::open(nginx.port()).unwrap();
    for request in [
        Request::new("HEAD", "/page"),
        Request::get("/page"),
        Request::new("POST", "/length").chunks(["one", "two"]),
        Request::new("POST", "/length").body("four"),
    ] {
        connection.send(&request).unwrap();
    }
    let mut next = || connection.receive().unwrap();
    let (to_head, page) = (next(), next());
    assert_eq!(to_head.header("Content-Length"), Some("8"));
    assert_eq!((to_head.text(), page.text()), ("", "the page"));
    assert_eq!((next().text(), next().text()), ("6", "4"));
    assert_eq!(head(nginx.port(), "/nothing").status, 404);
}

#[test]
fn a_client_can_leave_early_or_read_slowly() {
    let page = "x".repeat(500_000);
    let memcached = Memcached::start().unwrap();
    memcached.set("/", 0, 0, &page);
    let nginx = Nginx::start(|port| {
        format!(
            "server {{ listen 127.0.0.1:{port} sndbuf=4k; set $memcached_key $uri;
             location / {{ memcached_pass {}; }} }}",
            memcached.address()
        )
    })
    .unwrap();
    let ask = || {
        let mut connection = Connection::open_narrow(nginx.port()).unwrap();
        connection
            .send(&Request::get("/").header("Connection", "close"))
            .unwrap();
        assert!(connection.read_some(10).unwrap().starts_with(b"HTTP/1.1 2"));
        connection
    };
    ask().leave();
    ask().reset().unwrap();
    let all = ask()
        .read_slowly(100_000, Duration::from_millis(1))
        .unwrap();
    assert!(all.ends_with(&page.as_bytes()[..499_000]));
    eventually("nginx has seen the reset", || {
        nginx.access_log().lines().count() == 3
    });
}
