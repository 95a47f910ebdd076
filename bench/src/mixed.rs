//! A site as sites are: two languages, a name and a token of the visitor in each page, a
//! nonce, a feed, JSON, redirects, pages that are not there, and edits all the while.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path as FilePath;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, get, post};
use djanginxed::nginx::Site;
use djanginxed::parts::{cookie, include, nonce};
use djanginxed::{
    CachedPage, Layout, PageCache, PageCacheBuilder, Purge, Variant, Vary, cache_page, purges,
};
use serde::Deserialize;

/// Articles with a higher number are not there.
pub const ARTICLES: usize = 300;

/// Of the groups' cookies.
pub const SECRET: &str = "a-secret-of-the-bench-that-is-long-enough";

const PREFIX: &str = "mixed";
const FEED: &str = "application/rss+xml";
const JSON: &str = "application/json";

const SIZE: usize = ARTICLES * size_of::<u64>();

/// Of all articles; each edit makes a new one. They stand in a file, which several
/// processes share.
pub struct Versions(Mutex<File>);

impl Versions {
    /// The versions in a file, which is made where it is not there.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn open(path: &FilePath) -> io::Result<Versions> {
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false);
        let file = file.open(path)?;
        file.set_len(SIZE as u64)?;
        Ok(Versions(Mutex::new(file)))
    }

    fn file(&self) -> MutexGuard<'_, File> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, id: usize) -> io::Result<Option<u64>> {
        Ok(match id < ARTICLES {
            true => Some(at(&self.file(), id)?),
            false => None,
        })
    }

    /// How many edits there were.
    fn all(&self) -> io::Result<u64> {
        let mut bytes = [0; SIZE];
        self.file().read_exact_at(&mut bytes, 0)?;
        let (words, _) = bytes.as_chunks();
        Ok(words.iter().map(|word| u64::from_le_bytes(*word)).sum())
    }

    /// Makes a new version of one, over all processes.
    fn edit(&self, id: usize) -> io::Result<u64> {
        let file = self.file();
        file.lock()?;
        let version = at(&file, id)? + 1;
        file.write_all_at(&version.to_le_bytes(), place(id))?;
        file.unlock()?;
        Ok(version)
    }
}

fn place(id: usize) -> u64 {
    (id * size_of::<u64>()) as u64
}

fn at(file: &File, id: usize) -> io::Result<u64> {
    let mut bytes = [0; size_of::<u64>()];
    file.read_exact_at(&mut bytes, place(id))?;
    Ok(u64::from_le_bytes(bytes))
}

/// For how long pages live at the most.
#[derive(Clone, Copy, Debug)]
pub struct Life(pub Duration);

/// The cache's settings, which nginx's file is generated from, too.
pub fn settings(memcached: &str, layout: Layout) -> PageCacheBuilder {
    let pages = PageCache::builder()
        .memcached([memcached])
        .key_prefix(PREFIX)
        .layout(layout)
        .vary(Vary::language(["en", "de"]))
        .vary(Vary::group("group", ["member", "editor"], SECRET))
        .parts(true)
        .gzip(true)
        .header("Content-Security-Policy", "script-src 'nonce-{nonce}'")
        .stale(Duration::from_secs(600));
    match layout {
        Layout::Response => pages.statuses([200, 301, 404]),
        _ => pages,
    }
}

/// nginx's file for the site, but where it listens and which applications there are.
#[must_use]
pub fn nginx(pages: &PageCache) -> Site {
    Site::new(pages)
        .server_name("127.0.0.1")
        .never_cache("/search")
        .ignore_query("utm_*")
        .page("/feed.xml", PREFIX, FEED)
        .page("/api/", PREFIX, JSON)
}

/// The site's routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(front)
        .service(article)
        .service(member)
        .service(badge)
        .service(feed)
        .service(json)
        .service(old)
        .service(search)
        .service(save)
        .service(purge);
}

/// What a page knows of its request.
#[derive(Deserialize)]
struct Paging {
    page: Option<u32>,
}

type Query = web::Query<Paging>;

/// What an internal failure is answered with.
type Answer = actix_web::Result<HttpResponse>;

const FILLER: &str = "<p>What is the same for all.</p>\n";

/// A page that says whose it is.
fn page(title: &str, version: u64, variant: &Variant, query: &Query) -> HttpResponse {
    let [language, group] = ["language", "group"].map(|name| variant.get(name).unwrap_or_default());
    let filler = FILLER.repeat(200);
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(format!(
            "<h1>{title}</h1>version={version} language={language} group={group} page={} name={} \
             token={} nonce={}\n{filler}",
            query.page.unwrap_or(1),
            cookie("name"),
            cookie("csrftoken"),
            nonce(),
        ))
}

#[get("/")]
#[cache_page(900, tags = ["articles"])]
async fn front(versions: Data<Versions>, variant: Variant, query: Query) -> Answer {
    Ok(page("All articles", versions.all()?, &variant, &query))
}

#[get("/articles/{id}")]
#[cache_page(900, tags = ["article:{id}"])]
async fn article(
    id: Path<usize>,
    versions: Data<Versions>,
    life: Data<Life>,
    variant: Variant,
    query: Query,
    cached: CachedPage,
) -> Answer {
    cached.max_age(life.0);
    Ok(match versions.of(*id)? {
        Some(version) => page(&format!("Article {id}"), version, &variant, &query),
        None => HttpResponse::NotFound()
            .content_type("text/html; charset=utf-8")
            .body("no such article"),
    })
}

/// An article with a corner that the application fills for each visitor.
#[get("/members/{id}")]
#[cache_page(900, tags = ["article:{id}"])]
async fn member(
    id: Path<usize>,
    versions: Data<Versions>,
    variant: Variant,
    query: Query,
) -> Answer {
    let version = versions.of(*id)?.unwrap_or_default();
    let corner = include("/badge").or(SIGN_IN);
    let title = format!("Article {id} {corner}");
    Ok(page(&title, version, &variant, &query))
}

/// What stands for the badge where the application is down.
pub const SIGN_IN: &str = "<a href=\"/login\">Sign in</a>";

/// The corner itself.
#[get("/badge")]
async fn badge(request: HttpRequest) -> HttpResponse {
    let is_known = request.cookie("session").is_some();
    let length = request.cookie("name").map_or(0, |name| name.value().len());
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(format!("<i>known={is_known} of {length}</i>"))
}

#[get("/feed.xml")]
#[cache_page(900, tags = ["articles"], content_type = "application/rss+xml")]
async fn feed(versions: Data<Versions>) -> Answer {
    Ok(HttpResponse::Ok()
        .content_type(format!("{FEED}; charset=utf-8"))
        .body(format!(
            "<rss>version={} {}</rss>",
            versions.all()?,
            FILLER.repeat(100)
        )))
}

#[get("/api/articles/{id}")]
#[cache_page(900, tags = ["article:{id}"], content_type = "application/json")]
async fn json(id: Path<usize>, versions: Data<Versions>) -> Answer {
    let version = versions.of(*id)?.unwrap_or_default();
    Ok(HttpResponse::Ok()
        .content_type(JSON)
        .body(format!("{{\"text\": \"version={version} \"}}")))
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
async fn save(id: Path<usize>, versions: Data<Versions>) -> Answer {
    Ok(match *id < ARTICLES {
        true => HttpResponse::Ok().body(format!("saved version={} ", versions.edit(*id)?)),
        false => HttpResponse::NotFound().finish(),
    })
}

/// Takes all pages away; 503 where some may be left.
#[post("/-/purge")]
async fn purge(pages: PageCache) -> HttpResponse {
    match pages.purge(Purge::everything().hard()).await {
        Ok(purged) if purged.is_complete() => HttpResponse::Ok().finish(),
        _ => HttpResponse::ServiceUnavailable().finish(),
    }
}

/// Requests that have reached the application, each counted by its middleware.
#[derive(Default)]
pub struct Asked(pub AtomicU64);

/// How many those were.
pub async fn asked(asked: web::Data<Asked>) -> String {
    asked.0.load(Ordering::SeqCst).to_string()
}
