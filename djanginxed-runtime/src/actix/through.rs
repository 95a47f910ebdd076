//! A request's way as actix has it, the same for a handler with the attribute and
//! for a middleware: decided by [`Visit`], answered here.

use std::borrow::Borrow;
use std::convert::Infallible;
use std::future::Future;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse};

use super::answer::{answer, mark, say_vary};
use super::around::{Around, Place, given_back, lend};
use super::cached_page::notes_of;
use super::seen::Seen;
use super::tee;
use super::variant::variant_of;
use crate::cache::PageCache;
use crate::conditions::Conditions;
use crate::page::Page;
use crate::reason::{Bypass, Reason};
use crate::refresh::Refresh;
use crate::render::Fresh;
use crate::request::{self, Asked, Connection, Part, accepts_gzip};
use crate::status::Status;
use crate::visit::{Leading, Visit, Way};

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
        _ if takes_part => part,
        _ => Part::Bypass(Bypass::When),
    };
    pages.note_kind(&page);
    seen.log_page(&page, page.prefix(settings), request);
    let target = asked.target();
    let variant = variant_of(request, pages);
    let visit = Visit {
        pages: pages.clone(),
        page,
        key: page.recipe(settings).with_variant(&variant).key(target),
        target: target.to_owned(),
        is_safe: head.method.is_safe(),
        accepts_gzip: accepts_gzip(request.headers()),
        conditions: Conditions::of(request.headers()),
    };
    let place = Around::taken_from(request, &visit);
    Entered {
        visit,
        part,
        place,
        seen,
    }
}

/// What is to be done for a visitor.
pub(super) struct Decided {
    visit: Visit,
    way: Way,
    seen: &'static Seen,
}

/// A response, and what came with the request's way.
pub(super) struct Answered<C> {
    pub(super) response: HttpResponse,
    /// What was given to the handler, or was to be.
    pub(super) carried: C,
    /// Whether the response is stored for all.
    pub(super) is_kept: bool,
}

/// How a handler may fail to respond.
pub(super) trait Failure {
    fn status(&self) -> StatusCode;
}

impl Failure for Infallible {
    fn status(&self) -> StatusCode {
        match *self {}
    }
}

impl Failure for actix_web::Error {
    fn status(&self) -> StatusCode {
        self.as_response_error().status_code()
    }
}

/// Asks for the page, and decides.
pub(super) async fn decide(entered: Entered) -> Decided {
    let Entered {
        visit,
        part,
        place,
        seen,
    } = entered;
    let way = match way_after(&visit, part, place) {
        Some(way) => way,
        None => visit.way(part).await,
    };
    Decided { visit, way, seen }
}

impl Decided {
    /// The answer with a stale page, and its render, which is to go on without the
    /// visitor.
    pub(super) fn stale(&mut self) -> Option<(HttpResponse, Refresh)> {
        let Way::Stale(form, status, refresh) = &mut self.way else {
            return None;
        };
        let refresh = refresh.take()?;
        let Visit {
            page,
            pages,
            conditions,
            ..
        } = &self.visit;
        let stale = answer(form.clone(), page, pages.settings(), conditions, *status);
        Some((stale, refresh))
    }
}

/// Answers a request from a store, or with what `handler` responds, which gets
/// `carried` and gives it back.
pub(super) async fn through<C, F, E>(
    decided: Decided,
    around: Option<&Around>,
    carried: C,
    handler: impl FnOnce(C) -> F,
) -> Result<Answered<C>, E>
where
    C: Borrow<HttpRequest>,
    F: Future<Output = Result<(HttpResponse, C), E>>,
    E: Failure,
{
    let Decided { visit, way, seen } = decided;
    let settings = visit.pages.settings();
    let (way, stale) = match way {
        // This visitor renders the page for those who have it stale meanwhile.
        Way::Stale(form, status, Some(Refresh { render, turn })) => {
            (Way::Render(render, None), Some((form, status, turn)))
        }
        way => (way, None),
    };
    match way {
        Way::Answer(form, status) | Way::Stale(form, status, _) => Ok(Answered {
            response: answer(form, &visit.page, settings, &visit.conditions, status),
            carried,
            is_kept: false,
        }),
        Way::Past(status) => {
            let responded = handler(carried).await;
            visit.changed(status_of(&responded)).await;
            let (mut response, carried) = responded?;
            if around.is_none_or(|around| !around.is_taken()) {
                mark(&mut response, status, settings);
                if !matches!(status, Status::Bypass(_)) {
                    say_vary(response.headers_mut(), settings);
                }
            }
            Ok(Answered {
                response,
                carried,
                is_kept: false,
            })
        }
        Way::Render(mut render, leading) => {
            let leading = lend(around, leading);
            let responded = handler(carried).await;
            let Some(leading) = given_back(around, leading) else {
                // Another cache nearer to the handler has stored it, or has not.
                let (response, carried) = responded?;
                return Ok(Answered {
                    response,
                    carried,
                    is_kept: false,
                });
            };
            let (response, carried) = match responded {
                Ok(responded) => responded,
                Err(failure) => {
                    render.skipped(&HeaderMap::new(), Reason::Status);
                    conclude(leading, None);
                    return Err(failure);
                }
            };
            // By now the request knows the route that it was routed by.
            render.note(notes_of(&visit.page, seen, carried.borrow()));
            let status = response.status();
            let rendered = tee::finish(render, response);
            conclude(leading, rendered.fresh);
            if let Some((form, stale, turn)) = stale {
                turn.end_soon(status, rendered.is_kept);
                if status.is_server_error() {
                    return Ok(Answered {
                        response: answer(form, &visit.page, settings, &visit.conditions, stale),
                        carried,
                        is_kept: false,
                    });
                }
            }
            Ok(Answered {
                response: rendered.response,
                carried,
                is_kept: rendered.is_kept,
            })
        }
    }
}

/// The way where a cache around this one has looked the page up a moment ago.
fn way_after(visit: &Visit, part: Part, place: Place) -> Option<Way> {
    match (place, part) {
        (Place::Own, _) => None,
        (Place::Rendering(leading), Part::Full) => Some(visit.render(leading)),
        (Place::Rendering(leading), _) => {
            conclude(leading, None);
            None
        }
    }
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
