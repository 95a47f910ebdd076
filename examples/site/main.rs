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

mod document;
mod layout;
mod markdown;
mod request_log;

use std::process::ExitCode;
use std::{env, io};

use actix_web::http::header::ContentType;
use actix_web::{App, HttpResponse, HttpServer, ResponseError, middleware, route, web};
use djanginxed::{PageCache, cache_page};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use document::{Site, SiteError};

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

/// A page is whatever nginx can serve under one content type.
#[route("/style.css", method = "GET", method = "HEAD")]
#[cache_page(86_400, content_type = "text/css")]
async fn style() -> impl actix_web::Responder {
    HttpResponse::Ok()
        .content_type("text/css")
        .body(include_str!("style.css"))
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
    log_the_cache();
    let site = Site::open(env!("CARGO_MANIFEST_DIR")).map_err(|error| error.to_string())?;
    let pages = PageCache::from_env().map_err(|error| error.to_string())?;
    serve(web::Data::new(site), pages.clone()).await?;
    pages.flush().await;
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
async fn serve(site: web::Data<Site>, pages: PageCache) -> Result<(), String> {
    let app = move || {
        App::new()
            .app_data(site.clone())
            .app_data(pages.clone())
            .wrap(middleware::from_fn(request_log::line))
            .service(index)
            .service(style)
            .service(top)
            .service(guide)
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
        .unwrap_or_else(|| "127.0.0.1:8080".to_owned())
}

fn cannot_listen(address: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "another program listens on {address}: stop it, or set SITE_LISTEN to another address, such as 127.0.0.1:0 for any free port"
        ),
        _ => format!("cannot listen on {address:?}: {error}"),
    }
}
