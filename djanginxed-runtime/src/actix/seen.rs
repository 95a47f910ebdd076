//! What is said of a page, once.

use std::collections::HashMap;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderValue};

use crate::layout::Layout;
use crate::observe;
use crate::page::Page;
use crate::policy;
use crate::reason::Reason;
use crate::request::cookie_names;
use crate::settings::Settings;
use crate::sync::{Mutex, lock};
use crate::tag::TagFault;
use crate::vary::Rules;

/// What has been said of a page, which is said once.
#[derive(Debug)]
pub struct Seen {
    settings: AtomicBool,
    cookies: AtomicBool,
    tags: AtomicBool,
    refusals: AtomicBool,
    /// That its handler takes an extractor of what is each visitor's own.
    visitors: AtomicBool,
    /// The extractor's name.
    extractor: Option<&'static str>,
}

impl Seen {
    /// A page that has not been asked for yet.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "only the macro's expansion makes one, in a static"
    )]
    pub const fn new() -> Seen {
        Seen {
            settings: AtomicBool::new(false),
            cookies: AtomicBool::new(false),
            tags: AtomicBool::new(false),
            refusals: AtomicBool::new(false),
            visitors: AtomicBool::new(false),
            extractor: None,
        }
    }

    /// The same of a handler that takes `extractor`, which is each visitor's own.
    #[must_use]
    pub const fn of_visitors(extractor: &'static str) -> Seen {
        let mut seen = Seen::new();
        seen.extractor = Some(extractor);
        seen
    }

    /// That of a middleware, by where it was made: each worker makes its own.
    pub(super) fn at(place: &'static Location<'static>) -> &'static Seen {
        type Places = HashMap<&'static Location<'static>, &'static Seen>;
        static PLACES: Mutex<Option<Places>> = Mutex::new(None);
        let mut places = lock(&PLACES);
        places
            .get_or_insert_default()
            .entry(place)
            // No more of them than places in the program.
            .or_insert_with(|| Box::leak(Box::new(Seen::new())))
    }

    pub(super) fn log_page(&self, page: &Page, prefix: &str, request: &HttpRequest) {
        if !first(&self.settings) {
            return;
        }
        tracing::info!(
            route = request.match_pattern(),
            key_prefix = prefix,
            content_type = page.media_type(),
            timeout_seconds = page.timeout().as_secs(),
            "caching a page; nginx's file must know its prefix and type"
        );
    }

    /// Says of a page that is stored for all what may be one visitor's own in it.
    pub(super) fn warn_of_visitors(&self, request: &HttpRequest, settings: &Settings) {
        self.warn_of_extractor(request, settings);
        self.warn_of_cookies(request, &settings.vary);
    }

    /// Its handler takes a session, and no cookie of sessions is declared.
    fn warn_of_extractor(&self, request: &HttpRequest, settings: &Settings) {
        let Some(extractor) = self.extractor else {
            return;
        };
        if !settings.bypass_cookies.is_empty() || !first(&self.visitors) {
            return;
        }
        tracing::warn!(
            route = request.match_pattern(),
            "a page that is stored for all has a handler that takes {extractor}: name the \
             session's cookie with PageCacheBuilder::bypass_cookie (actix-session calls it \
             \"id\"), in nginx's file too"
        );
    }

    /// Somebody with cookies has asked for it, who may have a session that the cache was
    /// not told of.
    fn warn_of_cookies(&self, request: &HttpRequest, rules: &Rules) {
        if !request.headers().contains_key(header::COOKIE) || self.cookies.load(Ordering::Relaxed) {
            return;
        }
        let mut names = cookie_names(request.headers());
        // Without a name it says nothing, and must not be what is said once.
        names.retain(|name| !name.is_empty() && !rules.know_cookie(name));
        if names.is_empty() || !first(&self.cookies) {
            return;
        }
        tracing::warn!(
            route = request.match_pattern(),
            cookies = names.join(", "),
            "a page that is stored for all was rendered for a request with cookies: if one of \
             them is a session or changes the page, name it with PageCacheBuilder::bypass_cookie, \
             in nginx's file too"
        );
    }

    /// Says of a response that it is not stored where the next one will not be, either: for
    /// its type, or for a field that hits would lack.
    pub(super) fn warn_of_refusal(
        &self,
        reason: Reason,
        headers: &HeaderMap,
        page: &Page,
        settings: &Settings,
        request: &HttpRequest,
    ) {
        match reason {
            Reason::ContentType if settings.layout == Layout::Body && first(&self.refusals) => {
                let said = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
                tracing::warn!(
                    route = request.match_pattern(),
                    content_type = said.map(String::from_utf8_lossy).as_deref(),
                    "a page is not stored: nginx would serve it as {}; charset=utf-8, which it \
                     is not. Return what is, as web::Html is, or name the page's own type: \
                     content_type = \"…\", and in nginx's file",
                    page.media_type(),
                );
            }
            Reason::Header => {
                if let Some((name, value)) = policy::refused_loss(headers, &settings.headers)
                    && first(&self.refusals)
                {
                    tracing::warn!(
                        route = request.match_pattern(),
                        field = %name,
                        "a page is not stored: {}",
                        observe::Lacking(name, value),
                    );
                }
            }
            _ => {}
        }
    }

    /// Says that the page's own tags cannot be made for a request, which may be the
    /// visitor's doing.
    pub(super) fn wrong_tag(&self, fault: &TagFault, request: &HttpRequest) {
        observe::wrong_tag_counted();
        if first(&self.tags) {
            let route = request.match_pattern();
            tracing::error!(route, "a page is not stored: {fault}");
        }
    }
}

fn first(said: &AtomicBool) -> bool {
    !said.load(Ordering::Relaxed) && !said.swap(true, Ordering::Relaxed)
}
