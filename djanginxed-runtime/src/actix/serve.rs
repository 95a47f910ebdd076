//! An annotated handler's request.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use actix_web::body::BoxBody;
use actix_web::{HttpRequest, HttpResponse, Responder};

use super::background;
use super::fill::fill;
use super::find::cache_of;
use super::incoming::Incoming;
use super::panic::caught;
use super::rendering::Rendering;
use super::seen::Seen;
use super::through::{Decided, Entrance, Errand, Failed, enter, tell, through};
use crate::page::Page;

/// What an annotated handler returns: its response, under the type it declares.
pub struct Served<R> {
    response: HttpResponse,
    declared: PhantomData<fn() -> R>,
}

impl<R> Served<R> {
    pub(super) fn new(response: HttpResponse) -> Served<R> {
        Served {
            response,
            declared: PhantomData,
        }
    }
}

impl<R> Responder for Served<R> {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        self.response
    }
}

/// Answers a request from a store, or with what `handler` renders.
///
/// Not an `async fn`, which would keep what it is given twice: actix allocates for each
/// request what this may come to need.
pub fn serve<R: 'static>(
    page: Page,
    seen: &'static Seen,
    incoming: Incoming,
    handler: Rendering<impl Future<Output = R> + 'static, R>,
) -> impl Future<Output = Served<R>> {
    let Incoming {
        request,
        has_content,
    } = incoming;
    let mut entered = cache_of(&request).map(|pages| {
        enter(Entrance {
            pages,
            page,
            seen,
            request: &request,
            has_content,
            takes_part: true,
        })
    });
    async move {
        let response = match &mut entered {
            None => Box::pin(handler.response(request.clone())).await,
            Some(entered) => match entered.decide().await {
                Decided::Answer(response) => {
                    fill(response, false, &request, entered.visit.pages.settings())
                }
                Decided::Handle(handling) => {
                    let handler = Box::pin(handler.response(request.clone()));
                    Box::pin(handle(entered.errand(handling), &request, handler)).await
                }
            },
        };
        Served::new(response)
    }
}

/// A handler on its way to a response, whatever its type: in a box, so that hits do not
/// carry it about.
type Handler = Pin<Box<dyn Future<Output = HttpResponse>>>;

/// Answers with what `handler` renders, or with a page that it renders anew.
async fn handle(errand: Errand<'_>, request: &HttpRequest, handler: Handler) -> HttpResponse {
    let Errand { visit, seen, .. } = errand;
    let settings = visit.pages.settings();
    let errand = match errand.stale() {
        Ok((answer, refresh)) => {
            let (page, asked) = (visit.page, request.clone());
            let tell = move |render: &mut _| tell(render, &page, seen, &asked);
            background::render(refresh, handler, tell);
            return fill(answer, false, request, settings);
        }
        Err(errand) => errand,
    };
    let handler =
        |request| async move { caught(handler).await.map(|response| (response, request)) };
    let (response, is_for_nobody) = match through(errand, None, request, handler).await {
        Ok(answered) => {
            if answered.is_kept {
                seen.warn_of_visitors(request, settings);
            }
            (answered.response, answered.is_for_nobody)
        }
        Err(Failed { failure, copy }) => (copy.unwrap_or_else(|| failure.resume()), false),
    };
    fill(response, is_for_nobody, request, settings)
}
