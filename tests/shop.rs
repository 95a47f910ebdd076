//! The example shop's metrics, and who gets them.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

#[path = "../examples/shop/main.rs"]
#[allow(dead_code, reason = "its main is not this program's")]
mod shop;

use std::sync::mpsc;
use std::thread;

use actix_web::{App, HttpServer, rt};
use djanginxed::PageCache;
use testkit::http::Request;
use testkit::{Memcached, Nginx, eventually, free_port};

use shop::settings::Settings;
use shop::{Shop, metrics, settings};

const SECRET: &str = "a-secret-of-the-test-that-is-long-enough";

/// The shop on a port of its own, until the end of this process.
fn serve() -> u16 {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        rt::System::new().block_on(async move {
            let folder = tempfile::tempdir().unwrap();
            let settings = Settings {
                database: folder.path().join("shop.sqlite"),
                secret: Some(SECRET.to_owned()),
                ..Settings::of_environment().unwrap()
            };
            let recorded = metrics::record().unwrap();
            let shop = Shop::open(&settings).unwrap().with_metrics(recorded);
            let app = move || App::new().configure(|config| shop.configure(config));
            let server = HttpServer::new(app).workers(1).disable_signals();
            let server = server.bind(("127.0.0.1", 0)).unwrap();
            send.send(server.addrs()[0].port()).unwrap();
            server.run().await.unwrap();
        });
    });
    receive.recv().unwrap()
}

#[test]
fn metrics_are_for_this_machine_past_nginx_and_are_never_stored() {
    let memcached = Memcached::start().unwrap();
    let shop = serve();
    let pages = PageCache::builder().memcached([memcached.address()]);
    let pages = settings::pages(pages, SECRET).unwrap();
    let nginx = Nginx::start(|port| {
        let listen = format!("127.0.0.1:{port}");
        let inner = format!("127.0.0.1:{}", free_port());
        settings::nginx_file(&pages, &format!("127.0.0.1:{shop}"), &listen, &inner).unwrap()
    });
    let nginx = nginx.unwrap();
    let metrics = |port, host: &str| {
        let request = Request::get("/internal/metrics").header("Host", host);
        request.send(port)
    };
    assert_eq!(testkit::get(nginx.port(), "/").status, 200);
    let rendered = || {
        let answer = metrics(shop, "127.0.0.1");
        assert_eq!(answer.status, 200);
        let kind = answer.header("content-type").unwrap();
        assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
        let status = answer.header("cache-status");
        assert_eq!(status, None, "the cache has nothing to do with it");
        answer.text().to_owned()
    };
    eventually("a render is counted", || {
        rendered().contains("\ndjanginxed_render_seconds_count 1\n")
    });
    assert!(rendered().contains("\ndjanginxed_lost_indexes_total 0\n"));
    // Each is rendered when it is asked for.
    assert_eq!(testkit::get(nginx.port(), "/feed.xml").status, 200);
    eventually("another render is counted", || {
        rendered().contains("\ndjanginxed_render_seconds_count 2\n")
    });
    // Nobody gets them through nginx, nor by another name.
    for _ in 0..2 {
        assert_eq!(metrics(nginx.port(), "127.0.0.1").status, 404);
    }
    assert_eq!(metrics(shop, "shop.example.com").status, 404);
}
