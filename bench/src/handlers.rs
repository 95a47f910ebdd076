//! One handler a variant. All are routed at `/{page}/{rest}`, where `rest` only
//! makes targets different.

use actix_web::http::header::{CONTENT_ENCODING, ContentType, ETAG};
use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use clap::ValueEnum;
use djanginxed::parts::{cookie, include, nonce};
use djanginxed::{PageCache, cache_page};

use crate::by_hand;
use crate::site::Site;

/// Where every variant is routed.
const ROUTE: &str = "/{page}/{rest:.*}";

/// What a page includes.
const BADGE: &str = "/-/badge";

/// The cookie of visitors for whom something is new, and what all others see.
const COUNTED: &str = "counted";
const NONE_NEW: &str = "<b>0 new</b>";

/// Behind what a page has for its visitor alone.
const FOOT: &str = "</main>";

/// A variant of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Handler {
    /// Renders each time.
    Bare,
    /// Answers with bytes made beforehand.
    Ready,
    /// Answers with gzip bytes made beforehand, and with an entity tag.
    ReadyGzip,
    /// Has the attribute.
    Annotated,
    /// The same, with a life of two seconds.
    Brief,
    /// The same, and given out for long after that.
    Stale,
    /// Has parts of its visitor's: none, `/{page}/nonce` a nonce and a cookie,
    /// `/{page}/include` one that is included, `/{page}/only` one that is included for
    /// visitors with a cookie.
    Parts,
    /// The same, with a tag.
    Tagged,
    /// Is inside of the middleware.
    Wrapped,
    /// Looks up and stores in Memcached by its own code.
    Memcache,
    /// Looks up and stores in moka by its own code.
    Moka,
}

impl Handler {
    /// Routes the variant.
    pub fn configure(self, config: &mut ServiceConfig, pages: &PageCache) {
        let route = match self {
            Handler::Bare => web::get().to(bare),
            Handler::Ready => web::get().to(ready),
            Handler::ReadyGzip => web::get().to(ready_gzip),
            Handler::Annotated => web::get().to(annotated),
            Handler::Brief => web::get().to(brief),
            Handler::Stale => web::get().to(stale),
            Handler::Parts => {
                config.route(BADGE, web::get().to(badge));
                web::get().to(parts)
            }
            Handler::Tagged => web::get().to(tagged),
            Handler::Wrapped => {
                let resource = web::resource(ROUTE).route(web::get().to(bare));
                config.service(resource.wrap(pages.cache(900)));
                return;
            }
            Handler::Memcache => web::get().to(by_hand::memcache),
            Handler::Moka => web::get().to(by_hand::moka),
        };
        config.route(ROUTE, route);
    }
}

async fn bare(site: Data<Site>, request: HttpRequest) -> HttpResponse {
    match site.render(name(&request)).await {
        Some(page) => html().body(page),
        None => nothing_here(),
    }
}

#[cache_page(900)]
async fn annotated(site: Data<Site>, request: HttpRequest) -> HttpResponse {
    bare(site, request).await
}

#[cache_page(900, tags = ["many"])]
async fn tagged(site: Data<Site>, request: HttpRequest) -> HttpResponse {
    bare(site, request).await
}

#[cache_page(2)]
async fn brief(site: Data<Site>, request: HttpRequest) -> HttpResponse {
    bare(site, request).await
}

#[cache_page(2, stale = 600)]
async fn stale(site: Data<Site>, request: HttpRequest) -> HttpResponse {
    bare(site, request).await
}

#[cache_page(900)]
async fn parts(site: Data<Site>, request: HttpRequest) -> HttpResponse {
    let Some(page) = site.render(name(&request)).await else {
        return nothing_here();
    };
    let parts = match request.match_info().get("rest") {
        Some("nonce") => format!("{} {}", nonce(), cookie("csrf")),
        Some("include") => include(BADGE).to_string(),
        Some("only") => include(BADGE)
            .only_with_cookie(COUNTED)
            .or(NONE_NEW)
            .to_string(),
        _ => return html().body(page),
    };
    let (head, foot) = page.rsplit_once(FOOT).unwrap_or((&page, ""));
    html().body(format!("{head}{parts}{FOOT}{foot}"))
}

async fn badge() -> HttpResponse {
    html().body("<b>3 new</b>")
}

async fn ready(site: Data<Site>, request: HttpRequest) -> HttpResponse {
    answer(site.ready(name(&request)))
}

async fn ready_gzip(site: Data<Site>, request: HttpRequest) -> HttpResponse {
    match site.gzip(name(&request)) {
        Some(page) => html()
            .insert_header((CONTENT_ENCODING, "gzip"))
            .insert_header((ETAG, format!("\"{:x}\"", page.len())))
            .body(page),
        None => nothing_here(),
    }
}

/// The page that `request` asks for.
pub(crate) fn name(request: &HttpRequest) -> &str {
    request.match_info().get("page").unwrap_or_default()
}

pub(crate) fn answer(page: Option<Bytes>) -> HttpResponse {
    match page {
        Some(page) => html().body(page),
        None => nothing_here(),
    }
}

fn html() -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.content_type(ContentType::html());
    response
}

fn nothing_here() -> HttpResponse {
    HttpResponse::NotFound().finish()
}
