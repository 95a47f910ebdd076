//! Which cache is a request's.

use std::future::{Ready, ready};
use std::sync::Once;

use actix_web::dev::Payload;
use actix_web::error::ErrorInternalServerError;
use actix_web::{FromRequest, HttpRequest, web};

use crate::cache::PageCache;

/// The cache of the application, or of the nearest scope, that `request` was
/// routed by.
pub(super) fn cache_of(request: &HttpRequest) -> Option<&PageCache> {
    let found = find(request);
    found.map_err(|unknown| unknown.log(request)).ok()
}

/// The same, of which nothing is said where there is none.
pub(super) fn found(request: &HttpRequest) -> Option<&PageCache> {
    find(request).ok()
}

fn find(request: &HttpRequest) -> Result<&PageCache, Unknown> {
    let plain = request.app_data::<PageCache>();
    let data = request.app_data::<web::Data<PageCache>>();
    match (plain, data.map(|data| &***data)) {
        (Some(plain), Some(data)) if !plain.is(data) => Err(Unknown::TwoWays),
        (plain, data) => plain.or(data).ok_or(Unknown::Missing),
    }
}

/// Why it is not known which cache is a request's.
#[derive(Clone, Copy, Debug, thiserror::Error)]
enum Unknown {
    #[error("its application has no PageCache: add `.app_data(pages.clone())` to the App")]
    Missing,
    /// actix-web does not tell which of two types of data is nearer.
    #[error(
        "it has two caches, one as PageCache and one as web::Data<PageCache>, and which is \
         nearer cannot be told: give both to app_data in the same way"
    )]
    TwoWays,
}

impl Unknown {
    /// Once each, since every request of the page would say it.
    fn log(self, request: &HttpRequest) {
        static MISSING: Once = Once::new();
        static TWO_WAYS: Once = Once::new();
        let once = match self {
            Unknown::Missing => &MISSING,
            Unknown::TwoWays => &TWO_WAYS,
        };
        once.call_once(|| {
            let route = request.match_pattern();
            tracing::error!(route, "a page is not cached, because {self}");
        });
    }
}

/// A handler's own handle, to delete pages: given to the application or to a scope
/// with `app_data`, whether as it is or as [`web::Data`].
impl FromRequest for PageCache {
    type Error = actix_web::Error;
    type Future = Ready<Result<PageCache, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = find(request).cloned();
        ready(found.map_err(|unknown| {
            let route = request.match_pattern();
            tracing::error!(route, "a handler gets no PageCache, because {unknown}");
            ErrorInternalServerError("no PageCache")
        }))
    }
}
