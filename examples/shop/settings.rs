//! What the shop is told by its environment, and its page cache.

use std::env;
use std::path::PathBuf;

use actix_web::cookie::Key;
use djanginxed::nginx::{Error, Site};
use djanginxed::{ConfigError, PageCache, PageCacheBuilder};

use super::catalog::FEED;

const PREFIX: &str = "shop";

/// Who has it is logged in, and takes no part in the cache.
pub(crate) const SESSION: &str = "shop-session";

/// What every response says: the cache is told, so that hits say it, too.
pub(crate) const HEADERS: [(&str, &str); 4] = [
    (
        "Content-Security-Policy",
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
];

/// The settings; a variable that is missing has its default.
pub(crate) struct Settings {
    pub(crate) listen: String,
    pub(crate) database: PathBuf,
    pub(crate) password: String,
    /// Of the sessions' cookies: the same in all processes of a shop.
    pub(crate) key: Key,
}

impl Settings {
    /// `SHOP_LISTEN`, `SHOP_DATABASE`, `SHOP_PASSWORD` and `SHOP_SECRET`; where there is no
    /// secret, a new one, with which no other process reads the sessions.
    pub(crate) fn of_environment() -> Result<Settings, String> {
        let or = |name, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
        let key = match env::var("SHOP_SECRET") {
            Err(_) => Key::generate(),
            Ok(secret) if secret.len() >= 32 => Key::derive_from(secret.as_bytes()),
            Ok(_) => return Err("SHOP_SECRET: write at least 32 characters".to_owned()),
        };
        Ok(Settings {
            listen: or("SHOP_LISTEN", "127.0.0.1:8080"),
            database: or("SHOP_DATABASE", "target/shop.sqlite").into(),
            password: or("SHOP_PASSWORD", "open sesame"),
            key,
        })
    }
}

/// The cache; its servers come from `DJANGINXED_SERVERS`.
pub(crate) fn pages() -> Result<PageCache, ConfigError> {
    with(PageCache::builder()).from_env()?.build()
}

/// What of the cache is the shop's own.
pub(crate) fn with(pages: PageCacheBuilder) -> PageCacheBuilder {
    let pages = pages.key_prefix(PREFIX).bypass_cookie(SESSION);
    HEADERS
        .iter()
        .fold(pages, |pages, (name, value)| pages.header(*name, *value))
}

/// nginx's file, for an nginx that listens on `listen`, and for itself on `inner`, in front
/// of the shop's processes on `apps`.
pub(crate) fn nginx(
    pages: &PageCache,
    apps: &[String],
    listen: &str,
    inner: &str,
) -> Result<String, Error> {
    let site = Site::new(pages)
        .server_name("127.0.0.1")
        .server_name("localhost")
        .listen(listen)
        .inner(inner)
        .never_cache("/desk")
        // What advertisements add makes no other page.
        .ignore_query("utm_*")
        .page("/feed.xml", PREFIX, FEED)
        .page("/api/", PREFIX, "application/json");
    let site = apps.iter().fold(site, |site, app| site.app(app));
    site.generate().map(|files| files.site())
}
