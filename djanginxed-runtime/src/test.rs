//! For tests of an application whose pages are cached: what was stored, what was a hit,
//! what was refused and why, and what is there tomorrow.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use actix_http::Request;
use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::test::TestRequest;
use actix_web::web::Bytes;
use actix_web::{Error, HttpResponse};

use crate::cache::{PageCache, PageCacheBuilder};
use crate::clock::Clock;
use crate::config_error::ConfigError;
use crate::settings::Settings;

/// A cache in memory for a test, with a clock that the test turns. It does not need
/// Memcached, nor nginx, nor a network.
///
/// ```
/// use std::time::Duration;
///
/// use actix_web::{App, HttpResponse, test, web};
/// use djanginxed_runtime::test::Pages;
///
/// # #[actix_web::main]
/// # async fn main() {
/// let pages = Pages::new();
/// let articles = web::scope("/articles")
///     .route("/{id}", web::get().to(async |id: web::Path<u32>| {
///         HttpResponse::Ok().content_type("text/html").body(format!("<h1>{id}</h1>"))
///     }))
///     .wrap(pages.cache().cache(900).tags(["articles"]));
/// let app = App::new().app_data(pages.cache()).service(articles);
/// let app = test::init_service(app).await;
///
/// pages.get(&app, "/articles/1").await.assert_stored();
/// pages.get(&app, "/articles/1").await.assert_hit().assert_tags(["articles"]);
/// pages.get(&app, "/articles/one").await.assert_skipped("status");
///
/// pages.advance(Duration::from_secs(900));
/// pages.get(&app, "/articles/1").await.assert_stored();
/// # }
/// ```
///
/// Responses are those of the application: what nginx adds to its hits and takes from
/// them, `djanginxed check` looks at on the running site.
#[derive(Clone, Debug)]
pub struct Pages {
    cache: PageCache,
}

impl Default for Pages {
    fn default() -> Pages {
        Pages::new()
    }
}

impl Pages {
    /// A cache with the default settings.
    #[must_use]
    pub fn new() -> Pages {
        Pages {
            cache: noted(Settings::default()),
        }
    }

    /// A cache with settings of its own, such as a bypass cookie. Servers that they name
    /// are not asked: pages are kept in memory. Nor is the environment.
    ///
    /// # Errors
    /// As [`PageCacheBuilder::build`] has them.
    pub fn build(settings: PageCacheBuilder) -> Result<Pages, ConfigError> {
        Ok(Pages {
            cache: noted(settings.checked_in_memory()?),
        })
    }

    /// The cache, for the application's `app_data`.
    #[must_use]
    pub fn cache(&self) -> PageCache {
        self.cache.clone()
    }

    /// Turns the clock forward: what lives no longer than this is gone.
    pub fn advance(&self, by: Duration) {
        self.cache.settings().clock.turn(by);
    }

    /// Sends a GET for `target` to `app`, which
    /// [`init_service`](actix_web::test::init_service) makes, and reads the answer to
    /// its end.
    pub async fn get<S, B>(&self, app: &S, target: &str) -> Answer
    where
        S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody,
    {
        self.send(app, TestRequest::get().uri(target)).await
    }

    /// Sends any request, and reads the answer to its end.
    ///
    /// ```
    /// # use actix_web::{App, HttpResponse, cookie::Cookie, test, web};
    /// # use djanginxed_runtime::{PageCache, test::Pages};
    /// # #[actix_web::main]
    /// # async fn main() -> Result<(), djanginxed_runtime::ConfigError> {
    /// let pages = Pages::build(PageCache::builder().bypass_cookie("sessionid"))?;
    /// # let handler = web::to(async || HttpResponse::Ok().content_type("text/html").body("page"));
    /// let app = App::new().default_service(handler).wrap(pages.cache().cache(60));
    /// let app = test::init_service(app).await;
    /// let request = test::TestRequest::get().uri("/").cookie(Cookie::new("sessionid", "1"));
    /// pages.send(&app, request).await.assert_skipped("cookie");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send<S, B>(&self, app: &S, request: TestRequest) -> Answer
    where
        S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody,
    {
        let request = request.to_request();
        let target = request.uri().path_and_query();
        let target = target.map_or("", |target| target.as_str()).to_owned();
        let answered = match app.call(request).await {
            Ok(response) => read(response.into_parts().1).await,
            Err(error) => read(HttpResponse::from_error(error)).await,
        };
        let outcome = answered.headers.get_all("cache-status");
        let said = outcome.filter_map(|line| line.to_str().ok());
        let said = said.collect::<Vec<_>>().join(", ");
        let outcome = self.outcome(&target, &said);
        let is_stored = matches!(outcome, Outcome::Stored | Outcome::Hit | Outcome::Stale);
        Answer {
            tags: is_stored.then(|| self.tags(&target)).flatten(),
            outcome,
            said,
            target,
            ..answered
        }
    }

    /// What Cache-Status says; of a stream, whose head does not know it, what came of it.
    fn outcome(&self, target: &str, said: &str) -> Outcome {
        let mut all = said.rsplit(',').map(str::trim);
        let Some(own) = all.find(|one| one.starts_with("djanginxed")) else {
            return Outcome::None;
        };
        let mut parameters = own.split(';').map(str::trim);
        if parameters.clone().any(|one| one == "hit") {
            return match parameters.any(|one| one.starts_with("ttl=-")) {
                true => Outcome::Stale,
                false => Outcome::Hit,
            };
        }
        let detail = parameters.clone();
        let detail = detail.rev().find_map(|one| one.strip_prefix("detail="));
        if let Some(reason) = detail {
            return Outcome::Skipped(reason.to_owned());
        }
        match parameters.next_back() {
            Some("stored") => Outcome::Stored,
            Some("collapsed") => Outcome::Collapsed,
            Some("fwd=method") => Outcome::Skipped("method".to_owned()),
            _ => self.outcome_of_stream(target),
        }
    }

    /// Those that the page of a target was stored with the last time.
    fn tags(&self, target: &str) -> Option<Vec<String>> {
        let all = self.cache.outcomes().all();
        let own = all.into_iter().find(|outcome| outcome.target == target)?;
        Some(own.tags)
    }

    fn outcome_of_stream(&self, target: &str) -> Outcome {
        let all = self.cache.outcomes().all();
        let own = all.iter().find(|outcome| outcome.target == target);
        match own.map(|outcome| outcome.refused) {
            Some(Some(reason)) => Outcome::Skipped(reason.to_owned()),
            Some(None) => Outcome::Stored,
            None => Outcome::None,
        }
    }
}

/// A cache whose clock can be turned, and which notes what becomes of its pages.
fn noted(settings: Settings) -> PageCache {
    let cache = PageCache::new(Settings {
        clock: Clock::to_turn(),
        // It is what a test reads.
        cache_status: true,
        ..settings
    });
    cache.outcomes().want();
    cache
}

async fn read<B: MessageBody>(response: HttpResponse<B>) -> Answer {
    let (head, body) = response.into_parts();
    Answer {
        status: head.status(),
        headers: head.headers().clone(),
        body: to_bytes(body)
            .await
            .map_err(|error| error.into().to_string()),
        target: String::new(),
        said: String::new(),
        outcome: Outcome::None,
        tags: None,
    }
}

/// What the cache did.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Stored,
    Hit,
    /// It was there, and its time was over.
    Stale,
    /// Answered with the render of another request.
    Collapsed,
    /// For this reason.
    Skipped(String),
    /// The cache had no part.
    None,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Stored => f.write_str("it was stored"),
            Outcome::Hit => f.write_str("it was a hit"),
            Outcome::Stale => f.write_str("it was a hit that is stale"),
            Outcome::Collapsed => f.write_str("it was another request's render"),
            Outcome::Skipped(reason) => write!(f, "it was skipped: {reason:?}"),
            Outcome::None => f.write_str(
                "the cache had no part in it: is its handler annotated or inside of the \
                 middleware, and the cache given to the application?",
            ),
        }
    }
}

/// An answer of the application, and what the cache did for it.
#[derive(Clone, Debug)]
pub struct Answer {
    target: String,
    status: StatusCode,
    headers: HeaderMap,
    body: Result<Bytes, String>,
    /// Cache-Status, of all caches.
    said: String,
    outcome: Outcome,
    /// Of a page that is stored.
    tags: Option<Vec<String>>,
}

impl Answer {
    /// The page was rendered, and is stored.
    ///
    /// # Panics
    /// It is not; the message says what was done instead.
    #[track_caller]
    pub fn assert_stored(&self) -> &Answer {
        self.assert(&Outcome::Stored, "stored")
    }

    /// The page was there, its time was over, and it is given out while it is rendered
    /// anew.
    ///
    /// # Panics
    /// It was not so; the message says what was done instead.
    #[track_caller]
    pub fn assert_stale(&self) -> &Answer {
        self.assert(&Outcome::Stale, "stale")
    }

    /// The page was there, as new as it is to be.
    ///
    /// # Panics
    /// It was not; the message says what was done instead.
    #[track_caller]
    pub fn assert_hit(&self) -> &Answer {
        self.assert(&Outcome::Hit, "a hit")
    }

    /// The request took no part, or its response was not stored, for `reason`: a word of
    /// the table in the crate's documentation.
    ///
    /// # Panics
    /// It was not so; the message says what was done instead.
    #[track_caller]
    pub fn assert_skipped(&self, reason: &str) -> &Answer {
        let wanted = Outcome::Skipped(reason.to_owned());
        self.assert(&wanted, &format!("skipped: {reason:?}"))
    }

    /// The page has these tags, in any order, and no others; of a hit, those that it was
    /// stored with.
    ///
    /// # Panics
    /// It has others, or is not stored; the message says so.
    #[track_caller]
    pub fn assert_tags<'a>(&self, tags: impl IntoIterator<Item = &'a str>) -> &Answer {
        let Some(own) = &self.tags else {
            panic!("{} is to have tags, but {}", self.target, self.outcome);
        };
        let wanted: BTreeSet<_> = tags.into_iter().collect();
        let own: BTreeSet<_> = own.iter().map(String::as_str).collect();
        assert!(
            own == wanted,
            "{} is to have the tags {wanted:?}, but it has {own:?}",
            self.target
        );
        self
    }

    #[track_caller]
    fn assert(&self, wanted: &Outcome, name: &str) -> &Answer {
        assert!(
            self.outcome == *wanted,
            "{} is to be {name}, but {} (status {}, Cache-Status: {:?})",
            self.target,
            self.outcome,
            self.status,
            self.said,
        );
        self
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// A header's value, the first of several.
    ///
    /// # Panics
    /// It has other characters than visible ASCII.
    #[must_use]
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers.get(name)?;
        match value.to_str() {
            Ok(value) => Some(value),
            Err(_) => panic!("{}: {name} is no ASCII: {value:?}", self.target),
        }
    }

    /// The body.
    ///
    /// # Panics
    /// Its stream failed.
    #[must_use]
    #[track_caller]
    pub fn body(&self) -> &[u8] {
        match &self.body {
            Ok(body) => body,
            Err(error) => panic!("{}: the body failed: {error}", self.target),
        }
    }

    /// The body as text.
    ///
    /// # Panics
    /// Its stream failed, or it is not UTF-8.
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> &str {
        match str::from_utf8(self.body()) {
            Ok(text) => text,
            Err(error) => panic!("{}: the body is no text: {error}", self.target),
        }
    }
}
