//! Whole pages of an actix-web application, cached where nginx finds them by
//! itself.
//!
//! A handler annotated with [`#[cache_page]`](cache_page) leaves what it renders
//! in Memcached, under the key that nginx works out from the request alone. The
//! next request for the same target is answered by nginx straight from
//! Memcached, and the application is not asked at all.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, Responder, get, web};
//! use djanginxed::{PageCache, cache_page};
//!
//! #[get("/articles/{id}")]
//! #[cache_page(60 * 15, key_prefix = "site1")]
//! async fn article(id: web::Path<u32>) -> impl Responder {
//!     web::Html::new(format!("<h1>Article {id}</h1>"))
//! }
//!
//! #[actix_web::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // The cache's warnings are told nowhere else.
//!     tracing_subscriber::fmt().with_writer(std::io::stderr).init();
//!     // Built once: the closure below runs once a worker.
//!     let pages = PageCache::builder()
//!         .memcached(["127.0.0.1:11211"])
//!         .key_prefix("site1")
//!         .build()?;
//!     HttpServer::new(move || App::new().app_data(pages.clone()).service(article))
//!         .bind(("127.0.0.1", 8080))?
//!         .run()
//!         .await?;
//!     Ok(())
//! }
//! ```
//!
//! Without a Memcached server the pages live in memory of the process: the same
//! program, cached, with nothing installed. nginx's file is made from the
//! application's own settings by [`nginx`] and the `djanginxed` tool, so that
//! the two cannot disagree.
//!
//! # What you must know first
//!
//! **nginx answers hits before the application sees them.** What the
//! application does around a handler does not happen on such a hit:
//!
//! - authentication and authorisation by middleware or extractors: annotate
//!   only what every visitor may see, or name the session cookie with
//!   [`bypass_cookie`](PageCacheBuilder::bypass_cookie). Requests with an
//!   Authorization header always bypass the cache;
//! - headers that middleware adds to each response: give those that are
//!   constant to [`header`](PageCacheBuilder::header), and nginx adds them too;
//! - a CSRF token, a nonce, a greeting by name in the HTML: the second visitor
//!   gets those of the first, unless they are [`parts`], which nginx fills for each.
//!
//! The attribute judges the *handler's own* response. A cookie or a `no-store` that
//! middleware adds later it cannot see; `djanginxed check` finds such pages on
//! the running site. The [middleware](ScopeCache) sees what is added inside of it:
//!
//! ```
//! # use actix_web::{App, HttpResponse, web};
//! # use djanginxed::PageCache;
//! # async fn article() -> HttpResponse { HttpResponse::Ok().finish() }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let pages = PageCache::builder().build()?;
//! let blog = web::scope("/blog")
//!     .route("/{article}", web::get().to(article))
//!     .wrap(pages.cache(900).key_prefix("blog"));
//! # App::new().service(blog);
//! # Ok(())
//! # }
//! ```
//!
//! # What is stored
//!
//! A response to GET is stored unless one of these holds. The first that does
//! is the reason in the log, the counters and Cache-Status.
//!
//! | refused when | reason |
//! |---|---|
//! | the request is not GET | `method` |
//! | the status is not 200, or with [`Layout::Response`] not one of [`statuses`](PageCacheBuilder::statuses) | `status` |
//! | the response has Set-Cookie | `set-cookie` |
//! | CDN-Cache-Control where there is one (RFC 9213), else Cache-Control, has private, no-cache, or no-store without must-understand; or Surrogate-Control has no-store; or Pragma has no-cache and there is no Cache-Control | `cache-control` |
//! | Vary names anything but Accept-Encoding and what the cache's [`vary`](PageCacheBuilder::vary) rules look at, or names Cookie | `vary` |
//! | the handler has encoded the content itself | `content-encoding` |
//! | with [`Layout::Body`]: the media type is missing, is not the page's `content_type`, or has a parameter other than `charset=utf-8`: nginx would serve it under the wrong type. With [`Layout::Response`]: a page has none | `content-type` |
//! | with [`Layout::Body`]: a header would be lost that is not known to be harmless to lose: every standard one beside those of caching, connections and lengths (Content-Security-Policy, Strict-Transport-Security, Link, Access-Control-\*, …), X-Content-Type-Options, X-Frame-Options and their like; unless it is declared with [`header`](PageCacheBuilder::header) with the same value. The log names it. Other `X-…` headers are lost, which the log says once. With [`Layout::Response`]: an X-Accel-\* field | `header` |
//! | no life is left: the smaller of the page's timeout and s-maxage, else max-age (of CDN-Cache-Control where there is one), else Expires, less Age (RFC 9111, section 4.2.1) | `expired` |
//! | the body is empty (with [`Layout::Response`] only that of a 200) | `empty` |
//! | the body is larger than [`max_entry_size`](PageCacheBuilder::max_entry_size) | `too-large` |
//! | with [`Layout::Body`]: the body of a text is not UTF-8, and its type says no charset | `content-type` |
//! | the copies of streamed bodies under way take all that [`collecting`](PageCacheBuilder::collecting) allows | `memory` |
//! | the body's stream failed, or the client left before its end | `incomplete` |
//! | the handler does not want it, by [`CachedPage::skip`] | `skip` |
//! | a tag is wrong, or names a segment that the route has not | `tag` |
//!
//! The background writer may still drop a page: `queue-full`, `skipped` (its
//! server is down), `deleted` (or purged, while it was rendered), `unlisted` (the index of a tag
//! does not take it), `no-writer`.
//!
//! A request takes no part at all, neither looked up nor stored, for the first of
//! these reasons: `authorization`; `cookie` or `header`, a
//! [bypass cookie](PageCacheBuilder::bypass_cookie) or
//! [header](PageCacheBuilder::bypass_header); `scheme`, one that is not http or
//! https, in the target or a forwarding header, or not one that
//! [`hosts`](PageCacheBuilder::hosts) allows; `host`, another one than those;
//! `upgrade`, another protocol is asked for; `content`, a GET or HEAD with content,
//! whatever announces it; `proxy`, nginx says so by `Djanginxed-Bypass`; `target`,
//! one that does not begin with `/`; `when`, the middleware's
//! [`when`](ScopeCache::when) says no; `query`, a query parameter that the page does not
//! know, where it says `query = ["page"]`. The request's own Cache-Control is ignored, as
//! nginx ignores it.
//!
//! **Nothing else of a request is in a page's key** but what [`vary`](PageCacheBuilder::vary)
//! declares, which handlers read by [`Variant`]. A handler that answers by
//! Accept-Language, User-Agent, HX-Request or a cookie shows everybody the answer of
//! whoever came first, unless it says so in Vary, and then its page is not stored.
//! [`bypass_header`](PageCacheBuilder::bypass_header) takes such requests out. And who
//! reaches the application without nginx chooses its Host: name yours with
//! [`hosts`](PageCacheBuilder::hosts) where pages write their own address.
//!
//! # Cache-Status
//!
//! What the application answers says what the cache did, as RFC 9211 has it:
//! `djanginxed; hit`, `djanginxed; fwd=uri-miss; stored`,
//! `djanginxed; fwd=uri-miss; collapsed` (rendered once for all who asked at
//! the same time, in this process or another), `djanginxed; hit; ttl=-12` (stale for 12
//! seconds), `djanginxed; fwd=uri-miss; detail=set-cookie` (or another
//! reason above), `djanginxed; fwd=uri-miss` (a stream, or a page whose server has
//! just failed: the outcome is not known yet), `djanginxed; fwd=bypass; detail=cookie`, `djanginxed; fwd=method`.
//!
//! # Looking after it
//!
//! [`PageCache::admin`] adds a page for those who look after the cache, behind a guard of
//! yours: what was not stored and why, a look at a page, its deletion. [`test::Pages`] is for
//! your own tests.
//!
//! # When Memcached fails
//!
//! A failure is a miss. A lookup is bounded by
//! [`operation_timeout`](PageCacheBuilder::operation_timeout), connecting and
//! name resolution included; after three failures in a row a server is not asked
//! at all until a probe in the background finds it back. One that is busy sending,
//! because the line is slow, has not failed. Pages are stored by a
//! writer with a thread of its own: no visitor ever waits for it.
//!
//! # Logs and counters
//!
//! Logs go through `tracing`. With the `metrics` feature these are counted
//! through the `metrics` facade, under Prometheus's naming conventions. Install the recorder
//! before the cache is built: deletes and purges that fail, and lost indexes, are 0 from
//! then on, so that the first one is seen as one more.
//!
//! | name | kind | labels |
//! |---|---|---|
//! | `djanginxed_hits_total` | counter | `store`: `memory`, `memcached`, `queue` |
//! | `djanginxed_nginx_hits_total`, `djanginxed_nginx_hit_bytes_total` | counter | told by nginx ([`hit_feed`](PageCacheBuilder::hit_feed)) |
//! | `djanginxed_hit_feed_refused_total` | counter | what was not nginx's |
//! | `djanginxed_misses_total` | counter | |
//! | `djanginxed_collapsed_total` | counter | |
//! | `djanginxed_stale_hits_total`, `djanginxed_stale_if_error_total` | counter | |
//! | `djanginxed_refreshes_total` | counter | `stored` |
//! | `djanginxed_watched_pages` | gauge | that [`refresh_through`](PageCacheBuilder::refresh_through) looks after |
//! | `djanginxed_watch_full_total` | counter | pages without room among those |
//! | `djanginxed_refresh_looks_total` | counter | `found`: `read`, `unread`, `gone`, `renewed` (by another process), `unknown` |
//! | `djanginxed_refresh_failures_total` | counter | |
//! | `djanginxed_bypasses_total` | counter | `reason` |
//! | `djanginxed_skips_total` | counter | `reason`: the table above |
//! | `djanginxed_dropped_total` | counter | `reason`: by the writer |
//! | `djanginxed_stores_total`, `djanginxed_stored_bytes_total` | counter | |
//! | `djanginxed_store_failures_total`, `djanginxed_lookup_failures_total` | counter | `kind` |
//! | `djanginxed_deletes_total`, `djanginxed_purges_total` | counter | `done` |
//! | `djanginxed_pending_purges` | gauge | `server`: of a change, that it has still to make up for |
//! | `djanginxed_repeated_purges_total` | counter | of a change, that a server has made up for |
//! | `djanginxed_purged_pages_total`, `djanginxed_wrong_tags_total`, `djanginxed_change_purge_failures_total`, `djanginxed_lost_indexes_total` | counter | |
//! | `djanginxed_queue_entries`, `djanginxed_queue_bytes` | gauge | |
//! | `djanginxed_breaker_open` | gauge | `server` |
//! | `djanginxed_render_seconds`, `djanginxed_lookup_seconds` | histogram | |

pub use djanginxed_macros::{cache_page, purges};
pub use djanginxed_runtime::{
    CachedPage, ConfigError, Hot, Layout, PageCache, PageCacheBuilder, PageKey, Placement, Purge,
    Purged, ScopeCache, StoreError, Variant, Vary, nginx, personal as parts, test,
};

/// What the expansion of `#[cache_page]` uses; not for people.
#[doc(hidden)]
pub mod __private {
    pub use actix_web::{HttpRequest, Responder};
    pub use djanginxed_runtime::private::{
        Incoming, Page, PurgedTags, Purging, Seen, Served, purge_after, rendering, serve,
    };
}

/// Compiles the README's code.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Compiles the recipes' code.
#[cfg(doctest)]
#[doc = include_str!("../docs/recipes.md")]
struct Recipes;
