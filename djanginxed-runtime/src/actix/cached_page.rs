//! What a handler says of its page, as an extractor.

use std::convert::Infallible;
use std::fmt::Display;
use std::future::{Ready, ready};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::seen::Seen;
use crate::notes::Notes;
use crate::observe;
use crate::page::Page;
use crate::sync::{Arc, Mutex, lock};
use crate::tag::filled;

/// The page that a handler is rendering, an extractor: gives it tags, shortens its life,
/// or has it not stored.
///
/// ```
/// use std::time::Duration;
///
/// use actix_web::{Responder, web};
/// use djanginxed_runtime::CachedPage;
///
/// async fn article(id: web::Path<u32>, page: CachedPage) -> impl Responder {
///     let author = "ann"; // …
///     page.tag(format!("author:{author}"));
///     page.max_age(Duration::from_secs(60));
///     web::Html::new(format!("<h1>Article {id} by {author}</h1>"))
/// }
/// ```
///
/// In a handler without `#[cache_page]`, and without a middleware of the cache around it,
/// it does nothing. It never fails, may be cloned and sent to other threads, and counts
/// until the end of the response's body.
#[derive(Clone, Debug)]
pub struct CachedPage {
    notes: Shared,
    origin: Arc<Origin>,
}

pub(crate) type Shared = Arc<Mutex<Notes>>;

/// By what a log line names the page.
#[derive(Debug)]
struct Origin {
    route: Option<String>,
    target: String,
}

impl CachedPage {
    /// Adds a tag, by which the page is [purged](crate::Purge::tag): 1 to 1,024 visible
    /// ASCII characters, up to 1,000 a page.
    ///
    /// A wrong one is logged as an error, with the page's route and target, and counted, and
    /// the page is not stored (`tag`): it could not be purged by that tag.
    pub fn tag(&self, tag: impl Into<String>) {
        if let Err(fault) = lock(&self.notes).tag(tag.into()) {
            let Origin { route, target } = &*self.origin;
            observe::wrong_tag(route.as_deref(), target, &fault);
        }
    }

    /// Lets the page live for `limit` at the most, in whole seconds. The attribute's
    /// timeout and what the response's own fields say still hold; with less than a second
    /// the page is not stored (`expired`).
    pub fn max_age(&self, limit: Duration) {
        lock(&self.notes).max_age(limit);
    }

    /// Has the page not stored (`skip`); the log says this reason.
    pub fn skip(&self, reason: impl Display) {
        lock(&self.notes).skip(reason.to_string());
    }
}

impl FromRequest for CachedPage {
    type Error = Infallible;
    type Future = Ready<Result<CachedPage, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut extensions = request.extensions_mut();
        let notes = match extensions.get::<Shared>() {
            Some(notes) => Shared::clone(notes),
            None => {
                let notes = Shared::default();
                extensions.insert(Shared::clone(&notes));
                notes
            }
        };
        drop(extensions);
        let origin = Arc::new(Origin::of(request));
        ready(Ok(CachedPage { notes, origin }))
    }
}

impl Origin {
    fn of(request: &HttpRequest) -> Origin {
        let target = request.uri().path_and_query();
        Origin {
            route: request.match_pattern(),
            target: target.map_or_else(String::new, ToString::to_string),
        }
    }
}

/// What was said of the page that `request` asked for, with the tags that its settings
/// name. Without any of these there is nothing.
pub(super) fn notes_of(page: &Page, seen: &Seen, request: &HttpRequest) -> Option<Shared> {
    let said = request.extensions_mut().remove::<Shared>();
    if page.own_tags().is_empty() {
        return said;
    }
    let notes = said.unwrap_or_default();
    let segments = request.match_info();
    for template in page.own_tags() {
        let added =
            filled(template, |name| segments.get(name)).and_then(|tag| lock(&notes).tag(tag));
        if let Err(fault) = added {
            lock(&notes).wrong();
            seen.wrong_tag(&fault, request);
        }
    }
    Some(notes)
}
