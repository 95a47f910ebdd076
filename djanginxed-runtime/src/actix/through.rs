//! A request's way as actix has it, the same for a handler with the attribute and
//! for a middleware: decided by [`Visit`], answered here.

use std::borrow::Borrow;
use std::future::Future;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};

use super::answer::{answer, mark, say_vary};
use super::around::{Around, Place, given_back, lend};
use super::cached_page::notes_of;
use super::panic::Panic;
use super::seen::Seen;
use super::tee;
use super::variant::values_of;
use crate::cache::PageCache;
use crate::cache::refresher::{self, Wanted};
use crate::conditions::Conditions;
use crate::entry::Form;
use crate::page::Page;
use crate::reason::{Bypass, Reason};
use crate::refresh::{Refresh, Turn};
use crate::render::{Fresh, Render};
use crate::request::{self, Asked, Connection, Part, accepts_gzip};
use crate::status::Status;
use crate::visit::{Handling, Leading, Visit, Way};

/// What is asked for, and of which cache.
pub(super) struct Entrance<'a> {
    pub(super) pages: &'a PageCache,
    pub(super) page: Page,
    pub(super) seen: &'static Seen,
    pub(super) request: &'a HttpRequest,
    pub(super) has_content: bool,
    /// Whether the middleware takes requests of this kind.
    pub(super) takes_part: bool,
}

/// A visit, how it takes part, and whose place it takes.
pub(super) struct Entered {
    pub(super) visit: Visit,
    part: Part,
    place: Place,
    seen: &'static Seen,
}

/// Decides how a request takes part. A cache around this one does no more of it.
pub(super) fn enter(entrance: Entrance<'_>) -> Entered {
    let Entrance {
        pages,
        page,
        seen,
        request,
        has_content,
        takes_part,
    } = entrance;
    let settings = pages.settings();
    let head = request.head();
    let asked = Asked {
        method: &head.method,
        uri: &head.uri,
        headers: &head.headers,
        has_content,
    };
    let part = request::part(&asked, settings, || {
        let connection = request.connection_info();
        Connection {
            host: connection.host().to_owned(),
            scheme: connection.scheme().to_owned(),
        }
    });
    let part = match part {
        Part::Bypass(_) => part,
        _ if !takes_part => Part::Bypass(Bypass::When),
        _ if !page.knows_query(asked.target(), settings) => Part::Bypass(Bypass::Query),
        _ => part,
    };
    pages.note_kind(&page);
    if !page.stands_in(settings).is_zero() {
        pages.expect_copies();
    }
    seen.log_page(&page, page.prefix(settings), request);
    let target = asked.target();
    let values = values_of(request, pages);
    let visit = Visit {
        pages: pages.clone(),
        page,
        key: page
            .recipe(settings)
            .with_variant(&values.to_string())
            .key(target),
        target: target.to_owned(),
        is_safe: head.method.is_safe(),
        accepts_gzip: accepts_gzip(request.headers()),
        conditions: Conditions::of(request.headers()),
    };
    let part = match part {
        Part::Full if is_refresh(&visit, request) => Part::Refresh,
        part => part,
    };
    let place = Around::taken_from(request, &visit);
    Entered {
        visit,
        part,
        place,
        seen,
    }
}

/// Tells a render what is known of its request when the handler has run: by then the
/// request knows the route that it was routed by.
pub(super) fn tell(render: &mut Render, page: &Page, seen: &Seen, request: &HttpRequest) {
    render.note(notes_of(page, seen, request));
    let wanted = wanted(render.pages(), render.target(), request);
    render.want(wanted);
}

/// How a request for a page that is looked after can be made again.
fn wanted(pages: &PageCache, target: &str, request: &HttpRequest) -> Option<Wanted> {
    pages.refresher()?;
    let connection = request.connection_info();
    let (host, scheme) = (connection.host(), connection.scheme());
    Wanted::new(target, host, scheme, values_of(request, pages))
}

/// Whether the application asks itself for this very page.
fn is_refresh(visit: &Visit, request: &HttpRequest) -> bool {
    let word = request.headers().get(refresher::REFRESH);
    let refresher = visit.pages.refresher();
    word.zip(refresher)
        .is_some_and(|(word, refresher)| refresher.expects(word.as_bytes(), &visit.key))
}

/// What is to be done for a visitor.
pub(super) enum Decided {
    /// He gets a page that is there.
    Answer(HttpResponse),
    /// The handler is to run.
    Handle(Box<Handling>),
}

/// What a handler is to run for, and for whom.
pub(super) struct Errand<'a> {
    pub(super) visit: &'a Visit,
    handling: Box<Handling>,
    pub(super) seen: &'static Seen,
}

/// A response, and what came with the request's way.
pub(super) struct Answered<C> {
    pub(super) response: HttpResponse,
    /// What was given to the handler, or was to be.
    pub(super) carried: C,
    /// Whether the response is stored for all.
    pub(super) is_kept: bool,
    /// Whether the application has asked itself, and nobody is to see the response.
    pub(super) is_for_nobody: bool,
}

impl<C> Answered<C> {
    /// A response that this cache has no more to do with.
    pub(super) fn with(response: HttpResponse, carried: C) -> Answered<C> {
        Answered {
            response,
            carried,
            is_kept: false,
            is_for_nobody: false,
        }
    }
}

/// How a handler may fail to respond.
pub(super) trait Failure {
    fn status(&self) -> StatusCode;

    /// Whether it says nothing of another visitor's render: then one of those who wait
    /// takes over, instead of all.
    fn is_accident(&self) -> bool {
        false
    }
}

impl Failure for Panic {
    fn status(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }

    fn is_accident(&self) -> bool {
        true
    }
}

impl Failure for actix_web::Error {
    fn status(&self) -> StatusCode {
        self.as_response_error().status_code()
    }
}

impl Entered {
    /// Asks for the page, and decides. The visit stays with who awaits this, so that no
    /// second one is kept meanwhile.
    pub(super) async fn decide(&mut self) -> Decided {
        let place = std::mem::replace(&mut self.place, Place::Own);
        let way = match way_after(&self.visit, self.part, place) {
            Some(way) => way,
            None => self.visit.way(self.part).await,
        };
        match way {
            Way::Answer(form, status) => Decided::Answer(self.visit.answer(form, status)),
            Way::Handle(handling) => Decided::Handle(handling),
        }
    }

    pub(super) fn errand(&self, handling: Box<Handling>) -> Errand<'_> {
        Errand {
            visit: &self.visit,
            handling,
            seen: self.seen,
        }
    }
}

impl Visit {
    fn answer(&self, form: Form, status: Status) -> HttpResponse {
        let settings = self.pages.settings();
        answer(form, &self.page, settings, &self.conditions, status)
    }
}

impl Errand<'_> {
    /// The answer with a stale page, and its render, which is to go on without the
    /// visitor.
    pub(super) fn stale(self) -> Result<(HttpResponse, Refresh), Self> {
        let mut errand = self;
        match *errand.handling {
            Handling::Stale(form, status, refresh) => {
                Ok((errand.visit.answer(form, status), refresh))
            }
            other => {
                // Into the box that it was in.
                *errand.handling = other;
                Err(errand)
            }
        }
    }
}

/// Answers a request with what `handler` responds, which gets `carried` and gives it back.
pub(super) async fn through<C, F, E>(
    errand: Errand<'_>,
    around: Option<&Around>,
    carried: C,
    handler: impl FnOnce(C) -> F,
) -> Result<Answered<C>, Failed<E>>
where
    C: Borrow<HttpRequest>,
    F: Future<Output = Result<(HttpResponse, C), E>>,
    E: Failure,
{
    let Errand {
        visit,
        handling,
        seen,
    } = errand;
    let settings = visit.pages.settings();
    let task = match *handling {
        Handling::Render(render, leading) => Task {
            render,
            leading,
            renewing: None,
        },
        // This visitor renders the page for those who have it stale meanwhile.
        Handling::Stale(form, status, Refresh { render, turn }) => Task {
            render,
            leading: None,
            renewing: Some(Renewing::Stale(form, status, turn)),
        },
        Handling::Refresh(render, turn) => Task {
            render,
            leading: None,
            renewing: Some(Renewing::Through(turn)),
        },
        Handling::Past(status) => {
            let responded = handler(carried).await;
            visit.changed(status_of(&responded)).await;
            let (mut response, carried) = responded.map_err(Failed::without_copy)?;
            if around.is_none_or(|around| !around.is_taken()) {
                mark(&mut response, status, settings);
                if !matches!(status, Status::Bypass(_)) {
                    say_vary(response.headers_mut(), settings);
                }
            }
            return Ok(Answered::with(response, carried));
        }
    };
    rendered(visit, seen, around, carried, handler, task).await
}

/// A render that is to be made, for whom, and in whose place.
struct Task {
    render: Render,
    leading: Option<Leading>,
    renewing: Option<Renewing>,
}

/// Answers with what `handler` responds, and stores it.
async fn rendered<C, F, E>(
    visit: &Visit,
    seen: &'static Seen,
    around: Option<&Around>,
    carried: C,
    handler: impl FnOnce(C) -> F,
    task: Task,
) -> Result<Answered<C>, Failed<E>>
where
    C: Borrow<HttpRequest>,
    F: Future<Output = Result<(HttpResponse, C), E>>,
    E: Failure,
{
    let Task {
        mut render,
        leading,
        renewing,
    } = task;
    let leading = lend(around, leading);
    let responded = handler(carried).await;
    let Some(leading) = given_back(around, leading) else {
        // Another cache nearer to the handler has stored it, or has not.
        let (response, carried) = responded.map_err(Failed::without_copy)?;
        return Ok(Answered::with(response, carried));
    };
    let (response, carried) = match responded {
        Ok(responded) => responded,
        Err(failure) => {
            render.skipped(&HeaderMap::new(), Reason::Status);
            match failure.is_accident() {
                true => drop(leading),
                false => conclude(leading, None),
            }
            let copy = match renewing {
                None => stand_in(visit, failure.status()).await,
                Some(_) => None,
            };
            return Err(Failed { failure, copy });
        }
    };
    tell(&mut render, &visit.page, seen, carried.borrow());
    let status = response.status();
    let rendered = tee::finish(render, response);
    conclude(leading, rendered.fresh);
    let mut response = rendered.response;
    if let Some(reason) = rendered.refused {
        let settings = visit.pages.settings();
        seen.warn_of_refusal(
            reason,
            response.headers(),
            &visit.page,
            settings,
            carried.borrow(),
        );
    }
    let is_for_nobody = matches!(renewing, Some(Renewing::Through(_)));
    match renewing {
        None => {
            if let Some(copy) = stand_in(visit, status).await {
                response = copy;
            }
        }
        Some(Renewing::Through(turn)) => {
            say_refreshed(&mut response, rendered.is_kept);
            if let Some(turn) = turn {
                turn.end_soon(status, rendered.is_kept);
            }
        }
        Some(Renewing::Stale(form, stale, turn)) => {
            turn.end_soon(status, rendered.is_kept);
            if status.is_server_error() {
                response = visit.answer(form, stale);
            }
        }
    }
    Ok(Answered {
        response,
        carried,
        is_kept: rendered.is_kept,
        is_for_nobody,
    })
}

/// A handler that has failed, and what its visitor gets all the same.
pub(super) struct Failed<E> {
    pub(super) failure: E,
    pub(super) copy: Option<HttpResponse>,
}

impl<E> Failed<E> {
    fn without_copy(failure: E) -> Failed<E> {
        Failed {
            failure,
            copy: None,
        }
    }
}

/// What a visitor gets in place of an error.
async fn stand_in(visit: &Visit, status: StatusCode) -> Option<HttpResponse> {
    let (form, stands_in) = visit.stand_in(status).await?;
    Some(visit.answer(form, stands_in))
}

/// In whose place a page is rendered that is there.
enum Renewing {
    /// In that of those who have it stale meanwhile.
    Stale(Form, Status, Turn),
    /// The application has asked itself for it.
    Through(Option<Turn>),
}

/// Tells the application's request to itself what came of it.
fn say_refreshed(response: &mut HttpResponse, is_kept: bool) {
    let said = HeaderValue::from_static(if is_kept { "stored" } else { "refused" });
    let name = HeaderName::from_static(refresher::REFRESHED);
    response.headers_mut().insert(name, said);
}

/// The way where a cache around this one has looked the page up a moment ago.
fn way_after(visit: &Visit, part: Part, place: Place) -> Option<Way> {
    let Place::Rendering(leading) = place else {
        return None;
    };
    let leading = leading.map(|leading| *leading);
    if let Part::Full = part {
        return Some(visit.render(leading));
    }
    conclude(leading, None);
    None
}

fn conclude(leading: Option<Leading>, fresh: Option<Fresh>) {
    if let Some(leading) = leading {
        leading.conclude(fresh);
    }
}

fn status_of<C, E: Failure>(responded: &Result<(HttpResponse, C), E>) -> StatusCode {
    match responded {
        Ok((response, _)) => response.status(),
        Err(failure) => failure.status(),
    }
}
