//! What the shop is told by its environment, and its page cache.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use actix_web::cookie::Key;
use djanginxed::nginx::{Error, Site};
use djanginxed::{ConfigError, PageCache, PageCacheBuilder, Vary};

use super::catalog::{FEED, LIFE};
use super::hex;

const PREFIX: &str = "shop";

/// Who has it is logged in, and takes no part in the cache.
pub(crate) const SESSION: &str = "shop-session";

/// Of members, who pay less.
pub(crate) const GROUPS: [&str; 2] = ["member", "trade"];

/// What every response says: the cache is told, so that hits say it, too.
pub(crate) const HEADERS: [(&str, &str); 3] = [
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
];

/// Every response's policy. A cached page has its style in it, with the answer's nonce.
pub(crate) const POLICY: (&str, &str) = (
    "Content-Security-Policy",
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; \
     style-src 'self' 'nonce-{nonce}'",
);

/// The settings; a variable that is missing has its default.
pub(crate) struct Settings {
    pub(crate) listen: String,
    pub(crate) database: PathBuf,
    pub(crate) password: String,
    /// For how long a product's page lives.
    pub(crate) life: Duration,
    /// Of the sessions and of the groups' cookies: the same in all processes of a shop, and
    /// in nginx's file.
    pub(crate) secret: Option<String>,
}

impl Settings {
    /// `SHOP_LISTEN`, `SHOP_DATABASE`, `SHOP_PASSWORD`, `SHOP_LIFE` and `SHOP_SECRET`.
    pub(crate) fn of_environment() -> Result<Settings, String> {
        let or = |name, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
        let life = or("SHOP_LIFE", &LIFE.to_string()).parse();
        Ok(Settings {
            listen: or("SHOP_LISTEN", "127.0.0.1:8080"),
            database: or("SHOP_DATABASE", "target/shop.sqlite").into(),
            password: or("SHOP_PASSWORD", "open sesame"),
            life: Duration::from_secs(life.map_err(|_| "SHOP_LIFE: write seconds")?),
            secret: env::var("SHOP_SECRET").ok(),
        })
    }

    /// Where there is no secret, a new one, which no other process knows.
    pub(crate) fn secret(&self) -> String {
        let new = || hex(&Key::generate().signing()[..32]);
        self.secret.clone().unwrap_or_else(new)
    }
}

/// The cache: what is the shop's own, with what `settings` say of servers and layout.
pub(crate) fn pages(settings: PageCacheBuilder, secret: &str) -> Result<PageCache, ConfigError> {
    let settings = settings
        .key_prefix(PREFIX)
        .bypass_cookie(SESSION)
        .vary(Vary::language(["en", "de"]))
        .vary(Vary::group("group", GROUPS, secret))
        .parts(true)
        .gzip(true);
    let settings = HEADERS
        .iter()
        .chain([&POLICY])
        .fold(settings, |all, (name, value)| all.header(*name, *value));
    match settings.clone().statuses([200, 301, 404]).build() {
        // Of a body alone nobody knows that it is that of a 404.
        Err(ConfigError::StatusesOfBodies) => settings.build(),
        pages => pages,
    }
}

/// nginx's file, but for the shop's processes and where nginx listens.
pub(crate) fn nginx(pages: &PageCache) -> Site {
    Site::new(pages)
        .server_name("127.0.0.1")
        .server_name("localhost")
        .never_cache("/desk")
        .never_cache("/basket")
        .never_cache("/join")
        // What advertisements add makes no other page.
        .ignore_query("utm_*")
        .page("/feed.xml", PREFIX, FEED)
        .page("/api/", PREFIX, "application/json")
}

/// The file for one process, and an nginx that listens on `listen`, and for itself on `inner`.
pub(crate) fn nginx_file(
    pages: &PageCache,
    app: &str,
    listen: &str,
    inner: &str,
) -> Result<String, Error> {
    let site = nginx(pages).app(app).listen(listen).inner(inner);
    site.generate().map(|files| files.site())
}
