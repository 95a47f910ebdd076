//! An annotated handler's request: decided by [`Visit`], answered here.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::body::BoxBody;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, Responder};

use super::answer::{answer, mark};
use super::find::cache_of;
use super::incoming::Incoming;
use super::tee;
use crate::conditions::Conditions;
use crate::key::KeyRecipe;
use crate::page::Page;
use crate::request::{self, Asked, Connection, Part, accepts_gzip, cookie_names};
use crate::visit::{Visit, Way};

/// What has been said of a page, which is said once.
#[derive(Debug)]
pub struct Seen {
    settings: AtomicBool,
    cookies: AtomicBool,
}

impl Seen {
    /// A page that has not been asked for yet.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "only the macro's expansion makes one, in a static"
    )]
    pub const fn new() -> Seen {
        Seen {
            settings: AtomicBool::new(false),
            cookies: AtomicBool::new(false),
        }
    }
}

fn first(said: &AtomicBool) -> bool {
    !said.load(Ordering::Relaxed) && !said.swap(true, Ordering::Relaxed)
}

/// What an annotated handler returns: its response, under the type it declares.
pub struct Served<R> {
    response: HttpResponse,
    declared: PhantomData<fn() -> R>,
}

impl<R> Responder for Served<R> {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        self.response
    }
}

/// Answers a request from a store, or with what `handler` renders.
pub async fn serve<R: Responder + 'static>(
    page: Page,
    seen: &'static Seen,
    incoming: Incoming,
    handler: impl Future<Output = R>,
) -> Served<R> {
    let handler = respond(handler, &incoming.request);
    let response = match begin(page, seen, &incoming) {
        Some((visit, part)) => {
            let (response, is_kept) = through(&visit, part, handler).await;
            if is_kept {
                warn_of_cookies(seen, &incoming.request);
            }
            response
        }
        None => handler.await,
    };
    Served {
        response,
        declared: PhantomData,
    }
}

async fn respond<R: Responder + 'static>(
    handler: impl Future<Output = R>,
    request: &HttpRequest,
) -> HttpResponse {
    handler.await.respond_to(request).map_into_boxed_body()
}

/// The answer, and whether it is stored for all.
async fn through(
    visit: &Visit,
    part: Part,
    handler: impl Future<Output = HttpResponse>,
) -> (HttpResponse, bool) {
    match visit.way(part).await {
        Way::Answer(form, status) => {
            let settings = visit.pages.settings();
            let hit = answer(form, &visit.page, settings, &visit.conditions, status);
            (hit, false)
        }
        Way::Past(status) => {
            let mut response = handler.await;
            visit.changed(response.status()).await;
            mark(&mut response, status, visit.pages.settings());
            (response, false)
        }
        Way::Render(render, leading) => {
            let rendered = tee::finish(render, handler.await);
            if let Some(leading) = leading {
                leading.conclude(rendered.fresh);
            }
            (rendered.response, rendered.is_kept)
        }
    }
}

fn begin(page: Page, seen: &Seen, incoming: &Incoming) -> Option<(Visit, Part)> {
    let request = &incoming.request;
    let pages = cache_of(request)?;
    let settings = pages.settings();
    let head = request.head();
    let asked = Asked {
        method: &head.method,
        uri: &head.uri,
        headers: &head.headers,
        has_content: incoming.has_content,
    };
    let part = request::part(&asked, settings, || {
        let connection = request.connection_info();
        Connection {
            host: connection.host().to_owned(),
            scheme: connection.scheme().to_owned(),
        }
    });
    let prefix = page.own_key_prefix().unwrap_or(&settings.key_prefix);
    if first(&seen.settings) {
        log_page(&page, prefix, request);
    }
    let target = asked.target();
    let visit = Visit {
        pages: pages.clone(),
        page,
        key: KeyRecipe::of(settings.layout, prefix, page.media_type()).key(target),
        target: target.to_owned(),
        is_safe: head.method.is_safe(),
        accepts_gzip: accepts_gzip(request.headers()),
        conditions: Conditions::of(request.headers()),
    };
    Some((visit, part))
}

/// Says once that a page is stored for all which somebody with cookies has asked for,
/// who may have a session that the cache was not told of.
fn warn_of_cookies(seen: &Seen, request: &HttpRequest) {
    if !request.headers().contains_key(header::COOKIE) || !first(&seen.cookies) {
        return;
    }
    tracing::warn!(
        route = request.match_pattern(),
        cookies = cookie_names(request.headers()).join(", "),
        "a page that is stored for all was rendered for a request with cookies: if one of \
         them is a session or changes the page, name it with PageCacheBuilder::bypass_cookie, \
         in nginx's file too"
    );
}

fn log_page(page: &Page, prefix: &str, request: &HttpRequest) {
    tracing::info!(
        route = request.match_pattern(),
        key_prefix = prefix,
        content_type = page.media_type(),
        timeout_seconds = page.timeout().as_secs(),
        "caching a page; nginx's file must know its prefix and type"
    );
}
