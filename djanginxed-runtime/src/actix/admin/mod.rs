//! The admin page: what is cached, looked at and deleted by those who look after it.

mod html;
mod order;
mod report;

use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use self::order::{Action, Order, Refusal};
use self::report::Report;
use super::around::Around;
use crate::cache::{PageCache, Purge};
use crate::counts;

/// The largest order, in bytes.
const MAX_ORDER: usize = 64 << 10;

static TOKEN: HeaderName = HeaderName::from_static("x-djanginxed-token");
static FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
static FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

impl PageCache {
    /// Routes for who looks after the cache, at `path`; none are there unless this is
    /// configured. **Put them behind a guard or a middleware of your own, and keep
    /// them off the public network: whoever reaches them deletes pages, and reads what
    /// was asked for.** Nothing here knows your users.
    ///
    /// ```
    /// # use actix_web::{App, guard, web};
    /// # fn main() -> Result<(), djanginxed_runtime::ConfigError> {
    /// # let pages = djanginxed_runtime::PageCache::builder().build()?;
    /// # let signed_in = actix_web::middleware::Logger::default();
    /// let internal = web::scope("/internal")
    ///     .guard(guard::Host("intranet.example.com"))
    ///     .wrap(signed_in) // a middleware that answers 401 to everybody else
    ///     .configure(pages.admin("/_pages"));
    /// App::new().service(internal);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// For people it is one HTML page without scripts: the last pages that were not stored
    /// and why, those that took the longest to render, those that nginx was asked for most
    /// often (with a [`hit_feed`](crate::PageCacheBuilder::hit_feed)), a look at a page (where it
    /// is, its size, life and header fields), its tags
    /// where this process has stored it of late), its deletion, purges by tag, page and of
    /// everything, and what this process has counted. For programs it is the same in JSON:
    ///
    /// | request | what |
    /// |---|---|
    /// | `GET` with `Accept: application/json` | all of it, and the `token` |
    /// | the same with `?target=/articles/1` | a look at this page, too; also `key_prefix` and `content_type`, where they are not the defaults, or `key` |
    /// | `POST` with `X-Djanginxed-Token` | an order, as a form or as JSON: `{"action": "delete", "target": "/articles/1"}`, `{"action": "purge", "tag": "article:1"}`, `{"action": "purge", "target": "/articles/1"}` (as [`Purge::page`]), `{"action": "purge-everything"}` |
    ///
    /// A POST needs the token, against requests that another site's page makes with its
    /// visitor's cookies: in the header, or as the form's `token`. It is random for each
    /// process, so of several processes behind one address each takes its own only.
    /// What a browser calls a cross-site request (`Sec-Fetch-Site`) is refused in any case,
    /// except for a link to the page.
    ///
    /// The answers are `no-store`, and no cache of this crate has a part in them.
    ///
    /// From the first call on, what becomes of the last 256 pages is remembered, and
    /// what happens is counted.
    pub fn admin(&self, path: &str) -> impl FnOnce(&mut ServiceConfig) + use<> {
        self.token(|| {
            counts::want();
            self.outcomes().want();
            tracing::warn!(
                path,
                "the cache has an admin page: a guard or middleware of yours must stand before it, \
                 since whoever reaches it deletes pages"
            );
        });
        let (pages, path) = (self.clone(), path.to_owned());
        move |config: &mut ServiceConfig| {
            let handler = move |request: HttpRequest, payload: web::Payload| {
                let pages = pages.clone();
                async move { answer(&pages, &request, payload).await }
            };
            config.service(web::resource(path).to(handler));
        }
    }
}

async fn answer(pages: &PageCache, request: &HttpRequest, payload: web::Payload) -> HttpResponse {
    Around::leave(request);
    let answered = match *request.method() {
        Method::GET | Method::HEAD => shown(pages, request).await,
        Method::POST => ordered(pages, request, payload).await,
        _ => Err(Refusal::Method),
    };
    let (status, report) = match answered {
        Ok((status, report)) => (status, report),
        Err(refusal) => {
            let said = Report::of(pages).said(refusal.to_string());
            (refusal.status(), said)
        }
    };
    let mut response = if wants_json(request.headers()) {
        HttpResponse::build(status).json(report)
    } else {
        let page = html::page(&report);
        HttpResponse::build(status)
            .content_type("text/html; charset=utf-8")
            .body(page)
    };
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, header::HeaderValue::from_static(value));
    set(header::CACHE_CONTROL, "no-store");
    set(header::CONTENT_SECURITY_POLICY, html::SECURITY);
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::VARY, "Accept");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    if status == StatusCode::METHOD_NOT_ALLOWED {
        set(header::ALLOW, "GET, HEAD, POST");
    }
    response
}

type Answered = Result<(StatusCode, Report), Refusal>;

async fn shown(pages: &PageCache, request: &HttpRequest) -> Answered {
    // A link leads here, but a script elsewhere is not to read the token.
    if is_cross_site(request.headers()) && !is_navigation(request.headers()) {
        return Err(Refusal::CrossSite);
    }
    let order = Order::of_query(request.query_string())?;
    let report = Report::of(pages);
    let report = match order.page(pages)? {
        Some(page) => report.with_page(pages, page).await,
        None => report,
    };
    Ok((StatusCode::OK, report))
}

async fn ordered(pages: &PageCache, request: &HttpRequest, payload: web::Payload) -> Answered {
    if is_cross_site(request.headers()) {
        return Err(Refusal::CrossSite);
    }
    let order = match payload.to_bytes_limited(MAX_ORDER).await {
        Ok(Ok(body)) => Order::read(request.headers(), &body)?,
        Ok(Err(error)) => return Err(Refusal::Unreadable(error.to_string())),
        Err(_) => return Err(Refusal::TooLong),
    };
    let header = request.headers().get(&TOKEN);
    let header = header.and_then(|token| token.to_str().ok());
    let given = header.or(order.token.as_deref()).unwrap_or_default();
    if !pages.token(|| {}).is(given) {
        return Err(Refusal::Token);
    }
    match order.action()? {
        Action::Delete => {
            let page = order.page(pages)?.ok_or(Refusal::NoPage)?;
            let (status, said) = match pages.delete_all(&page.keys(pages)).await {
                Ok(1..) => (StatusCode::OK, "It was stored, and is deleted.".to_owned()),
                Ok(0) => (StatusCode::OK, "It was not stored.".to_owned()),
                Err(error) => (
                    StatusCode::SERVICE_UNAVAILABLE,
                    format!("It is not deleted: {error}."),
                ),
            };
            let report = Report::of(pages).said(said);
            Ok((status, report.with_page(pages, page).await))
        }
        Action::Purge => Ok(purged(pages, order.purge(pages)?).await),
        Action::PurgeEverything => Ok(purged(pages, Purge::everything()).await),
    }
}

async fn purged(pages: &PageCache, purge: Purge) -> (StatusCode, Report) {
    let done = pages.purge(purge).await;
    let report = Report::of(pages);
    match done {
        Ok(purged) if purged.is_complete() => (StatusCode::OK, report.with_purged(&purged)),
        Ok(purged) => {
            let report = report.with_purged(&purged);
            (StatusCode::SERVICE_UNAVAILABLE, report)
        }
        Err(error) => {
            let report = report.said(format!("Nothing is purged: {error}."));
            (StatusCode::SERVICE_UNAVAILABLE, report)
        }
    }
}

/// Whether the browser says that another site's page is behind the request. Browsers
/// before 2023 say nothing.
fn is_cross_site(headers: &HeaderMap) -> bool {
    let site = headers.get(&FETCH_SITE);
    site.is_some_and(|site| site != "same-origin" && site != "none")
}

fn is_navigation(headers: &HeaderMap) -> bool {
    headers
        .get(&FETCH_MODE)
        .is_some_and(|mode| mode == "navigate")
}

/// Whether a program asks: no browser names JSON for a page.
fn wants_json(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(header::ACCEPT);
    lines.any(|line| {
        line.as_bytes()
            .windows(16)
            .any(|part| part == b"application/json")
    })
}
