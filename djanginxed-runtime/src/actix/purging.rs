//! A handler that changes what pages show.

use std::future::Future;
use std::time::Duration;

use actix_web::HttpRequest;
use djanginxed_rules::{MAX_TAGS, are_tag_templates};
use tokio::time::timeout;

use super::find::cache_of;
use super::rendering::Rendering;
use super::serve::Served;
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
        assert!(
            are_tag_templates(tags),
            "a tag is 1 to 1,024 visible ASCII characters, in which `{{name}}` stands for a \
             segment of the route"
        );
        PurgedTags(tags)
    }
}

/// Runs `handler`, and purges what it has changed.
pub async fn purge_after<R>(
    tags: PurgedTags,
    request: HttpRequest,
    handler: Rendering<impl Future<Output = R>, R>,
) -> Served<R> {
    let response = handler.response(request.clone()).await;
    let status = response.status();
    if (status.is_success() || status.is_redirection())
        && let Some(pages) = cache_of(&request)
    {
        purge(pages, tags, &request).await;
    }
    Served::new(response)
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
        observe::change_not_purged(route.as_deref(), &fault, false);
    }
    if whole.is_empty() {
        return;
    }
    // Its visitor has what the handler says; nobody else could ask for it again.
    let purge = pages.purge_until_done(Purge::tags(whole));
    let failures = match timeout(LONGEST, purge).await {
        Ok(Ok(purged)) => purged.failures,
        Ok(Err(failure)) => vec![failure],
        Err(_) => return observe::change_purge_goes_on(route.as_deref()),
    };
    let lasting = failures.iter().find(|failure| !failure.may_pass());
    if let Some(failure) = lasting.or(failures.first()) {
        observe::change_not_purged(route.as_deref(), failure, failure.may_pass());
    }
}
