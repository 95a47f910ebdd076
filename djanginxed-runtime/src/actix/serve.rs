//! An annotated handler's request.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::pin;

use actix_web::body::BoxBody;
use actix_web::{HttpRequest, HttpResponse, Responder};

use super::background;
use super::fill::fill;
use super::find::cache_of;
use super::incoming::Incoming;
use super::panic::caught;
use super::rendering::Rendering;
use super::seen::Seen;
use super::through::{Entrance, Failed, decide, enter, tell, through};
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
pub async fn serve<R: 'static>(
    page: Page,
    seen: &'static Seen,
    incoming: Incoming,
    handler: Rendering<impl Future<Output = R> + 'static, R>,
) -> Served<R> {
    let Incoming {
        request,
        has_content,
    } = incoming;
    let asked = request.clone();
    let handler = async move { handler.response(&asked).await };
    let response = match cache_of(&request) {
        None => handler.await,
        Some(pages) => {
            let entered = enter(Entrance {
                pages,
                page,
                seen,
                request: &request,
                has_content,
                takes_part: true,
            });
            let mut decided = decide(entered).await;
            let (response, is_for_nobody) = match decided.stale() {
                Some((answer, refresh)) => {
                    let rendered_for = request.clone();
                    let tell = move |render: &mut _| tell(render, &page, seen, &rendered_for);
                    background::render(refresh, handler, tell);
                    (answer, false)
                }
                None => {
                    // The way there moves it about, and a handler may be large.
                    let handler = pin!(handler);
                    let handler = |request| async move {
                        caught(handler).await.map(|response| (response, request))
                    };
                    match through(decided, None, &request, handler).await {
                        Ok(answered) => {
                            if answered.is_kept {
                                seen.warn_of_visitors(&request, pages.settings());
                            }
                            (answered.response, answered.is_for_nobody)
                        }
                        Err(Failed { failure, copy }) => {
                            (copy.unwrap_or_else(|| failure.resume()), false)
                        }
                    }
                }
            };
            fill(response, is_for_nobody, &request, pages.settings())
        }
    };
    Served::new(response)
}
