//! The variant of a request, for handlers.

use std::future::{Ready, ready};
use std::time::SystemTime;

use actix_web::dev::Payload;
use actix_web::error::ErrorInternalServerError;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest};

use super::find::found;
use crate::cache::PageCache;
use crate::vary::Values;

/// What a page is rendered for: the value of each [`Vary`](crate::Vary) rule, the very
/// one that stands in the page's key.
///
/// An extractor, in handlers that are cached and in others alike. Read what a page
/// varies by here and nowhere else: a handler that looks into a cookie by itself may see
/// another value than nginx does, and its page is then stored for the wrong visitors.
///
/// ```
/// use actix_web::{App, Responder, get, web};
/// use djanginxed_runtime::{PageCache, Variant, Vary};
///
/// #[get("/")]
/// async fn greeting(variant: Variant) -> impl Responder {
///     web::Html::new(match variant.get("language") {
///         Some("de") => "<h1>Hallo</h1>",
///         _ => "<h1>Hello</h1>",
///     })
/// }
///
/// # fn main() -> Result<(), djanginxed_runtime::ConfigError> {
/// let pages = PageCache::builder().vary(Vary::language(["en", "de"])).build()?;
/// App::new().service(greeting).app_data(pages);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Variant {
    known: Known,
}

impl Variant {
    /// The value of a rule: `language`, `mobile`, or the name of a cookie or header as it
    /// was declared. None where no such rule is declared.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let Known { pages, values } = &self.known;
        values.get(pages.settings().vary.position(name)?)
    }
}

/// What was worked out for a request, once: what depends on the time does not change
/// on the way.
#[derive(Clone, Debug)]
struct Known {
    pages: PageCache,
    values: Values,
}

/// The values of the rules of `pages` for a request.
pub(super) fn values_of(request: &HttpRequest, pages: &PageCache) -> Values {
    let rules = &pages.settings().vary;
    if rules.is_empty() {
        return Values::default();
    }
    if let Some(known) = request.extensions().get::<Known>()
        && known.pages.is(pages)
    {
        return known.values.clone();
    }
    let values = rules.of(request.headers(), SystemTime::now());
    request.extensions_mut().insert(Known {
        pages: pages.clone(),
        values: values.clone(),
    });
    values
}

impl FromRequest for Variant {
    type Error = Error;
    type Future = Ready<Result<Variant, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(variant(request))
    }
}

fn variant(request: &HttpRequest) -> Result<Variant, Error> {
    let around = request.extensions().get::<Known>().cloned();
    let pages = match (around, found(request)) {
        // The cache of a middleware, which need not be in the application's data.
        (Some(known), None) => return Ok(Variant { known }),
        (Some(known), Some(pages)) if !known.pages.is(pages) => {
            tracing::error!(
                route = request.match_pattern(),
                "a handler gets no Variant, because a middleware's cache with rules of its own \
                 is not that of app_data"
            );
            return Err(ErrorInternalServerError("two page caches"));
        }
        (_, Some(pages)) => pages,
        (None, None) => {
            tracing::error!(
                route = request.match_pattern(),
                "a handler gets no Variant, because its application has no PageCache: add \
                 `.app_data(pages.clone())` to the App"
            );
            return Err(ErrorInternalServerError("no page cache"));
        }
    };
    let known = Known {
        pages: pages.clone(),
        values: values_of(request, pages),
    };
    Ok(Variant { known })
}
