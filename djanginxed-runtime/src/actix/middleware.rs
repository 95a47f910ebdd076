//! The cache as a middleware: of an application, a scope or a resource.

use std::borrow::Cow;
use std::fmt;
use std::future::{Future, Ready, ready};
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::error::InternalError;
use actix_web::http::Method;
use actix_web::{Error, HttpRequest};

use djanginxed_rules::MAX_TIMEOUT;

use super::around::Around;
use super::fill::{Visitor, fill, fill_for};
use super::incoming::has_content;
use super::seen::Seen;
use super::through::{Answered, Decided, Entrance, Failed, enter, through};
use crate::cache::PageCache;
use crate::page::Page;
use crate::request::is_plainly_spelt;
use crate::settings::Settings;
use crate::sync::Arc;

/// A middleware that caches the pages of all that is inside: made by
/// [`PageCache::cache`], given to `wrap` of an `App`, a scope or a resource.
///
/// ```
/// # use actix_web::{App, web};
/// # fn main() -> Result<(), djanginxed_runtime::ConfigError> {
/// # let pages = djanginxed_runtime::PageCache::builder().build()?;
/// let blog = web::scope("/blog")
///     .wrap(pages.cache(900).key_prefix("blog"))
///     .route("/{article}", web::get().to(async || web::Html::new("<h1>An article</h1>")));
/// App::new().service(blog);
/// # Ok(())
/// # }
/// ```
///
/// It does for them what `#[cache_page]` does for one handler, and judges the response
/// as it comes from inside: a cookie or a `no-store` of a middleware inside is seen, what
/// middleware outside adds is not, and is not on nginx's hits. On `App`, the `wrap` that
/// is called last is outermost.
///
/// What is nearer to the handler goes first: a handler with `#[cache_page]` inside is
/// cached as its attribute says, a scope inside as its own middleware says, and this one
/// takes no part. Its lookup has been made by then, so leave out what has its own.
///
/// # Beside other middleware
///
/// | middleware | outside of this one | inside |
/// |---|---|---|
/// | `Compress` | packs pages and hits alike | what it packs is not stored (`content-encoding`) |
/// | `Logger` | logs the application's own hits too | makes a stream of each body: stored at its end, and nobody waits for another's render |
/// | `NormalizePath` | hides the target as sent: nginx does not find what is stored under another | nginx finds it |
/// | actix-session, actix-identity | a page is stored before the cookie is set, and hits lack it | the cookie is seen (`set-cookie`); a session that is only read is not |
/// | actix-cors | nginx's hits lack its fields | responses have `Vary: Origin` and are not stored (`vary`) |
///
/// So `Compress` and `Logger` belong outside, `NormalizePath` and sessions inside, and a
/// session's cookie is named with
/// [`bypass_cookie`](crate::PageCacheBuilder::bypass_cookie) in any case.
///
/// The cache given here is the one that is used, whatever `app_data` has.
#[derive(Clone)]
#[must_use = "it does nothing until it is given to `wrap`"]
pub struct ScopeCache {
    pages: PageCache,
    page: Page,
    seen: &'static Seen,
    when: Option<When>,
}

type When = Arc<dyn Fn(&ServiceRequest) -> bool + Send + Sync>;

impl fmt::Debug for ScopeCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeCache")
            .field("page", &self.page)
            .finish_non_exhaustive()
    }
}

impl PageCache {
    /// A middleware that caches the pages of all that is inside for `timeout` seconds, 1
    /// to 315,360,000: see [`ScopeCache`].
    ///
    /// # Panics
    /// The timeout is not one of these.
    #[track_caller]
    pub fn cache(&self, timeout: u32) -> ScopeCache {
        assert!(
            (1..=MAX_TIMEOUT).contains(&timeout),
            "a timeout of {timeout} seconds: use 1 to {MAX_TIMEOUT} (ten years); to switch the \
             cache off, take `.wrap(pages.cache(…))` away"
        );
        ScopeCache {
            pages: self.clone(),
            page: Page::new(timeout),
            seen: Seen::at(Location::caller()),
            when: None,
        }
    }
}

impl ScopeCache {
    /// The key prefix of these pages: 1 to 64 of `A-Z a-z 0-9 . _ : -`; by default that
    /// of the cache. nginx's file must know it.
    ///
    /// # Panics
    /// The prefix is not one of these.
    #[track_caller]
    pub fn key_prefix(self, prefix: impl Into<Cow<'static, str>>) -> ScopeCache {
        ScopeCache {
            page: self.page.with_key_prefix(prefix.into()),
            ..self
        }
    }

    /// The media type of these pages; by default `text/html`. With
    /// [`Layout::Body`](crate::Layout::Body) what is of another type is not stored
    /// (`content-type`), since nginx gives all pages of a prefix one type.
    ///
    /// # Panics
    /// It is not a media type without parameters.
    #[track_caller]
    pub fn content_type(self, media_type: impl Into<Cow<'static, str>>) -> ScopeCache {
        ScopeCache {
            page: self.page.with_content_type(media_type.into()),
            ..self
        }
    }

    /// For how many seconds after their timeout these pages may still be given out; by
    /// default that of the cache: see
    /// [`PageCacheBuilder::stale`](crate::PageCacheBuilder::stale). The first who asks
    /// for such a page waits for the new one, the others get what there is.
    ///
    /// # Panics
    /// More than ten years, 315,360,000 seconds.
    #[track_caller]
    pub fn stale(self, seconds: u32) -> ScopeCache {
        ScopeCache {
            page: self.page.stale(seconds),
            ..self
        }
    }

    /// For how many seconds after their timeout these pages are given out in place of an
    /// error; by default that of the cache: see
    /// [`PageCacheBuilder::stale_if_error`](crate::PageCacheBuilder::stale_if_error). What
    /// panics inside is not an error here: nginx answers then.
    ///
    /// # Panics
    /// More than ten years, 315,360,000 seconds.
    #[track_caller]
    pub fn stale_if_error(self, seconds: u32) -> ScopeCache {
        ScopeCache {
            page: self.page.stale_if_error(seconds),
            ..self
        }
    }

    /// The tags of these pages, by which they are purged: see
    /// [`PageCache::purge`]. `{name}` stands for a segment of the route that a request was
    /// routed by.
    ///
    /// # Panics
    /// One is not 1 to 1,024 visible ASCII characters, or there are more than 1,000.
    #[track_caller]
    pub fn tags(self, tags: impl IntoIterator<Item = impl Into<Cow<'static, str>>>) -> ScopeCache {
        ScopeCache {
            page: self
                .page
                .with_tags(tags.into_iter().map(Into::into).collect()),
            ..self
        }
    }

    /// The query parameters that these pages know; by default those of the cache: see
    /// [`PageCacheBuilder::query`](crate::PageCacheBuilder::query). A request with another
    /// one takes no part (`fwd=bypass; detail=query`), so that what an edit deletes is all
    /// that is stored. `/a?` has another one, too, without a name.
    ///
    /// # Panics
    /// One is not 1 to 64 of `A-Z a-z 0-9 . _ -`.
    #[track_caller]
    pub fn query(
        self,
        names: impl IntoIterator<Item = impl Into<Cow<'static, str>>>,
    ) -> ScopeCache {
        ScopeCache {
            page: self
                .page
                .with_query(names.into_iter().map(Into::into).collect()),
            ..self
        }
    }

    /// Which requests take part; by default all. A request that does not is answered
    /// from inside (`fwd=bypass; detail=when`), and no cache around this one takes it
    /// either. A second call goes before the first.
    ///
    /// A path in another spelling than a browser's, such as `/%65dit` for `/edit`, takes no
    /// part where there is a `when`, since actix finds its route by the decoded path and
    /// `request.path()` is the path as sent.
    ///
    /// **nginx does not ask `when`**: it answers what is stored to everybody. So let it
    /// choose by the target. What a cookie or a header decides belongs into
    /// [`bypass_cookie`](crate::PageCacheBuilder::bypass_cookie) and
    /// [`bypass_header`](crate::PageCacheBuilder::bypass_header), which nginx knows too.
    ///
    /// ```
    /// # fn main() -> Result<(), djanginxed_runtime::ConfigError> {
    /// # let pages = djanginxed_runtime::PageCache::builder().build()?;
    /// let cache = pages.cache(60).when(|request| !request.path().starts_with("/admin"));
    /// # let _ = cache;
    /// # Ok(())
    /// # }
    /// ```
    pub fn when(
        self,
        when: impl Fn(&ServiceRequest) -> bool + Send + Sync + 'static,
    ) -> ScopeCache {
        ScopeCache {
            when: Some(Arc::new(when)),
            ..self
        }
    }

    fn takes(&self, request: &ServiceRequest) -> bool {
        self.when
            .as_ref()
            .is_none_or(|when| is_plainly_spelt(request.path()) && when(request))
    }
}

impl<S, B> Transform<S, ServiceRequest> for ScopeCache
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type InitError = ();
    type Transform = Cached<S>;
    type Future = Ready<Result<Cached<S>, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(Cached {
            inner: Rc::new(Inner {
                cache: self.clone(),
                service,
            }),
        }))
    }
}

/// A service whose pages are cached.
#[derive(Debug)]
pub struct Cached<S> {
    inner: Rc<Inner<S>>,
}

#[derive(Debug)]
struct Inner<S> {
    cache: ScopeCache,
    service: S,
}

impl<S, B> Service<ServiceRequest> for Cached<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>>>>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.service.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let inner = Rc::clone(&self.inner);
        Box::pin(async move { inner.answer(request).await })
    }
}

impl<S, B> Inner<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    async fn answer(&self, request: ServiceRequest) -> Result<ServiceResponse, Error> {
        let cache = &self.cache;
        let takes_part = cache.takes(&request);
        let (request, mut payload) = request.into_parts();
        let mut entered = enter(Entrance {
            pages: &cache.pages,
            page: cache.page,
            seen: cache.seen,
            request: &request,
            has_content: asks_with_content(&request, &mut payload),
            takes_part,
        });
        let around = Around::leave_in(&request, &entered.visit);
        let settings = cache.pages.settings();
        let mut visitor = None;
        // A scope inside cannot be entered by a request of which there is a second
        // handle, so there is none while the service has it.
        let inside = |request| {
            // What fails inside does not give the request back.
            if settings.parts && cache.pages.has_copies() {
                visitor = Some(Visitor::of(&request, settings));
            }
            let request = ServiceRequest::from_parts(request, payload);
            async {
                let (request, response) = self.service.call(request).await?.into_parts();
                Ok::<_, Error>((response.map_into_boxed_body(), request))
            }
        };
        let answered = match entered.decide().await {
            Decided::Answer(response) => Answered::with(response, request),
            Decided::Handle(handling) => {
                let errand = entered.errand(handling);
                match Box::pin(through(errand, Some(&around), request, inside)).await {
                    Ok(answered) => answered,
                    Err(failed) => return Err(in_place_of(failed, visitor, settings)),
                }
            }
        };
        if answered.is_kept {
            cache.seen.warn_of_visitors(&answered.carried, settings);
        }
        let request = answered.carried;
        let response = fill(
            answered.response,
            answered.is_for_nobody,
            &request,
            settings,
        );
        Ok(ServiceResponse::new(request, response))
    }
}

/// The error that what is inside has returned, or the copy of the page in its place.
fn in_place_of(failed: Failed<Error>, visitor: Option<Visitor>, settings: &Settings) -> Error {
    let Failed { failure, copy } = failed;
    let copy = match (copy, visitor) {
        (Some(copy), Some(visitor)) => Some(fill_for(copy, || visitor, settings)),
        // Nobody gets parts that are not filled.
        (copy, None) => copy.filter(|_| !settings.parts),
        (None, _) => None,
    };
    match copy {
        Some(copy) => InternalError::from_response(failure, copy).into(),
        None => failure,
    }
}

/// Whether content comes with a request that asks for a page; that of others, which may
/// be an upload, is not looked at.
fn asks_with_content(request: &HttpRequest, payload: &mut Payload) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD) && has_content(payload)
}
