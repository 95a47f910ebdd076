//! A site as sites are: two languages, a name and a token of the visitor in each page, a
//! nonce, a feed, JSON, redirects, pages that are not there, and edits all the while.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpResponse, get, post};
use djanginxed::parts::{cookie, nonce};
use djanginxed::{Layout, PageCache, PageCacheBuilder, Variant, Vary, cache_page, purges};

/// Articles with a higher number are not there.
pub const ARTICLES: usize = 300;

/// Of all articles; each edit makes a new one.
pub struct Versions(Vec<AtomicU64>);

impl Default for Versions {
    fn default() -> Versions {
        Versions((0..ARTICLES).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Versions {
    fn of(&self, id: usize) -> Option<u64> {
        Some(self.0.get(id)?.load(Ordering::SeqCst))
    }

    /// How many edits there were.
    fn all(&self) -> u64 {
        self.0.iter().map(|one| one.load(Ordering::SeqCst)).sum()
    }
}

/// The cache's settings, which nginx's file is generated from, too.
pub fn settings(memcached: &str) -> PageCacheBuilder {
    PageCache::builder()
        .memcached([memcached])
        .key_prefix("mixed")
        .layout(Layout::Response)
        .statuses([200, 301, 404])
        .vary(Vary::language(["en", "de"]))
        .parts(true)
        .header("Content-Security-Policy", "script-src 'nonce-{nonce}'")
        .stale(Duration::from_secs(600))
}

/// The site's routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(front)
        .service(article)
        .service(feed)
        .service(json)
        .service(old)
        .service(search)
        .service(save);
}

/// A page that says whose it is.
fn page(title: &str, version: u64, variant: &Variant) -> HttpResponse {
    let language = variant.get("language").unwrap_or_default();
    let filler = "<p>What is the same for all.</p>\n".repeat(200);
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(format!(
            "<h1>{title}</h1>version={version} language={language} name={} token={} nonce={}\n{filler}",
            cookie("name"),
            cookie("csrftoken"),
            nonce(),
        ))
}

#[get("/")]
#[cache_page(900, tags = ["articles"])]
async fn front(versions: Data<Versions>, variant: Variant) -> HttpResponse {
    page("All articles", versions.all(), &variant)
}

#[get("/articles/{id}")]
#[cache_page(900, tags = ["article:{id}"])]
async fn article(id: Path<usize>, versions: Data<Versions>, variant: Variant) -> HttpResponse {
    match versions.of(*id) {
        Some(version) => page(&format!("Article {id}"), version, &variant),
        None => HttpResponse::NotFound()
            .content_type("text/html; charset=utf-8")
            .body("no such article"),
    }
}

#[get("/feed.xml")]
#[cache_page(900, tags = ["articles"])]
async fn feed(versions: Data<Versions>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/rss+xml; charset=utf-8")
        .body(format!("<rss>version={} </rss>", versions.all()))
}

#[get("/api/articles/{id}")]
#[cache_page(900, tags = ["article:{id}"])]
async fn json(id: Path<usize>, versions: Data<Versions>) -> HttpResponse {
    let version = versions.of(*id).unwrap_or_default();
    HttpResponse::Ok()
        .content_type("application/json")
        .body(format!("{{\"text\": \"version={version} \"}}"))
}

#[get("/old/{id}")]
#[cache_page(900)]
async fn old(id: Path<usize>) -> HttpResponse {
    HttpResponse::MovedPermanently()
        .insert_header(("Location", format!("/articles/{id}")))
        .finish()
}

/// For its visitor alone.
#[get("/search")]
async fn search() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("Cache-Control", "no-store"))
        .content_type("text/html; charset=utf-8")
        .body("nothing found")
}

#[post("/articles/{id}")]
#[purges("articles", "article:{id}")]
async fn save(id: Path<usize>, versions: Data<Versions>) -> HttpResponse {
    match versions.0.get(*id) {
        Some(version) => {
            version.fetch_add(1, Ordering::SeqCst);
            HttpResponse::Ok().body("saved")
        }
        None => HttpResponse::NotFound().finish(),
    }
}

/// Requests that have reached the application, each counted by its middleware.
#[derive(Default)]
pub struct Asked(pub AtomicU64);

/// How many those were.
pub async fn asked(asked: web::Data<Asked>) -> String {
    asked.0.load(Ordering::SeqCst).to_string()
}
