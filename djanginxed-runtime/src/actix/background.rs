//! A stale page is rendered anew behind the back of the visitor who has it already.

use std::future::{Future, poll_fn};
use std::pin::Pin;

use actix_web::HttpResponse;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::rt;
use tokio::time::timeout;

use super::tee;
use crate::cache::refreshing::LONGEST;
use crate::refresh::Refresh;
use crate::render::Render;

/// Renders a page in a task of its own, on the worker of the visitor whose request
/// `handler` has, if no other process does so; `tell` says what is known of the request
/// when the handler has run.
pub(super) fn render(
    refresh: Refresh,
    handler: impl Future<Output = HttpResponse> + 'static,
    tell: impl FnOnce(&mut Render) + 'static,
) {
    rt::spawn(async move {
        let Refresh {
            mut render,
            mut turn,
        } = refresh;
        if !turn.is_ours().await {
            return;
        }
        let rendered = async {
            let response = handler.await;
            tell(&mut render);
            let status = response.status();
            let rendered = tee::finish(render, response);
            read(rendered.response.into_body()).await;
            (status, rendered.is_kept)
        };
        if let Ok((status, is_kept)) = timeout(LONGEST, rendered).await {
            turn.end(status, is_kept).await;
        }
    });
}

/// Reads a body to its end, as a visitor would: it is stored when it ends.
async fn read(body: BoxBody) {
    let mut body = std::pin::pin!(body);
    while let Some(Ok(_)) = poll_fn(|context| Pin::as_mut(&mut body).poll_next(context)).await {}
}
