//! A handler that changes what pages show.

use std::future::Future;
use std::marker::PhantomData;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::{HttpRequest, HttpResponse, Responder};
use djanginxed_rules::{MAX_TAGS, is_tag_template};
use tokio::time::timeout;

use super::find::cache_of;
use crate::cache::{PageCache, Purge};
use crate::observe;
use crate::tag::filled;

/// A visitor waits no longer for a purge.
const LONGEST: Duration = Duration::from_secs(5);

/// The tags of the pages that a handler changes.
#[derive(Clone, Copy, Debug)]
pub struct PurgedTags(&'static [&'static str]);

impl PurgedTags {
    /// Tags in which `{name}` stands for a segment of the route.
    #[must_use]
    #[track_caller]
    pub const fn new(tags: &'static [&'static str]) -> PurgedTags {
        assert!(
            tags.len() <= MAX_TAGS,
            "a handler purges at most 1,000 tags"
        );
        let mut at = 0;
        while at < tags.len() {
            assert!(
                is_tag_template(tags[at]),
                "a tag is 1 to 1,024 visible ASCII characters, in which `{{name}}` stands for a \
                 segment of the route"
            );
            at += 1;
        }
        PurgedTags(tags)
    }
}

/// What such a handler returns: its response, under the type it declares.
pub struct Purging<R> {
    response: HttpResponse,
    declared: PhantomData<fn() -> R>,
}

impl<R> Responder for Purging<R> {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        self.response
    }
}

/// Runs `handler`, and purges what it has changed.
pub async fn purge_after<R: Responder + 'static>(
    tags: PurgedTags,
    request: HttpRequest,
    handler: impl Future<Output = R>,
) -> Purging<R> {
    let response = handler.await.respond_to(&request).map_into_boxed_body();
    let status = response.status();
    if (status.is_success() || status.is_redirection())
        && let Some(pages) = cache_of(&request)
    {
        purge(pages, tags, &request).await;
    }
    Purging {
        response,
        declared: PhantomData,
    }
}

async fn purge(pages: &PageCache, tags: PurgedTags, request: &HttpRequest) {
    let route = request.match_pattern();
    let segments = request.match_info();
    let fill = |template: &&str| filled(template, |name| segments.get(name));
    let (mut whole, mut fault) = (Vec::with_capacity(tags.0.len()), None);
    for tag in tags.0.iter().map(fill) {
        match tag {
            Ok(tag) => whole.push(tag),
            Err(wrong) => fault = Some(wrong),
        }
    }
    if let Some(fault) = fault {
        observe::change_not_purged(route.as_deref(), &fault);
    }
    if whole.is_empty() {
        return;
    }
    match timeout(LONGEST, pages.purge(Purge::tags(whole))).await {
        Ok(Ok(purged)) => {
            if let Some(failure) = purged.failures.first() {
                observe::change_not_purged(route.as_deref(), failure);
            }
        }
        Ok(Err(error)) => observe::change_not_purged(route.as_deref(), &error),
        Err(_) => observe::change_not_purged(route.as_deref(), &"it takes too long, and goes on"),
    }
}
