//! A site whose application offers its metrics and its admin page.

use std::sync::{LazyLock, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Responder, get, post, rt, web};
use djanginxed::nginx::Site;
use djanginxed::{CachedPage, PageCache, PageCacheBuilder, cache_page, purges};
use djanginxed_runtime::tool::ask_feed;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tempfile::TempDir;
use testkit::http::{Request, Response};
use testkit::{Memcached, Nginx, eventually, folder_shared_with_nginx, free_port};

/// Of all sites of this process.
pub(crate) static METRICS: LazyLock<PrometheusHandle> =
    LazyLock::new(|| PrometheusBuilder::new().install_recorder().unwrap());

#[get("/articles/{id}")]
#[cache_page(60)]
async fn article(id: web::Path<u32>) -> impl Responder {
    web::Html::new(format!("<p>{id}</p>"))
}

#[get("/slow")]
#[cache_page(60)]
async fn slow() -> impl Responder {
    rt::time::sleep(Duration::from_millis(300)).await;
    web::Html::new("<p>slow</p>")
}

#[get("/stale")]
#[cache_page(1, stale = 600)]
async fn stale() -> impl Responder {
    web::Html::new("<p>stale</p>")
}

/// Whether it breaks is the request's choice.
#[get("/breaks")]
#[cache_page(1, stale_if_error = 600)]
async fn breaks(request: HttpRequest) -> HttpResponse {
    match request.headers().contains_key("Broken") {
        true => HttpResponse::InternalServerError().finish(),
        false => HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .body("<p>whole</p>"),
    }
}

#[get("/tagged/{tag}")]
#[cache_page(60)]
async fn tagged(tag: web::Path<String>, page: CachedPage) -> impl Responder {
    // Such as "a b", which is none.
    page.tag(tag.into_inner());
    web::Html::new("<p>tagged</p>")
}

#[post("/change")]
#[purges("articles")]
async fn change() -> impl Responder {
    HttpResponse::NoContent()
}

#[get("/session")]
#[cache_page(60)]
async fn session() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("Set-Cookie", "session=1"))
        .content_type("text/html; charset=utf-8")
        .body("yours")
}

#[get("/metrics")]
async fn metrics() -> String {
    METRICS.render()
}

/// All of it, running.
pub(crate) struct Running {
    pub(crate) nginx: Nginx,
    pub(crate) memcached: Memcached,
    pub(crate) pages: PageCache,
    /// The feed of hits, which the application reads.
    pub(crate) feed: String,
    pub(crate) application: u16,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
    _folder: TempDir,
}

impl Running {
    pub(crate) fn with(settings: impl Fn(PageCacheBuilder) -> PageCacheBuilder) -> Running {
        LazyLock::force(&METRICS);
        let folder = folder_shared_with_nginx().unwrap();
        let feed = folder.path().join("hits.sock").display().to_string();
        let memcached = Memcached::start().unwrap();
        let pages = PageCache::builder()
            .memcached([memcached.address()])
            .key_prefix("site1")
            .hit_feed(&feed);
        let pages = settings(pages).build().unwrap();
        let (send, receive) = mpsc::channel();
        let served = pages.clone();
        let thread = std::thread::spawn(move || {
            rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    App::new()
                        .app_data(served.clone())
                        .configure(served.admin("/_pages"))
                        .service(article)
                        .service(slow)
                        .service(session)
                        .service(stale)
                        .service(breaks)
                        .service(tagged)
                        .service(change)
                        .service(metrics)
                });
                let server = server.workers(1).disable_signals();
                let server = server.bind(("127.0.0.1", 0)).unwrap();
                let port = server.addrs()[0].port();
                let server = server.run();
                send.send((port, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        let (application, handle) = receive.recv().unwrap();
        let nginx = Nginx::start(|port| {
            let site = Site::new(&pages)
                .server_name("127.0.0.1")
                .app(format!("127.0.0.1:{application}"))
                .listen(format!("127.0.0.1:{port}"))
                .inner(format!("127.0.0.1:{}", free_port()));
            site.generate().unwrap().site().to_owned()
        });
        // A moment after its start; nothing is told before.
        eventually("the application reads the feed", || {
            ask_feed(&feed, 1, Duration::from_secs(1)).is_ok()
        });
        Running {
            nginx: nginx.unwrap(),
            memcached,
            pages,
            feed,
            application,
            handle,
            thread: Some(thread),
            _folder: folder,
        }
    }

    pub(crate) fn get(&self, target: &str) -> Response {
        let host = format!("127.0.0.1:{}", self.nginx.port());
        Request::get(target)
            .header("Host", host)
            .send(self.nginx.port())
    }

    pub(crate) fn until_hit(&self, target: &str) {
        eventually("nginx answers by itself", || {
            self.get(target).header("cache-status") == Some("nginx; hit")
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
