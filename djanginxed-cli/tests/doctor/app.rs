//! The application of the set-ups: pages of every kind.

use std::collections::BTreeSet;
use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle, Service};
use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use actix_web::middleware::{Condition, DefaultHeaders, NormalizePath};
use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, Responder, Route, get, route, rt, web,
};
use djanginxed::parts::{cookie, include, nonce};
use djanginxed::{PageCache, Variant, cache_page};
use futures_util::future::join_all;
use tempfile::TempDir;
use testkit::{folder_shared_with_nginx, listen};

/// What stands around the handlers.
#[derive(Clone, Copy, Default)]
pub(crate) struct Build {
    pub(crate) normalize_path: bool,
    /// A field that a middleware adds to every response.
    pub(crate) adds: Option<(&'static str, &'static str)>,
    /// A field that a middleware takes away from every request.
    pub(crate) takes: Option<&'static str>,
    /// Whether it has an admin page, at `/_pages`.
    pub(crate) admin: bool,
    /// Whether that is on a port of its own, where nothing else is.
    pub(crate) admin_apart: bool,
    /// Whether it has a unix socket in the place of its port.
    pub(crate) at_socket: bool,
}

/// An application on a free port; it ends with this value.
pub(crate) struct Application {
    pub(crate) port: u16,
    /// Where its socket is, if it has one.
    folder: Option<TempDir>,
    /// Where the admin page is.
    pub(crate) admin: String,
    handles: Vec<ServerHandle>,
    thread: Option<JoinHandle<()>>,
}

impl Application {
    pub(crate) fn start(port: u16, pages: PageCache, build: Build) -> Application {
        let (send, receive) = mpsc::channel();
        let folder = build.at_socket.then(|| folder_shared_with_nginx().unwrap());
        let socket = folder.as_ref().map(socket_in);
        let thread = std::thread::spawn(move || {
            rt::System::new().block_on(async move {
                let apart = build.admin_apart.then(|| admin_server(pages.clone()));
                let server = HttpServer::new(move || {
                    let adds = build.adds.unwrap_or(("X-Added", "nothing"));
                    App::new()
                        .app_data(pages.clone())
                        .wrap(DefaultHeaders::new().add(adds))
                        .wrap_fn(move |mut request, service| {
                            if let Some(name) = build.takes {
                                let name = HeaderName::from_static(name);
                                request.headers_mut().remove(name);
                            }
                            service.call(request)
                        })
                        .wrap(Condition::new(build.normalize_path, NormalizePath::trim()))
                        .configure(|app| {
                            if build.admin {
                                app.configure(pages.admin("/_pages"));
                            }
                        })
                        .configure(routes)
                        .configure(|app| scoped(app, &pages))
                })
                .workers(1)
                .disable_signals()
                .shutdown_timeout(0);
                let server = match socket {
                    Some(socket) => {
                        let server = server.bind_uds(&socket).unwrap();
                        // nginx has a user of its own.
                        set_permissions(socket, Permissions::from_mode(0o777)).unwrap();
                        server
                    }
                    None => server.listen(listen(port).unwrap()).unwrap(),
                };
                let servers = match apart {
                    None => (port, vec![server.run()]),
                    Some((port, apart)) => (port, vec![server.run(), apart]),
                };
                let handles = servers.1.iter().map(Server::handle).collect();
                send.send((servers.0, handles)).unwrap();
                for ended in join_all(servers.1).await {
                    ended.unwrap();
                }
            });
        });
        let (admin_port, handles) = receive.recv().unwrap();
        Application {
            port,
            folder,
            admin: format!("http://127.0.0.1:{admin_port}/_pages"),
            handles,
            thread: Some(thread),
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> String {
        match &self.folder {
            Some(folder) => format!("unix:{}", socket_in(folder).display()),
            None => format!("127.0.0.1:{}", self.port),
        }
    }
}

fn socket_in(folder: &TempDir) -> PathBuf {
    folder.path().join("app.sock")
}

impl Drop for Application {
    fn drop(&mut self) {
        for handle in &self.handles {
            drop(handle.stop(false));
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// An admin page on a free port, where no page is.
fn admin_server(pages: PageCache) -> (u16, Server) {
    let server = HttpServer::new(move || App::new().configure(pages.admin("/_pages")))
        .workers(1)
        .disable_signals()
        .shutdown_timeout(0)
        .bind(("127.0.0.1", 0))
        .unwrap();
    (server.addrs()[0].port(), server.run())
}

fn routes(app: &mut web::ServiceConfig) {
    app.service(article)
        .service(personal)
        .service(get_only)
        .service(large)
        .service(listed)
        .service(kept)
        .service(soon)
        .service(soon_and_slow)
        .service(soon_and_refused)
        .service(about_nginx)
        .service(kept_and_broken)
        .service(kept_and_edited)
        .service(front)
        .service(topic)
        .service(product)
        .service(q)
        .service(few_spellings)
        .service(until_login)
        .service(not_in_german)
        .service(slow)
        .service(stream)
        .service(lasting)
        .service(links)
        .service(json_here)
        .service(json)
        .service(feed)
        .service(bare_feed)
        .service(unknown_feed)
        .service(another)
        .service(answer);
    app.service(moved)
        .route("/plain", web::get().to(|| async { html("never cached") }))
        .route("/broken", to(500, ("X-Broken", "yes")))
        .route("/gone", to(410, ("X-Gone", "yes")))
        .route("/hangs", web::get().to(hangs));
}

/// Pages of a scope, whose editors are none.
fn scoped(app: &mut web::ServiceConfig, pages: &PageCache) {
    let cache = pages.cache(60).query(["page", "q"]);
    let cache = cache.when(|request| !request.path().ends_with("/edit"));
    let scope = web::scope("/scoped")
        .wrap(cache)
        .route(
            "/topics/{id}",
            web::get().to(|| async { html("<p>a topic") }),
        )
        .route(
            "/topics/{id}/edit",
            web::get().to(|| async { html("<p>an editor") }),
        );
    app.service(scope);
}

fn to(status: u16, field: (&'static str, &'static str)) -> Route {
    web::get().to(move || async move {
        let status = actix_web::http::StatusCode::from_u16(status).unwrap();
        HttpResponse::build(status).insert_header(field).finish()
    })
}

fn html(text: &str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(text.to_owned())
}

async fn hangs() -> HttpResponse {
    rt::time::sleep(Duration::from_secs(20)).await;
    html("at last")
}

#[route(
    "/articles/{id}",
    method = "GET",
    method = "HEAD",
    method = "POST",
    method = "OPTIONS"
)]
#[cache_page(60)]
async fn article() -> impl Responder {
    html(&format!("<p>A page\n{}", "words ".repeat(200)))
}

#[route(
    "/personal/{id}",
    method = "GET",
    method = "HEAD",
    method = "POST",
    method = "OPTIONS"
)]
#[cache_page(60)]
async fn personal() -> impl Responder {
    let part = include("/plain").or("nothing");
    html(&format!("<p>{} {} {part}", nonce(), cookie("token")))
}

/// Is stored only where its status is declared.
#[get("/moved")]
#[cache_page(60)]
async fn moved() -> HttpResponse {
    HttpResponse::MovedPermanently()
        .insert_header(("Location", "/articles/1"))
        .finish()
}

#[get("/get-only")]
#[cache_page(60)]
async fn get_only() -> impl Responder {
    html("<p>only GET")
}

#[get("/large")]
#[cache_page(60)]
async fn large() -> impl Responder {
    html(&"0123456789abcdef".repeat(4096))
}

/// Is there for longer than it is fresh.
#[get("/kept/{id}")]
#[cache_page(60, stale = 600, stale_if_error = 6000)]
async fn kept() -> impl Responder {
    html("<p>kept")
}

/// The same, and its timeout can be waited for.
#[get("/soon/{id}")]
#[cache_page(3, stale = 600)]
async fn soon() -> impl Responder {
    html("<p>soon over")
}

/// Whether the application asks itself.
fn is_refresh(request: &HttpRequest) -> bool {
    let agent = request.headers().get("User-Agent");
    agent.is_some_and(|agent| agent == "djanginxed")
}

/// Is rendered anew a second before its timeout ends, which takes until all is over.
#[get("/soon-and-slow")]
#[cache_page(4, stale = 1)]
async fn soon_and_slow(request: HttpRequest) -> impl Responder {
    if is_refresh(&request) {
        rt::time::sleep(Duration::from_millis(3500)).await;
    }
    html("<p>soon over")
}

/// Knows of no such program.
#[get("/soon-and-refused")]
#[cache_page(3, stale = 600)]
async fn soon_and_refused(request: HttpRequest) -> impl Responder {
    match is_refresh(&request) {
        true => HttpResponse::Forbidden().finish(),
        false => html("<p>soon over"),
    }
}

/// The same as `kept`, and is rendered once for each target.
#[get("/kept-and-broken")]
#[cache_page(60, stale = 600)]
async fn kept_and_broken(request: HttpRequest) -> impl Responder {
    static RENDERED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let target = request.uri().to_string();
    match RENDERED.lock().unwrap().insert(target) {
        true => html("<p>once"),
        false => HttpResponse::InternalServerError().finish(),
    }
}

/// The same, and one that is rendered again for who asks past nginx fails once, as where
/// an edit purges it meanwhile.
#[get("/kept-and-edited")]
#[cache_page(60, stale = 600)]
async fn kept_and_edited(request: HttpRequest) -> impl Responder {
    static RENDERED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    static HAS_FAILED: AtomicBool = AtomicBool::new(false);
    let is_new = RENDERED.lock().unwrap().insert(request.uri().to_string());
    let has = |name: &str| request.headers().contains_key(name);
    let is_plain = !has("X-Forwarded-For") && !has("Authorization");
    if !is_new && is_plain && !HAS_FAILED.swap(true, Ordering::Relaxed) {
        return HttpResponse::InternalServerError().finish();
    }
    html("<p>edited")
}

/// Has in its text what nginx's file calls the application.
#[get("/about-nginx")]
#[cache_page(60)]
async fn about_nginx() -> impl Responder {
    html("<p>proxy_pass http://djanginxed_app; and http://127.0.0.1/")
}

/// Names the query parameters that it knows.
#[get("/listed/by-date")]
#[cache_page(60, query = ["page"])]
async fn listed(query: web::Query<std::collections::HashMap<String, String>>) -> impl Responder {
    let page = query.get("page").map_or("1", String::as_str);
    html(&format!("<p>page {page}"))
}

/// The same, with no letter in its path.
#[get("/")]
#[cache_page(60, query = ["page"])]
async fn front() -> impl Responder {
    html("<p>front")
}

/// The same, whose path can be written in 192 ways.
#[get("/topics/{id}")]
#[cache_page(60, query = ["page"])]
async fn topic() -> impl Responder {
    html("<p>a topic")
}

/// The same, in 768.
#[route("/products/{id}", method = "GET", method = "HEAD")]
#[cache_page(60, query = [])]
async fn product() -> impl Responder {
    html("<p>a product")
}

/// The same, with a path too short for other spellings.
#[get("/q")]
#[cache_page(60, query = [])]
async fn q() -> impl Responder {
    html("<p>q")
}

/// Can be written in 256 ways.
#[get("/abcdefgh")]
#[cache_page(60, query = [])]
async fn few_spellings() -> impl Responder {
    html("<p>few")
}

/// Is stored until somebody shows a password.
#[get("/until-login")]
#[cache_page(60)]
async fn until_login(request: HttpRequest) -> impl Responder {
    static SEEN: AtomicBool = AtomicBool::new(false);
    if request.headers().contains_key("authorization") {
        SEEN.store(true, Ordering::Relaxed);
    }
    let mut page = html("<p>for all");
    if SEEN.load(Ordering::Relaxed) {
        let forbidden = HeaderValue::from_static("no-store");
        page.headers_mut().insert(CACHE_CONTROL, forbidden);
    }
    page
}

/// Is not stored in one language.
#[get("/not-in-german")]
#[cache_page(60)]
async fn not_in_german(variant: Variant) -> impl Responder {
    let mut page = html("<p>for most");
    if variant.get("language") == Some("de") {
        let forbidden = HeaderValue::from_static("no-store");
        page.headers_mut().insert(CACHE_CONTROL, forbidden);
    }
    page
}

/// Leaves time to do something while it is checked.
#[get("/slow")]
#[cache_page(60)]
async fn slow() -> impl Responder {
    rt::time::sleep(Duration::from_millis(300)).await;
    html("<p>at leisure")
}

#[get("/stream")]
#[cache_page(60)]
async fn stream() -> impl Responder {
    let parts =
        ["<p>one ", "two ", "three"].map(|part| Ok::<_, actix_web::Error>(web::Bytes::from(part)));
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .streaming(futures_util::stream::iter(parts))
}

#[get("/lasting")]
#[cache_page(60 * 60 * 24 * 90)]
async fn lasting() -> impl Responder {
    html("<p>for 90 days")
}

/// Shows the host and the scheme that it is asked for.
#[get("/links")]
#[cache_page(60)]
async fn links(request: HttpRequest) -> impl Responder {
    let info = request.connection_info().clone();
    let real = request
        .headers()
        .get("X-Real-IP")
        .map(|ip| ip.to_str().unwrap_or("").to_owned());
    html(&format!(
        "<a href=\"{}://{}/\">home</a> {}",
        info.scheme(),
        info.host(),
        real.unwrap_or_default()
    ))
}

/// Another content type under the prefix of the HTML pages.
#[get("/json-here")]
#[cache_page(60, content_type = "application/json")]
async fn json_here() -> impl Responder {
    HttpResponse::Ok()
        .content_type("application/json")
        .body("[1]")
}

#[get("/json/{tail:.*}")]
#[cache_page(60, key_prefix = "json", content_type = "application/json")]
async fn json() -> impl Responder {
    HttpResponse::Ok()
        .content_type("application/json")
        .body("[1]")
}

#[get("/feed.xml")]
#[cache_page(60, key_prefix = "feed", content_type = "application/rss+xml")]
async fn feed() -> impl Responder {
    HttpResponse::Ok()
        .content_type("application/rss+xml; charset=utf-8")
        .body("<rss version=\"2.0\"></rss>")
}

/// The same, and nginx's file does not know of it.
#[get("/news.xml")]
#[cache_page(60, key_prefix = "feed", content_type = "application/rss+xml")]
async fn unknown_feed() -> impl Responder {
    HttpResponse::Ok()
        .content_type("application/rss+xml; charset=utf-8")
        .body("<rss version=\"2.0\"></rss>")
}

/// Is another page each time.
#[get("/another")]
#[cache_page(60)]
async fn another() -> impl Responder {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    html(&format!("<p>{count} {}", "filler ".repeat(300)))
}

/// Says no charset, which nginx does.
#[get("/feed.xml/bare")]
#[cache_page(60, key_prefix = "feed", content_type = "application/rss+xml")]
async fn bare_feed() -> impl Responder {
    HttpResponse::Ok()
        .content_type("application/rss+xml")
        .body("<rss version=\"2.0\"></rss>")
}

/// `/answer/{what}`: a page that is refused for that reason.
#[get("/answer/{what}")]
#[cache_page(60)]
async fn answer(what: web::Path<String>) -> HttpResponse {
    let (name, value) = match what.as_str() {
        "set-cookie" => ("Set-Cookie", "a=1"),
        "cache-control" => ("Cache-Control", "private"),
        "vary" => ("Vary", "Cookie"),
        "content-encoding" => ("Content-Encoding", "br"),
        "header" => ("Content-Security-Policy", "default-src 'self'"),
        "expired" => ("Cache-Control", "max-age=0"),
        "charset" => ("Content-Type", "text/html; charset=iso-8859-1"),
        "type" => ("Content-Type", "application/json"),
        _ => ("X-Nothing", "at all"),
    };
    let mut answer = html(if what.as_str() == "empty" { "" } else { "<p>x" });
    let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
    answer
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
    if what.as_str() == "status" {
        *answer.status_mut() = actix_web::http::StatusCode::ACCEPTED;
    }
    answer
}
