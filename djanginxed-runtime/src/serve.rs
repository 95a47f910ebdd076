//! A request's way, in order: request, key, lookup, coalesce, render, policy,
//! entry, writer.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::body::BoxBody;
use actix_web::{HttpRequest, HttpResponse, Responder};
use tokio::time::timeout;

use crate::answer::{Status, accepts_gzip, answer};
use crate::cache::{PageCache, Shared};
use crate::coalesce::{Lead, Turn};
use crate::entry::Entry;
use crate::incoming::Incoming;
use crate::key::{KeyRecipe, PageKey};
use crate::observe;
use crate::page::Page;
use crate::policy::Reason;
use crate::render::Render;
use crate::request::{self, Asked, Bypass, Connection, Part};
use crate::store::client::Marker;
use crate::writer::Doubt;

/// Whether a page's settings have been logged.
#[derive(Debug)]
pub struct Seen(AtomicBool);

impl Seen {
    /// A page that has not been asked for yet.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "only the macro's expansion makes one, in a static"
    )]
    pub const fn new() -> Seen {
        Seen(AtomicBool::new(false))
    }

    fn first(&self) -> bool {
        !self.0.load(Ordering::Relaxed) && !self.0.swap(true, Ordering::Relaxed)
    }
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
    let request = &incoming.request;
    let response = match Visit::begin(page, seen, &incoming) {
        Some((visit, part)) => visit.answer(part, request, handler).await,
        None => respond(handler, request).await,
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

/// One request for one page.
struct Visit<'a> {
    pages: &'a PageCache,
    page: Page,
    key: PageKey,
    target: &'a str,
    accepts_gzip: bool,
}

impl<'a> Visit<'a> {
    fn begin(page: Page, seen: &Seen, incoming: &'a Incoming) -> Option<(Visit<'a>, Part)> {
        let request = &incoming.request;
        let pages = PageCache::of(request)?;
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
        if seen.first() {
            log_page(&page, prefix, request);
        }
        let target = asked.target();
        let visit = Visit {
            pages,
            page,
            key: KeyRecipe::new(prefix, page.media_type()).key(target),
            target,
            accepts_gzip: accepts_gzip(request.headers()),
        };
        Some((visit, part))
    }

    async fn answer<R: Responder + 'static>(
        &self,
        part: Part,
        request: &HttpRequest,
        handler: impl Future<Output = R>,
    ) -> HttpResponse {
        let handler = respond(handler, request);
        match part {
            Part::Bypass(reason) => self.bypass(reason, handler).await,
            Part::LookupOnly => match self.look_up().await {
                Some((_, hit)) => hit,
                None => self.marked(handler.await, Status::NotStored(Reason::Method.word())),
            },
            Part::Alone => self.alone(handler).await,
            Part::Full if self.pages.is_apart(&self.key) => self.alone(handler).await,
            Part::Full => self.together(handler).await,
        }
    }

    fn marked(&self, mut response: HttpResponse, status: Status) -> HttpResponse {
        status.mark(&mut response, self.pages.settings());
        response
    }

    async fn bypass(
        &self,
        reason: Bypass,
        handler: impl Future<Output = HttpResponse>,
    ) -> HttpResponse {
        observe::bypass(reason);
        let status = match reason {
            Bypass::Method => Status::Method,
            reason => Status::Bypass(reason.word()),
        };
        self.marked(handler.await, status)
    }

    /// Looks up and renders without regard to others.
    async fn alone(&self, handler: impl Future<Output = HttpResponse>) -> HttpResponse {
        match self.look_up().await {
            Some((_, hit)) => hit,
            None => self.render(handler).await.0,
        }
    }

    /// Looks up and renders once for all who ask at the same time.
    async fn together(&self, handler: impl Future<Output = HttpResponse>) -> HttpResponse {
        if let Some((_, hit)) = self.at_hand() {
            return hit;
        }
        match self.turn().await {
            Turn::Lead(lead) => self.lead(lead, handler).await,
            Turn::Follow(shared) => match self.follow(&shared) {
                Some(response) => response,
                None => self.render(handler).await.0,
            },
            Turn::Alone => self.render(handler).await.0,
        }
    }

    async fn turn(&self) -> Turn<PageKey, Shared> {
        let mut wait = match self.pages.flights().join(self.key) {
            Ok(lead) => return Turn::Lead(lead),
            Err(wait) => wait,
        };
        match timeout(self.pages.settings().coalesce_timeout, &mut wait).await {
            Ok(turn) => turn,
            Err(_) => {
                wait.give_up();
                Turn::Alone
            }
        }
    }

    async fn lead(
        &self,
        lead: Lead<PageKey, Shared>,
        handler: impl Future<Output = HttpResponse>,
    ) -> HttpResponse {
        let known = if lead.was_closed() {
            // The store may have what another process has deleted.
            self.pages.deleted_elsewhere(self.key).await
        } else if let Some((entry, hit)) = self.look_up().await {
            lead.share(Shared::Found(entry));
            return hit;
        } else {
            None
        };
        let (response, page) = self.render(handler).await;
        match page {
            Some((entry, doubt)) if self.pages.has_other_users() && lead.close() => {
                let pages = self.pages.clone();
                tokio::spawn(share_unless_outdated(pages, lead, entry, doubt, known));
            }
            Some((entry, _)) => lead.share(Shared::Rendered(entry)),
            None => {
                self.pages.set_apart(self.key);
                lead.release();
            }
        }
        response
    }

    fn follow(&self, shared: &Shared) -> Option<HttpResponse> {
        match shared {
            Shared::Found(entry) => self.hit(entry),
            Shared::Rendered(entry) => {
                observe::collapsed();
                self.respond_with(entry, Status::Collapsed)
            }
        }
    }

    fn at_hand(&self) -> Option<(Entry, HttpResponse)> {
        if !self.pages.settings().lookup {
            return None;
        }
        self.readable(self.pages.at_hand(&self.key))
    }

    async fn look_up(&self) -> Option<(Entry, HttpResponse)> {
        if !self.pages.settings().lookup {
            return None;
        }
        self.readable(self.pages.look_up(self.key).await)
    }

    fn readable(&self, found: Option<Entry>) -> Option<(Entry, HttpResponse)> {
        let entry = found?;
        let hit = self.hit(&entry)?;
        Some((entry, hit))
    }

    fn hit(&self, entry: &Entry) -> Option<HttpResponse> {
        self.respond_with(entry, Status::Hit)
    }

    fn respond_with(&self, entry: &Entry, status: Status) -> Option<HttpResponse> {
        answer(
            entry,
            &self.page,
            self.pages.settings(),
            self.accepts_gzip,
            status,
        )
    }

    /// Runs the handler; its response, and the page if it is one for others.
    async fn render(
        &self,
        handler: impl Future<Output = HttpResponse>,
    ) -> (HttpResponse, Option<(Entry, Doubt)>) {
        let render = Render::start(self.pages, self.page, self.key, self.target);
        let rendered = render.finish(handler.await);
        (rendered.response, rendered.page)
    }
}

/// Gives a page to those who wait for it; or, where another process has deleted it,
/// lets one of them take over. A task of its own: the leader's visitor need not wait
/// for it, and may leave.
async fn share_unless_outdated(
    pages: PageCache,
    lead: Lead<PageKey, Shared>,
    entry: Entry,
    doubt: Doubt,
    known: Option<Marker>,
) {
    if pages.is_outdated(doubt, known).await {
        drop(lead);
    } else {
        lead.share(Shared::Rendered(entry));
    }
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
