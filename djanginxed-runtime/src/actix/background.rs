//! A stale page is rendered anew behind the back of the visitor who has it already.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::rt;
use tokio::time::timeout;

use super::cached_page::Shared;
use super::tee;
use crate::refresh::Refresh;

/// A render that takes longer is given up, and the page stays as it is.
const LONGEST: Duration = Duration::from_secs(60);

/// Renders a page in a task of its own, on the worker of the visitor whose request
/// `handler` has, if no other process does so; `notes` are what the page says of itself
/// when it is rendered.
pub(super) fn render(
    refresh: Refresh,
    handler: impl Future<Output = HttpResponse> + 'static,
    notes: impl FnOnce() -> Option<Shared> + 'static,
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
            render.note(notes());
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
