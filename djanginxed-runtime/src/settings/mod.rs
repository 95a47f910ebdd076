//! Every setting of a page cache, checked: what the builder makes and everything
//! else reads.

pub(crate) mod check;
pub(crate) mod environment;

use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};

use crate::clock::Clock;
use crate::config_error::ConfigError;
use crate::host::Host;
use crate::layout::Layout;
use crate::placement::Placement;
use crate::server::Server;
use crate::vary::Rules;
use actix_web::http::Uri;

/// How pages are looked after.
#[derive(Clone, Debug)]
pub(crate) struct Care {
    /// Where the application answers.
    pub(crate) base: Uri,
    /// So many renders at a time.
    pub(crate) at_once: usize,
    /// A purge waits no longer for renders.
    pub(crate) deadline: Duration,
}

/// Every setting, checked. What nginx must do alike is generated from it.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) enabled: bool,
    /// Empty: the embedded in-memory store.
    pub(crate) servers: Vec<Server>,
    pub(crate) placement: Placement,
    pub(crate) layout: Layout,
    /// Of responses that may be stored.
    pub(crate) statuses: Vec<StatusCode>,
    /// The longest life of stored errors.
    pub(crate) error_timeout: Duration,
    /// For how long pages are stale that do not say it.
    pub(crate) stale: Duration,
    /// For how long pages stand in for errors that do not say it.
    pub(crate) stale_if_error: Duration,
    pub(crate) key_prefix: String,
    pub(crate) gzip: bool,
    pub(crate) lookup: bool,
    pub(crate) cache_status: bool,
    pub(crate) max_entry_size: usize,
    pub(crate) memory: u64,
    pub(crate) operation_timeout: Duration,
    /// Names of `A-Z a-z 0-9 . _ -`, compared without case.
    pub(crate) bypass_cookies: Vec<String>,
    pub(crate) bypass_headers: Vec<HeaderName>,
    pub(crate) hosts: Vec<Host>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether pages may have parts.
    pub(crate) parts: bool,
    /// What pages vary by.
    pub(crate) vary: Rules,
    /// The query parameters that pages know that name none themselves; where it is not
    /// said, all.
    pub(crate) query: Option<Vec<String>>,
    pub(crate) queue: Limits,
    /// For the copies of streamed bodies under way, in bytes.
    pub(crate) collecting: usize,
    /// How long a request waits for another's render.
    pub(crate) coalesce_timeout: Duration,
    /// Whether a page that is not there is rendered by one process at a time.
    pub(crate) render_lock: bool,
    /// The socket on which nginx tells of its hits.
    pub(crate) hit_feed: Option<String>,
    /// How pages are looked after that nginx serves.
    pub(crate) care: Option<Care>,
    /// By which the lives of pages are counted, where they are in this process.
    pub(crate) clock: Clock,
}

/// The bounds of the writer's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) entries: usize,
    pub(crate) bytes: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            enabled: true,
            servers: Vec::new(),
            placement: Placement::default(),
            layout: Layout::default(),
            statuses: vec![StatusCode::OK],
            error_timeout: Duration::from_secs(60),
            stale: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            key_prefix: String::new(),
            gzip: false,
            lookup: true,
            cache_status: true,
            max_entry_size: 1_000_000,
            memory: 64 << 20,
            operation_timeout: Duration::from_millis(100),
            bypass_cookies: Vec::new(),
            bypass_headers: Vec::new(),
            hosts: Vec::new(),
            headers: Vec::new(),
            parts: false,
            vary: Rules::default(),
            query: None,
            queue: Limits {
                entries: 4096,
                bytes: 64 << 20,
            },
            collecting: 64 << 20,
            coalesce_timeout: Duration::from_secs(5),
            render_lock: false,
            hit_feed: None,
            care: None,
            clock: Clock::default(),
        }
    }
}

impl Settings {
    pub(crate) fn check_limits(&self) -> Result<(), ConfigError> {
        let limits = [
            ("max_entry_size", self.max_entry_size == 0),
            ("in_memory", self.memory == 0),
            ("error_timeout", self.error_timeout.is_zero()),
            ("operation_timeout", self.operation_timeout.is_zero()),
            ("coalesce_timeout", self.coalesce_timeout.is_zero()),
            ("collecting", self.collecting == 0),
            (
                "refresh_at_once",
                self.care.as_ref().is_some_and(|care| care.at_once == 0),
            ),
            ("queue", self.queue.entries == 0 || self.queue.bytes == 0),
        ];
        match limits.iter().find(|(_, is_zero)| *is_zero) {
            Some((name, _)) => Err(ConfigError::Zero(name)),
            None => Ok(()),
        }
    }

    /// Says at start where pages are stored.
    pub(crate) fn log(&self) {
        if !self.enabled {
            tracing::warn!("the page cache is switched off");
        } else if self.servers.is_empty() {
            tracing::info!(max_bytes = self.memory, "{}", self.store_name());
        } else {
            tracing::info!(key_prefix = %self.key_prefix, layout = %self.layout, gzip = self.gzip, "{}", self.store_name());
            if self.key_prefix.is_empty() {
                tracing::warn!(
                    "no key prefix: two sites on one Memcached would serve each other's pages"
                );
            }
        }
    }

    pub(crate) fn store_name(&self) -> impl fmt::Display {
        if self.servers.is_empty() {
            return "pages are stored in memory of the process, where nginx does not find them"
                .into();
        }
        let servers: Vec<_> = self.servers.iter().map(Server::address).collect();
        format!("pages are stored in Memcached at {}", servers.join(", "))
    }
}
