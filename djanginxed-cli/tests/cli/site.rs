//! A site with cached pages: application, Memcached and nginx.

use std::sync::mpsc;
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use actix_web::middleware::{Condition, DefaultHeaders, NormalizePath};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Responder, get, route, rt};
use djanginxed::nginx::Site;
use djanginxed::{Layout, PageCache, PageCacheBuilder, cache_page};
use testkit::{Memcached, Module, Nginx, free_port};

/// How the application is built.
#[derive(Clone, Copy, Default)]
pub(crate) struct Build {
    pub(crate) normalize_path: bool,
    /// A header that a middleware adds to every response.
    pub(crate) added: Option<(&'static str, &'static str)>,
    pub(crate) layout: Layout,
}

/// An application on a free port; it ends with this value.
struct Application {
    port: u16,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Application {
    fn start(pages: PageCache, build: Build) -> Application {
        let (send, receive) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    let added = build.added.unwrap_or(("X-Added", "nothing"));
                    App::new()
                        .app_data(pages.clone())
                        .wrap(DefaultHeaders::new().add(added))
                        .wrap(Condition::new(build.normalize_path, NormalizePath::trim()))
                        .service(article)
                        .service(text)
                        .service(session)
                        .service(search)
                        .service(notes)
                        .service(moved)
                        .service(gone)
                        .service(data)
                })
                .workers(1)
                .disable_signals()
                .bind(("127.0.0.1", 0))
                .unwrap();
                let port = server.addrs()[0].port();
                let server = server.run();
                send.send((port, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        let (port, handle) = receive.recv().unwrap();
        Application {
            port,
            handle,
            thread: Some(thread),
        }
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[route(
    "/articles/{id}",
    method = "GET",
    method = "HEAD",
    method = "POST",
    method = "OPTIONS"
)]
#[cache_page(60, tags = ["articles", "article:{id}"])]
async fn article(request: HttpRequest) -> impl Responder {
    let host = request.connection_info().host().to_owned();
    let filler = "words ".repeat(200);
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(format!("<p>A page of {host}\n{filler}"))
}

#[get("/text")]
#[cache_page(60, key_prefix = "text", content_type = "text/plain", tags = ["texts"])]
async fn text() -> impl Responder {
    "text"
}

#[get("/session")]
#[cache_page(60)]
async fn session() -> impl Responder {
    HttpResponse::Ok()
        .insert_header(("Set-Cookie", "session=1"))
        .content_type("text/html; charset=utf-8")
        .body("yours")
}

/// Needs its query; `q=only` takes no other spelling.
#[get("/search")]
#[cache_page(60)]
async fn search(request: HttpRequest) -> HttpResponse {
    let query = request.query_string();
    let as_linked = request.uri().path() == "/search" && !query.contains('|');
    if !query.starts_with("q=") || (query.starts_with("q=only") && !as_linked) {
        return HttpResponse::BadRequest().finish();
    }
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body("found")
}

#[get("/notes")]
#[cache_page(60)]
async fn notes() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body("[]")
}

/// Is stored where its status is declared.
#[get("/moved")]
#[cache_page(60)]
async fn moved() -> HttpResponse {
    HttpResponse::MovedPermanently()
        .insert_header(("Location", "/articles/1"))
        .finish()
}

/// The same.
#[get("/gone")]
#[cache_page(60)]
async fn gone() -> HttpResponse {
    HttpResponse::NotFound()
        .content_type("text/html")
        .body("gone")
}

/// nginx's file does not know its type.
#[get("/data")]
#[cache_page(60, content_type = "application/json")]
async fn data() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body("[]")
}

/// Everything that a site needs, running.
pub(crate) struct Running {
    pub(crate) nginx: Nginx,
    pub(crate) memcached: Memcached,
    pub(crate) pages: PageCache,
    application: Application,
}

impl Running {
    pub(crate) fn start() -> Running {
        Running::with(Build::default(), |pages| pages, |file| file)
    }

    /// The site, with `change` made to nginx's file.
    pub(crate) fn broken(change: impl Fn(String) -> String) -> Running {
        Running::with(Build::default(), |pages| pages, change)
    }

    pub(crate) fn with(
        build: Build,
        settings: impl Fn(PageCacheBuilder) -> PageCacheBuilder,
        change: impl Fn(String) -> String,
    ) -> Running {
        let memcached = Memcached::start().unwrap();
        let pages = PageCache::builder()
            .memcached([memcached.address()])
            .layout(build.layout)
            .key_prefix("site1");
        let pages = settings(pages).build().unwrap();
        let application = Application::start(pages.clone(), build);
        let file = |port: u16| {
            let site = Site::new(&pages)
                .server_name("127.0.0.1")
                .app(format!("127.0.0.1:{}", application.port))
                .listen(format!("127.0.0.1:{port}"))
                .inner(format!("127.0.0.1:{}", free_port()))
                .page("/text", "text", "text/plain");
            change(site.generate().unwrap().site())
        };
        let mut nginx = Nginx::builder();
        if build.layout == Layout::Response {
            nginx = nginx.modules([Module::SetMisc, Module::Srcache]);
        }
        let nginx = nginx.start(file).unwrap();
        Running {
            nginx,
            memcached,
            pages,
            application,
        }
    }

    pub(crate) fn url(&self, target: &str) -> String {
        format!("http://127.0.0.1:{}{target}", self.nginx.port())
    }

    pub(crate) fn app(&self) -> String {
        format!("127.0.0.1:{}", self.application.port)
    }
}
