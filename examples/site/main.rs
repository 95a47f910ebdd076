//! The project's own documentation as a cached site.
//!
//! ```text
//! cargo run --example site
//! DJANGINXED_SERVERS=127.0.0.1:11211 cargo run --example site
//! ```
//!
//! The first keeps its pages in its own memory, the second in Memcached, where
//! nginx finds them. `SITE_LISTEN` or the first argument is another address to
//! listen on; port 0 takes a free one.
//!
//! `--nginx` prints nginx's file for this site instead, made from its own
//! settings; the address that nginx is to listen on may follow:
//!
//! ```text
//! DJANGINXED_SERVERS=127.0.0.1:11211 cargo run --example site -- --nginx 127.0.0.1:8000
//! ```

mod document;
mod layout;
mod markdown;
mod metrics;
mod nginx;
mod request_log;

use std::process::ExitCode;
use std::{env, io};

use actix_web::http::header::ContentType;
use actix_web::{App, HttpResponse, HttpServer, ResponseError, middleware, route, web};
use djanginxed::{PageCache, cache_page};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use metrics_exporter_prometheus::PrometheusHandle;

use document::{Site, SiteError};

/// Where the site listens unless told.
const LISTEN: &str = "127.0.0.1:8080";

/// Any number of seconds known to the compiler is a timeout.
const QUARTER_OF_AN_HOUR: u32 = 60 * 15;

#[route("/", method = "GET", method = "HEAD")]
#[cache_page(QUARTER_OF_AN_HOUR)]
async fn index(site: web::Data<Site>) -> Result<HttpResponse, SiteError> {
    Ok(html(layout::index(&site)?))
}

#[route("/{name}", method = "GET", method = "HEAD")]
#[cache_page(QUARTER_OF_AN_HOUR)]
async fn top(site: web::Data<Site>, name: web::Path<String>) -> Result<HttpResponse, SiteError> {
    Ok(html(layout::document(&site, &format!("/{name}"))?))
}

#[route("/docs/{name}", method = "GET", method = "HEAD")]
#[cache_page(60 * 5)]
async fn guide(site: web::Data<Site>, name: web::Path<String>) -> Result<HttpResponse, SiteError> {
    Ok(html(layout::document(&site, &format!("/docs/{name}"))?))
}

/// nginx gives all pages of one prefix one content type.
const STYLE_PREFIX: &str = "docs-style";

/// A page is whatever nginx can serve under one content type.
#[route("/style.css", method = "GET", method = "HEAD")]
#[cache_page(86_400, key_prefix = STYLE_PREFIX, content_type = "text/css")]
async fn style() -> impl actix_web::Responder {
    HttpResponse::Ok()
        .content_type("text/css")
        .body(include_str!("style.css"))
}

const PICTURE_PREFIX: &str = "docs-pictures";

#[route("/docs/pictures/{name}", method = "GET", method = "HEAD")]
#[cache_page(QUARTER_OF_AN_HOUR, key_prefix = PICTURE_PREFIX, content_type = "image/svg+xml")]
async fn picture(
    site: web::Data<Site>,
    name: web::Path<String>,
) -> Result<HttpResponse, SiteError> {
    Ok(HttpResponse::Ok()
        .content_type("image/svg+xml")
        .body(site.picture(&name)?))
}

async fn nothing_here(site: web::Data<Site>) -> HttpResponse {
    SiteError::NoSuchPage(site.links()).error_response()
}

fn html(page: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::html())
        .body(page)
}

#[actix_web::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("site: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), String> {
    if env::args().nth(1).as_deref() == Some("--nginx") {
        return print_nginx_file();
    }
    log_the_cache();
    let metrics = metrics::record().map_err(|error| error.to_string())?;
    let site = Site::open(env!("CARGO_MANIFEST_DIR")).map_err(|error| error.to_string())?;
    let pages = PageCache::from_env().map_err(|error| error.to_string())?;
    serve(web::Data::new(site), pages.clone(), metrics).await?;
    pages.flush().await;
    Ok(())
}

fn print_nginx_file() -> Result<(), String> {
    let pages = PageCache::from_env().map_err(|error| error.to_string())?;
    let listen = env::args().nth(2);
    let listen = listen.as_deref().unwrap_or("127.0.0.1:8000");
    let app = env::var("SITE_LISTEN").unwrap_or_else(|_| LISTEN.to_owned());
    let inner = env::args().nth(3);
    let inner = inner.as_deref().unwrap_or("127.0.0.1:11280");
    let file = nginx::file(&pages, &app, listen, inner).map_err(|error| error.to_string())?;
    print!("{file}");
    Ok(())
}

/// Shows djanginxed's own log: where pages are stored, and each page's settings
/// at its first request.
fn log_the_cache() {
    let line = tracing_subscriber::fmt::layer()
        .without_time()
        .with_target(false);
    let ours = Targets::new().with_target("djanginxed_runtime", LevelFilter::INFO);
    tracing_subscriber::registry().with(line).with(ours).init();
}

/// Returns when the process is asked to end, with every answer given.
async fn serve(
    site: web::Data<Site>,
    pages: PageCache,
    metrics: PrometheusHandle,
) -> Result<(), String> {
    let app = move || {
        App::new()
            .app_data(site.clone())
            .app_data(pages.clone())
            .app_data(web::Data::new(metrics.clone()))
            .wrap(middleware::from_fn(request_log::line))
            .service(index)
            .service(style)
            .service(metrics::page)
            .service(top)
            .service(guide)
            .service(picture)
            .default_service(web::to(nothing_here))
    };
    let address = listen_address();
    let server = HttpServer::new(app)
        .shutdown_timeout(5)
        .bind(&address)
        .map_err(|error| cannot_listen(&address, &error))?;
    for address in server.addrs() {
        println!("listening on http://{address}");
    }
    server.run().await.map_err(|error| error.to_string())
}

fn listen_address() -> String {
    env::args()
        .nth(1)
        .or_else(|| env::var("SITE_LISTEN").ok())
        .unwrap_or_else(|| LISTEN.to_owned())
}

fn cannot_listen(address: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "another program listens on {address}: stop it, or set SITE_LISTEN to another address, such as 127.0.0.1:0 for any free port"
        ),
        _ => format!("cannot listen on {address:?}: {error}"),
    }
}
