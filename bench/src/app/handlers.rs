//! One handler a variant. All are routed at `/{page}/{rest}`, where `rest` only
//! makes targets different.

use actix_web::body::MessageBody;
use actix_web::http::header::{CONTENT_ENCODING, ContentType, ETAG};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use djanginxed::parts::{cookie, include, nonce};
use djanginxed::{PageCache, cache_page};
use serde::{Deserialize, Serialize};

use super::by_hand;
use super::site::Site;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum Handler {
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
    pub(super) fn configure(self, config: &mut ServiceConfig, pages: &PageCache) {
        let route = match self {
            Handler::Bare | Handler::Wrapped => web::get().to(bare),
            Handler::Ready => web::get().to(ready),
            Handler::ReadyGzip => web::get().to(ready_gzip),
            Handler::Annotated => web::get().to(annotated),
            Handler::Brief => web::get().to(brief),
            Handler::Stale => web::get().to(stale),
            Handler::Parts => web::get().to(parts),
            Handler::Tagged => web::get().to(tagged),
            Handler::Memcache => web::get().to(by_hand::memcache),
            Handler::Moka => web::get().to(by_hand::moka),
        };
        if self == Handler::Parts {
            config.route(BADGE, web::get().to(badge));
        }
        match self {
            Handler::Wrapped => {
                let resource = web::resource(ROUTE).route(route);
                config.service(resource.wrap(pages.cache(900)))
            }
            _ => config.route(ROUTE, route),
        };
    }
}

async fn bare(site: Data<Site>, request: HttpRequest) -> HttpResponse {
    html(site.render(&request).await)
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
    let page = site.render(&request).await;
    let badge = include(BADGE);
    let parts = match request.match_info().query("rest") {
        "nonce" => format!("{} {}", nonce(), cookie("csrf")),
        "include" => badge.to_string(),
        "only" => badge.only_with_cookie(COUNTED).or(NONE_NEW).to_string(),
        _ => return html(page),
    };
    let (head, foot) = page.rsplit_once(FOOT).unwrap_or((&page, ""));
    html(format!("{head}{parts}{FOOT}{foot}"))
}

async fn badge() -> HttpResponse {
    html("<b>3 new</b>")
}

async fn ready(site: Data<Site>, request: HttpRequest) -> HttpResponse {
    html(site.page(&request).ready.clone())
}

async fn ready_gzip(site: Data<Site>, request: HttpRequest) -> HttpResponse {
    let page = site.page(&request).gzip.clone();
    ok().insert_header((CONTENT_ENCODING, "gzip"))
        .insert_header((ETAG, format!("\"{:x}\"", page.len())))
        .body(page)
}

pub(super) fn html(page: impl MessageBody + 'static) -> HttpResponse {
    ok().body(page)
}

fn ok() -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.content_type(ContentType::html());
    response
}
