//! Requests that reach the application past nginx, in forms that nginx would not
//! let through.

use std::time::Duration;

use actix_web::{App, HttpRequest, HttpServer, web};
use djanginxed::{PageCache, cache_page};
use h2::client::SendRequest;
use testkit::http::{Request, Response};
use tokio::net::TcpStream;

use crate::stack::{Application, Script, cache_status, ok};

/// An application whose pages say how they were asked for.
fn application(pages: PageCache) -> Application {
    let script = Script::new(|render| {
        let connection = render.request.connection_info();
        ok().body(format!("{}://{}", connection.scheme(), connection.host()))
    });
    Application::configured(1, &script, move |config| {
        config.app_data(pages.clone());
    })
}

fn in_memory() -> PageCache {
    PageCache::builder().build().unwrap()
}

#[track_caller]
fn is_bypassed(response: &Response, reason: &str) {
    let status = format!("djanginxed; fwd=bypass; detail={reason}");
    assert_eq!(cache_status(response), status, "{response:?}");
}

#[test]
fn who_asks_for_another_protocol_neither_gets_a_page_nor_leaves_one() {
    let application = application(in_memory());
    let handshake = Request::get("/").header("Upgrade", "websocket");
    let handshake = handshake.header("Connection", "upgrade");
    is_bypassed(&handshake.send(application.port()), "upgrade");
    let first = Request::get("/").send(application.port());
    assert!(cache_status(&first).ends_with("stored"), "{first:?}");
    is_bypassed(&handshake.send(application.port()), "upgrade");
}

#[test]
fn who_asks_for_another_protocol_and_falls_silent_holds_nobody_up() {
    #[cache_page(60)]
    async fn reads_all(body: web::Bytes) -> actix_web::HttpResponse {
        ok().body(format!("{} bytes", body.len()))
    }
    let pages = in_memory();
    let application = Application::configured(2, &Script::html(), move |config| {
        let page = web::resource("/").route(web::to(reads_all));
        config.app_data(pages.clone()).service(page);
    });
    let silent = std::net::TcpStream::connect(("127.0.0.1", application.port())).unwrap();
    let head = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    std::io::Write::write_all(&mut &silent, head).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let other = Request::get("/").send(application.port());
    assert_eq!(other.text(), "0 bytes");
    assert_eq!(cache_status(&other), "djanginxed; fwd=uri-miss; stored");
}

#[test]
fn a_scheme_that_the_client_made_up_reaches_no_stored_page() {
    for pages in [
        in_memory(),
        PageCache::builder().hosts(["127.0.0.1"]).build().unwrap(),
    ] {
        let application = application(pages);
        let ask = |target: &str, lines: &[(&str, &str)]| {
            let request = lines
                .iter()
                .fold(Request::get(target), |request, (name, value)| {
                    request.header(name, value)
                });
            request.send(application.port())
        };
        is_bypassed(&ask("evil://127.0.0.1/", &[]), "scheme");
        is_bypassed(&ask("javascript://127.0.0.1/", &[]), "scheme");
        let told = [("X-Forwarded-Proto", "javascript:alert(1)")];
        is_bypassed(&ask("/", &told), "scheme");
        is_bypassed(&ask("/", &[("Forwarded", "proto=evil")]), "scheme");
        let stored = ask("/", &[]);
        assert_eq!(cache_status(&stored), "djanginxed; fwd=uri-miss; stored");
        assert_eq!(stored.text(), "http://127.0.0.1");
    }
}

#[test]
fn a_host_named_with_https_is_not_cached_by_http() {
    let pages = PageCache::builder().hosts(["https://127.0.0.1"]);
    let application = application(pages.build().unwrap());
    let request = Request::get("/");
    is_bypassed(&request.send(application.port()), "scheme");
    let secure = request.header("X-Forwarded-Proto", "https");
    let stored = secure.send(application.port());
    assert_eq!(cache_status(&stored), "djanginxed; fwd=uri-miss; stored");
    assert_eq!(stored.text(), "https://127.0.0.1");
}

/// What the handler read, and whether it is a page for all.
#[cache_page(60)]
async fn echo(request: HttpRequest, body: web::Bytes) -> actix_web::HttpResponse {
    read(request, body).await
}

async fn read(request: HttpRequest, body: web::Bytes) -> actix_web::HttpResponse {
    let body = String::from_utf8_lossy(&body);
    ok().body(format!("{} read {body:?}", request.uri().path()))
}

/// A cached resource over HTTP/2: by the attribute, or by the middleware.
fn over_http2(by_attribute: bool) -> Application {
    let pages = in_memory();
    Application::start(move |listener| {
        let app = move || {
            let wrapped = web::resource("/page").wrap(pages.cache(60));
            let wrapped = wrapped.route(web::to(read));
            let app = App::new().app_data(pages.clone());
            match by_attribute {
                true => app.default_service(web::to(echo)),
                false => app.service(wrapped),
            }
        };
        let server = HttpServer::new(app).workers(1).disable_signals();
        Ok(server.listen_auto_h2c(listener)?.run())
    })
}

async fn connect(port: u16) -> SendRequest<actix_web::web::Bytes> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(async move {
        // Its end is the test's end.
        let _ = connection.await;
    });
    client.ready().await.unwrap()
}

/// Cache-Status and body of a GET with `content` in DATA frames, if any.
async fn get(
    client: &mut SendRequest<actix_web::web::Bytes>,
    content: &[&'static str],
) -> (String, String) {
    let request = http::Request::get("http://127.0.0.1/page")
        .body(())
        .unwrap();
    let (response, mut sender) = client.send_request(request, content.is_empty()).unwrap();
    for (at, part) in content.iter().enumerate() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let part = actix_web::web::Bytes::from_static(part.as_bytes());
        sender.send_data(part, at + 1 == content.len()).unwrap();
    }
    let mut response = response.await.unwrap();
    let status = response.headers()["cache-status"]
        .to_str()
        .unwrap()
        .to_owned();
    let mut body = Vec::new();
    while let Some(part) = response.body_mut().data().await {
        body.extend_from_slice(&part.unwrap());
    }
    (status, String::from_utf8(body).unwrap())
}

#[test]
fn over_http2_content_without_a_length_is_not_stored_and_reaches_the_handler_whole() {
    for by_attribute in [true, false] {
        content_without_a_length(&over_http2(by_attribute));
    }
}

fn content_without_a_length(application: &Application) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut client = connect(application.port()).await;
        for _ in 0..2 {
            let (status, body) = get(&mut client, &["ev", "il"]).await;
            assert_eq!(status, "djanginxed; fwd=bypass; detail=content");
            assert_eq!(body, "/page read \"evil\"");
        }
        let (status, body) = get(&mut client, &[]).await;
        assert_eq!(status, "djanginxed; fwd=uri-miss; stored");
        assert_eq!(body, "/page read \"\"");
        assert_eq!(get(&mut client, &[]).await.0, "djanginxed; hit");
        // Already there when the handler is called, and after a hit as before.
        let (status, body) = get(&mut client, &["again"]).await;
        assert_eq!(status, "djanginxed; fwd=bypass; detail=content");
        assert_eq!(body, "/page read \"again\"");
    });
}
