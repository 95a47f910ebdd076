//! A small shop: lists with pages, products, a feed, JSON, baskets, and a desk behind a login
//! where its owner changes products. What changes purges the pages that show it.
//!
//! ```text
//! cargo run --example shop
//! DJANGINXED_SERVERS=127.0.0.1:11211 cargo run --example shop
//! ```
//!
//! The first keeps its pages in its own memory, the second in Memcached, where nginx finds
//! them; with `DJANGINXED_LAYOUT=response` redirects and 404s, too. `DJANGINXED_ENABLED=0` is
//! the shop without a cache.
//!
//! `SHOP_LISTEN` is another address to listen on, `SHOP_DATABASE` another file than
//! target/shop.sqlite, `SHOP_PASSWORD` another password for /desk than "open sesame",
//! `SHOP_LIFE` the seconds that a product's page lives, and `SHOP_SECRET` that of sessions and
//! groups, the same for all processes: 32 of `A-Z a-z 0-9 + / = _ . -` or more.
//!
//! `/internal/metrics` is for Prometheus, and `/internal/_pages` the admin page: from this
//! machine only, and not through nginx.
//!
//! `--nginx LISTEN INNER` prints nginx's file for it instead.

mod catalog;
mod desk;
mod html;
#[path = "../site/metrics.rs"]
pub(crate) mod metrics;
pub(crate) mod settings;
pub(crate) mod store;
mod visitor;

use std::env;
use std::process::ExitCode;

use actix_session::SessionMiddleware;
use actix_session::storage::CookieSessionStore;
use actix_web::cookie::{Key, SameSite};
use actix_web::middleware::DefaultHeaders;
use actix_web::{App, HttpServer, guard, web};
use djanginxed::PageCache;
use metrics_exporter_prometheus::PrometheusHandle;
use tracing_subscriber::filter::LevelFilter;

use catalog::Life;
use desk::Password;
use settings::Settings;
use store::Store;

#[actix_web::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("shop: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until the process is asked to end, or prints nginx's file.
async fn run() -> Result<(), String> {
    let settings = Settings::of_environment()?;
    let secret = settings.secret();
    let args: Vec<String> = env::args().skip(1).collect();
    if let [first, listen, inner] = &args[..]
        && first == "--nginx"
    {
        if settings.secret.is_none() {
            return Err("nginx must know the shop's secret: set SHOP_SECRET for both".to_owned());
        }
        let pages = pages_of_environment(&secret)?;
        let file = settings::nginx_file(&pages, &settings.listen, listen, inner);
        print!("{}", file.map_err(|error| error.to_string())?);
        return Ok(());
    }
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::WARN)
        .with_writer(std::io::stderr)
        .without_time()
        .init();
    // Before the cache, which counts from its start on.
    let metrics = metrics::record().map_err(|error| error.to_string())?;
    let shop = Shop::open(&settings)?.with_metrics(metrics);
    let pages = shop.pages.clone();
    let server = HttpServer::new(move || App::new().configure(|config| shop.configure(config)))
        // A page with an included part leaves in two pieces: the second need not wait.
        .tcp_nodelay(true)
        .shutdown_timeout(5)
        .bind(&settings.listen)
        .map_err(|error| {
            let listen = &settings.listen;
            format!("cannot listen on {listen:?}: {error}; set SHOP_LISTEN")
        })?;
    for address in server.addrs() {
        println!("listening on http://{address}");
    }
    server.run().await.map_err(|error| error.to_string())?;
    pages.flush().await;
    Ok(())
}

/// The cache; its servers come from `DJANGINXED_SERVERS`.
fn pages_of_environment(secret: &str) -> Result<PageCache, String> {
    let pages = PageCache::builder().from_env();
    pages
        .and_then(|builder| settings::pages(builder, secret))
        .map_err(|error| error.to_string())
}

/// What all workers share.
#[derive(Clone)]
pub(crate) struct Shop {
    pages: PageCache,
    store: web::Data<Store>,
    password: web::Data<Password>,
    life: web::Data<Life>,
    key: Key,
    /// None: nobody records them.
    metrics: Option<web::Data<PrometheusHandle>>,
}

impl Shop {
    pub(crate) fn open(settings: &Settings) -> Result<Shop, String> {
        let secret = settings.secret();
        let pages = pages_of_environment(&secret)?;
        let database = &settings.database;
        let store = Store::open(database)
            .map_err(|error| format!("cannot open {}: {error}", database.display()))?;
        Ok(Shop {
            pages,
            store: web::Data::new(store),
            password: web::Data::new(Password(settings.password.clone())),
            life: web::Data::new(Life(settings.life)),
            key: Key::derive_from(secret.as_bytes()),
            metrics: None,
        })
    }

    pub(crate) fn with_metrics(mut self, metrics: PrometheusHandle) -> Shop {
        self.metrics = Some(web::Data::new(metrics));
        self
    }

    /// A worker's routes, with all that is around them.
    pub(crate) fn configure(&self, config: &mut web::ServiceConfig) {
        // Lax would send the cookie with a link from elsewhere; with Strict no other site's
        // form changes anything, either.
        let sessions = SessionMiddleware::builder(CookieSessionStore::default(), self.key.clone())
            .cookie_name(settings::SESSION.to_owned())
            .cookie_same_site(SameSite::Strict)
            // The example has no TLS.
            .cookie_secure(false)
            .build();
        let headers = settings::HEADERS.iter();
        let headers = headers.fold(DefaultHeaders::new(), |all, header| all.add(*header));
        // What is cached has the policy already, with its nonce.
        let (name, policy) = settings::POLICY;
        let headers = headers.add((name, policy.replace(" 'nonce-{nonce}'", "")));
        // Only who is on this machine, and past nginx, which sends X-Forwarded-For. By that
        // name: a page of another site may have its own name lead here (DNS rebinding).
        let internal = web::scope("/internal")
            .guard(guard::fn_guard(|context| {
                let head = context.head();
                let is_local = head.peer_addr.is_some_and(|peer| peer.ip().is_loopback());
                let host = head.headers().get("host").map(|host| host.as_bytes());
                let name = host.and_then(|host| host.split(|byte| *byte == b':').next());
                let is_named = matches!(name, Some(b"127.0.0.1" | b"localhost"));
                is_local && is_named && !head.headers().contains_key("x-forwarded-for")
            }))
            .configure(self.pages.admin("/_pages"));
        let internal = match &self.metrics {
            Some(metrics) => internal.app_data(metrics.clone()).service(metrics::page),
            None => internal,
        };
        let all = web::scope("")
            .wrap(sessions)
            .wrap(headers)
            .configure(catalog::configure)
            .configure(visitor::configure)
            .configure(desk::configure)
            .service(internal);
        config
            .app_data(web::Data::new(self.pages.clone()))
            .app_data(self.store.clone())
            .app_data(self.password.clone())
            .app_data(self.life.clone())
            .service(all);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
