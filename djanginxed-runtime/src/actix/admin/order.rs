//! What the admin page is asked for.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web;
use djanginxed_rules::is_media_type;
use serde::{Deserialize, Serialize};

use crate::cache::{PageCache, Purge};
use crate::key::{KeyRecipe, PageKey};
use crate::media::HTML;
use crate::settings::check::check_key_prefix;
use crate::tag;

/// A query, a form or a JSON object.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Order {
    action: Option<String>,
    target: Option<String>,
    tag: Option<String>,
    /// Of the page; by default that of the cache.
    key_prefix: Option<String>,
    content_type: Option<String>,
    /// Instead of these, the page's key.
    key: Option<String>,
    pub(super) token: Option<String>,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Delete a page.
    Delete,
    /// Delete the pages that have a tag, or those of a target.
    Purge,
    PurgeEverything,
}

/// A page that is asked for, as it was named.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) key: PageKey,
    /// None: it was named by its key.
    pub(super) asked: Option<Asked>,
}

impl Named {
    /// Its keys in every variant, where it was not named by one of them.
    pub(super) fn keys(&self, pages: &PageCache) -> Vec<PageKey> {
        let Some(asked) = &self.asked else {
            return vec![self.key];
        };
        let layout = pages.settings().layout;
        let recipe = KeyRecipe::of(layout, &asked.key_prefix, &asked.content_type);
        pages.keys_under(recipe, &asked.target)
    }
}

/// What a page's key is made of.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Asked {
    pub(super) target: String,
    pub(super) key_prefix: String,
    pub(super) content_type: String,
}

/// Why nothing is done or shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("GET shows, POST orders; there is nothing else")]
    Method,
    #[error("the request comes from another site's page")]
    CrossSite,
    #[error(
        "the token is missing or not of this process: load this page again, or take the token \
         from its JSON and send it as X-Djanginxed-Token"
    )]
    Token,
    #[error("an order has at most 65536 bytes")]
    TooLong,
    #[error("an order is application/x-www-form-urlencoded or application/json")]
    Type,
    #[error("the order cannot be read: {0}")]
    Unreadable(String),
    #[error("action {0:?}: it can be \"delete\", \"purge\" or \"purge-everything\"")]
    Action(String),
    #[error("name the page by its target or its key")]
    NoPage,
    #[error("say what is to be purged: a tag, or a target, and not both")]
    NoPurge,
    #[error("{0}")]
    Tag(String),
    #[error("target {0:?}: write path and query as sent, beginning with \"/\"")]
    Target(String),
    #[error("key {0:?}: it has 32 hexadecimal digits")]
    Key(String),
    #[error("{0}")]
    KeyPrefix(String),
    #[error("content type {0:?}: use a media type without parameters, such as \"text/html\"")]
    ContentType(String),
}

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Refusal::Method => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::CrossSite | Refusal::Token => StatusCode::FORBIDDEN,
            Refusal::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::Type => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl Order {
    pub(super) fn of_query(query: &str) -> Result<Order, Refusal> {
        match web::Query::<Order>::from_query(query) {
            Ok(order) => Ok(order.into_inner()),
            Err(error) => Err(Refusal::Unreadable(error.to_string())),
        }
    }

    /// Reads what was sent with a POST.
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Order, Refusal> {
        let unreadable = |error: &dyn std::error::Error| Refusal::Unreadable(error.to_string());
        let line = headers.get(header::CONTENT_TYPE);
        let line = line.and_then(|line| line.to_str().ok()).unwrap_or_default();
        let media_type = line.split(';').next().unwrap_or_default().trim();
        match media_type.to_ascii_lowercase().as_str() {
            "application/json" => serde_json::from_slice(body).map_err(|error| unreadable(&error)),
            "application/x-www-form-urlencoded" => {
                let form = str::from_utf8(body).map_err(|error| unreadable(&error))?;
                Order::of_query(form)
            }
            _ => Err(Refusal::Type),
        }
    }

    pub(super) fn action(&self) -> Result<Action, Refusal> {
        match self.action.as_deref().unwrap_or_default() {
            "delete" => Ok(Action::Delete),
            "purge" => Ok(Action::Purge),
            "purge-everything" => Ok(Action::PurgeEverything),
            other => Err(Refusal::Action(other.to_owned())),
        }
    }

    /// What is to be purged: pages with a tag, or those of a target; under the prefix and
    /// of the type that are named, or else under all that are known.
    pub(super) fn purge(&self, pages: &PageCache) -> Result<Purge, Refusal> {
        match (named(&self.tag), named(&self.target)) {
            (Some(tag), None) => match tag::checked(tag) {
                Ok(()) => Ok(Purge::tag(tag)),
                Err(fault) => Err(Refusal::Tag(fault.to_string())),
            },
            (None, Some(target)) => {
                // It says what is wrong with any of them.
                self.page(pages)?;
                let mut purge = Purge::page(target);
                if let Some(prefix) = &self.key_prefix {
                    purge = purge.prefix(prefix);
                }
                if let Some(content_type) = named(&self.content_type) {
                    purge = purge.content_type(content_type);
                }
                Ok(purge)
            }
            _ => Err(Refusal::NoPurge),
        }
    }

    /// The page that is named, if one is.
    pub(super) fn page(&self, pages: &PageCache) -> Result<Option<Named>, Refusal> {
        if let Some(key) = named(&self.key) {
            let key = PageKey::read(key).ok_or_else(|| Refusal::Key(key.to_owned()))?;
            return Ok(Some(Named { key, asked: None }));
        }
        let Some(target) = named(&self.target) else {
            return Ok(None);
        };
        if !target.starts_with('/') {
            return Err(Refusal::Target(target.to_owned()));
        }
        let settings = pages.settings();
        // An empty one is the prefix of pages that have none.
        let prefix = self.key_prefix.as_deref().unwrap_or(&settings.key_prefix);
        if !prefix.is_empty() {
            check_key_prefix(prefix).map_err(|error| Refusal::KeyPrefix(error.to_string()))?;
        }
        let media_type = named(&self.content_type).unwrap_or(HTML);
        if !is_media_type(media_type) {
            return Err(Refusal::ContentType(media_type.to_owned()));
        }
        let recipe = KeyRecipe::of(settings.layout, prefix, media_type);
        let keys = pages.keys_under(recipe, target);
        let Some(key) = keys.first().copied() else {
            return Ok(None);
        };
        Ok(Some(Named {
            key,
            asked: Some(Asked {
                target: target.to_owned(),
                key_prefix: prefix.to_owned(),
                content_type: media_type.to_owned(),
            }),
        }))
    }
}

/// A form sends what was not filled in as an empty text.
fn named(field: &Option<String>) -> Option<&str> {
    field.as_deref().filter(|field| !field.is_empty())
}
