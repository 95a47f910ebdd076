//! A small shop: lists with pages, products, a feed, JSON, and a desk behind a login where
//! its owner changes products. What changes purges the pages that show it.
//!
//! ```text
//! cargo run --example shop
//! DJANGINXED_SERVERS=127.0.0.1:11211 cargo run --example shop
//! ```
//!
//! The first keeps its pages in its own memory, the second in Memcached, where nginx finds
//! them. `SHOP_LISTEN` is another address to listen on, `SHOP_DATABASE` another file than
//! target/shop.sqlite, `SHOP_PASSWORD` another password for /desk than "open sesame", and
//! `SHOP_SECRET` the sessions' secret, the same for all processes.
//!
//! `--nginx LISTEN INNER` prints nginx's file for it instead.

mod catalog;
mod desk;
mod html;
pub(crate) mod settings;
mod store;

use std::env;
use std::process::ExitCode;

use actix_session::SessionMiddleware;
use actix_session::storage::CookieSessionStore;
use actix_web::cookie::SameSite;
use actix_web::middleware::DefaultHeaders;
use actix_web::{App, HttpServer, guard, web};
use djanginxed::PageCache;
use tracing_subscriber::filter::LevelFilter;

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
pub(crate) async fn run() -> Result<(), String> {
    let settings = Settings::of_environment()?;
    let pages = settings::pages().map_err(|error| error.to_string())?;
    let args: Vec<String> = env::args().skip(1).collect();
    if let [first, listen, inner] = &args[..]
        && first == "--nginx"
    {
        let file = settings::nginx(&pages, &[settings.listen], listen, inner);
        print!("{}", file.map_err(|error| error.to_string())?);
        return Ok(());
    }
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::WARN)
        .without_time()
        .init();
    serve(settings, pages.clone()).await?;
    pages.flush().await;
    Ok(())
}

async fn serve(settings: Settings, pages: PageCache) -> Result<(), String> {
    let Settings {
        listen,
        database,
        password,
        key,
    } = settings;
    let store = Store::open(&database)
        .map_err(|error| format!("cannot open {}: {error}", database.display()))?;
    let (store, password) = (web::Data::new(store), web::Data::new(Password(password)));
    let app = move || {
        // Lax would send the cookie with a link from elsewhere; with Strict no other site's
        // form changes anything, either.
        let sessions = SessionMiddleware::builder(CookieSessionStore::default(), key.clone())
            .cookie_name(settings::SESSION.to_owned())
            .cookie_same_site(SameSite::Strict)
            // The example has no TLS.
            .cookie_secure(false)
            .build();
        let headers = settings::HEADERS.iter();
        let headers = headers.fold(DefaultHeaders::new(), |all, header| all.add(*header));
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
            .configure(pages.admin("/_pages"));
        App::new()
            .app_data(store.clone())
            .app_data(password.clone())
            .app_data(web::Data::new(pages.clone()))
            .wrap(sessions)
            .wrap(headers)
            .configure(catalog::configure)
            .configure(desk::configure)
            .service(internal)
    };
    let server = HttpServer::new(app)
        .shutdown_timeout(5)
        .bind(&listen)
        .map_err(|error| format!("cannot listen on {listen:?}: {error}; set SHOP_LISTEN"))?;
    for address in server.addrs() {
        println!("listening on http://{address}");
    }
    server.run().await.map_err(|error| error.to_string())
}
