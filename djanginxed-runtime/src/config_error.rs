//! What may be wrong with settings.

use std::fmt;

/// A setting that cannot work, found by
/// [`build`](crate::PageCacheBuilder::build) before anything is served.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// [`memcached`](crate::PageCacheBuilder::memcached) was given an empty list.
    #[error(
        "the list of Memcached servers is empty: name one, or leave it out for the embedded store"
    )]
    NoServers,
    /// An entry of the list of Memcached servers.
    #[error(
        "Memcached server {entry:?}: {problem}; write it as in nginx's upstream, for example \"10.0.0.1:11211 weight=2\" or \"unix:/run/memcached/memcached.sock\""
    )]
    #[non_exhaustive]
    Server {
        /// The entry as written.
        entry: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A key prefix that nginx's file could not carry.
    #[error(
        "key prefix {0:?}: use 1 to 64 of A-Z a-z 0-9 . _ : - (it stands unquoted in nginx's file)"
    )]
    KeyPrefix(String),
    /// A cookie name in [`bypass_cookie`](crate::PageCacheBuilder::bypass_cookie).
    #[error(
        "bypass cookie {0:?}: use a name of A-Z a-z 0-9 . _ -, which nginx's file can look for"
    )]
    Cookie(String),
    /// A rule in [`vary`](crate::PageCacheBuilder::vary), or as text.
    #[error("vary {rule}{}: {problem}", about(.value))]
    #[non_exhaustive]
    Vary {
        /// The rule, without its values, and whether `DJANGINXED_VARY` has to do with it.
        rule: String,
        /// The name or the value that is wrong; empty where it is neither.
        value: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A query parameter in [`query`](crate::PageCacheBuilder::query).
    #[error("query parameter {0:?}: use {parameter}", parameter = djanginxed_rules::PARAMETER_NAME)]
    Query(String),
    /// A header name or value.
    #[error("header {name:?}: {problem}")]
    #[non_exhaustive]
    Header {
        /// The name as given.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The address of [`refresh_through`](crate::PageCacheBuilder::refresh_through).
    #[error(
        "refresh_through {0:?}: write where this process itself listens, without a path and without TLS, for example \"http://127.0.0.1:8080\""
    )]
    RefreshThrough(String),
    /// An entry of [`hosts`](crate::PageCacheBuilder::hosts).
    #[error(
        "host {0:?}: write a host name as it stands in the Host header, for example \"www.example.com\", or with the one scheme that it is asked for with, \"https://www.example.com\""
    )]
    Host(String),
    /// A status in [`statuses`](crate::PageCacheBuilder::statuses).
    #[error(
        "status {0}: a response of it is not for others; name final ones of 200 to 599, and none of 206, 304, 401, 407, 412, 416, 417 and 429"
    )]
    Status(u16),
    /// Statuses other than 200 with [`Layout::Body`](crate::Layout::Body).
    #[error(
        "statuses other than 200 need .layout(Layout::Response): where a page is a body alone, nginx answers 200"
    )]
    StatusesOfBodies,
    /// The path in [`hit_feed`](crate::PageCacheBuilder::hit_feed).
    #[error("hit feed {path:?}: {problem}")]
    #[non_exhaustive]
    HitFeed {
        /// The path as given.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A limit or a time that must not be zero.
    #[error("{0} is zero: give it at least one")]
    Zero(&'static str),
    /// An environment variable read by [`from_env`](crate::PageCache::from_env).
    #[error("environment variable {name}={value:?}: {problem}")]
    #[non_exhaustive]
    Environment {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

fn about(value: &str) -> String {
    match value {
        "" => String::new(),
        value => format!(": {value:?}"),
    }
}

/// The sentence itself: it is what a `main` that returns the error prints.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
