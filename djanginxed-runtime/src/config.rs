//! The settings of a [`PageCache`](crate::PageCache), and what may be wrong with them.

use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};

use crate::page::is_key_prefix;
use crate::placement::Placement;
use crate::server::Server;

/// A setting that cannot work, found by
/// [`build`](crate::PageCacheBuilder::build) before anything is served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// An entry of the list of Memcached servers.
    #[error(
        "Memcached server {entry:?}: {problem}; write it as in nginx's upstream, for example \"10.0.0.1:11211 weight=2\""
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
    #[error("bypass cookie {0:?}: nginx can only look for names of A-Z a-z 0-9 _")]
    Cookie(String),
    /// A header name or value.
    #[error("header {name:?}: {problem}")]
    #[non_exhaustive]
    Header {
        /// The name as given.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An entry of [`hosts`](crate::PageCacheBuilder::hosts).
    #[error(
        "host {0:?}: write a host name as it stands in the Host header, for example \"www.example.com\""
    )]
    Host(String),
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

/// Every setting, checked. What nginx must do alike is generated from it.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) enabled: bool,
    /// Empty: the embedded in-memory store.
    pub(crate) servers: Vec<Server>,
    pub(crate) placement: Placement,
    pub(crate) key_prefix: String,
    pub(crate) gzip: bool,
    pub(crate) lookup: bool,
    pub(crate) cache_status: bool,
    pub(crate) max_entry_size: usize,
    pub(crate) memory: u64,
    pub(crate) operation_timeout: Duration,
    pub(crate) bypass_cookies: Vec<String>,
    pub(crate) bypass_headers: Vec<HeaderName>,
    pub(crate) hosts: Vec<String>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

pub(crate) fn check_key_prefix(prefix: &str) -> Result<(), ConfigError> {
    if is_key_prefix(prefix) {
        Ok(())
    } else {
        Err(ConfigError::KeyPrefix(prefix.to_owned()))
    }
}
