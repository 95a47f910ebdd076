//! The settings of a [`PageCache`](crate::PageCache), and what may be wrong with them.

use std::env::{self, VarError};
use std::fmt;
use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};

use crate::cache::PageCache;
use crate::host::Host;
use crate::page::is_key_prefix;
use crate::placement::Placement;
use crate::server::Server;
use crate::writer::Limits;

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
    #[error(
        "bypass cookie {0:?}: use a name of A-Z a-z 0-9 . _ -, which nginx's file can look for"
    )]
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
        "host {0:?}: write a host name as it stands in the Host header, for example \"www.example.com\", or with the one scheme that it is asked for with, \"https://www.example.com\""
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

/// The sentence itself: it is what a `main` that returns the error prints.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
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
    /// Names of `A-Z a-z 0-9 . _ -`, compared without case.
    pub(crate) bypass_cookies: Vec<String>,
    pub(crate) bypass_headers: Vec<HeaderName>,
    pub(crate) hosts: Vec<Host>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) queue: Limits,
    /// For the copies of streamed bodies under way, in bytes.
    pub(crate) collecting: usize,
    /// How long a request waits for another's render.
    pub(crate) coalesce_timeout: Duration,
}

/// Settings of a [`PageCache`], each with a default that is safe to leave.
#[derive(Clone, Debug)]
#[must_use = "the settings do nothing until `build`"]
pub struct PageCacheBuilder {
    settings: Settings,
    /// As written; empty: the embedded store.
    servers: Option<Vec<String>>,
    hosts: Vec<String>,
    bypass_headers: Vec<String>,
    headers: Vec<(String, String)>,
}

impl PageCacheBuilder {
    pub(crate) fn new() -> PageCacheBuilder {
        PageCacheBuilder {
            settings: Settings {
                enabled: true,
                servers: Vec::new(),
                placement: Placement::default(),
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
                queue: Limits {
                    entries: 4096,
                    bytes: 64 << 20,
                },
                collecting: 64 << 20,
                coalesce_timeout: Duration::from_secs(5),
            },
            servers: None,
            hosts: Vec::new(),
            bypass_headers: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// Adds the settings of the environment, as
    /// [`PageCache::from_env`](crate::PageCache::from_env) lists them: lists are added to
    /// those given here, the others go before them.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the variable that cannot be read.
    ///
    /// ```
    /// # fn main() -> Result<(), djanginxed_runtime::ConfigError> {
    /// let pages = djanginxed_runtime::PageCache::builder()
    ///     .bypass_cookie("sessionid")
    ///     .from_env()?
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_env(self) -> Result<PageCacheBuilder, ConfigError> {
        self.with_variables(process)
    }

    fn with_variables(self, environment: Environment) -> Result<PageCacheBuilder, ConfigError> {
        let list = |name| {
            let value = variable(name, environment)?.unwrap_or_default();
            let items = value
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            Ok::<_, ConfigError>(items.map(str::to_owned).collect::<Vec<_>>())
        };
        let mut builder = self;
        if let Some(servers) = variable("DJANGINXED_SERVERS", environment)? {
            builder = builder.memcached(servers.split(',').map(str::trim));
        }
        if let Some(prefix) = variable("DJANGINXED_KEY_PREFIX", environment)? {
            builder = builder.key_prefix(prefix);
        }
        if let Some(gzip) = switch("DJANGINXED_GZIP", environment)? {
            builder = builder.gzip(gzip);
        }
        for cookie in list("DJANGINXED_BYPASS_COOKIES")? {
            builder = builder.bypass_cookie(cookie);
        }
        for header in list("DJANGINXED_BYPASS_HEADERS")? {
            builder = builder.bypass_header(header);
        }
        Ok(builder.hosts(list("DJANGINXED_HOSTS")?))
    }

    /// Stores pages in Memcached. Each server is written as in nginx's
    /// `upstream`, in the same order: `"10.0.0.1:11211"`,
    /// `"cache2.internal:11211 weight=2"`, `"[::1]:11211"`.
    ///
    /// Without a server, pages are stored in memory of the process, where nginx
    /// cannot see them.
    pub fn memcached<I>(mut self, servers: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let servers = servers.into_iter().map(|server| server.as_ref().to_owned());
        self.servers = Some(servers.collect());
        self
    }

    /// Stores pages in memory of the process, `max_bytes` at the most. The
    /// default, with 64 MiB, where no Memcached server is named. Each page counts
    /// 256 bytes besides its own; what was not asked for the longest makes room.
    pub fn in_memory(mut self, max_bytes: u64) -> Self {
        self.servers = None;
        self.settings.memory = max_bytes;
        self
    }

    /// How nginx spreads keys over several servers; by default
    /// [`Placement::Consistent`].
    pub fn placement(mut self, placement: Placement) -> Self {
        self.settings.placement = placement;
        self
    }

    /// The key prefix of pages that name none: 1 to 64 of
    /// `A-Z a-z 0-9 . _ : -`. By default there is none.
    pub fn key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.settings.key_prefix = prefix.into();
        self
    }

    /// Whether entries are stored in gzip where that is smaller; by default
    /// not. nginx must have `memcached_gzip_flag 2; gunzip on;`, as the
    /// generated file has, or visitors get packed bytes as the page. The
    /// embedded store never packs.
    pub fn gzip(mut self, gzip: bool) -> Self {
        self.settings.gzip = gzip;
        self
    }

    /// Whether the application looks a page up itself before it renders; by
    /// default it does. Behind an nginx that has just looked it up, a lookup
    /// finds only what was stored meanwhile, and what waits to be stored: the
    /// background writer lets pages gather for up to 5 ms.
    pub fn lookup(mut self, lookup: bool) -> Self {
        self.settings.lookup = lookup;
        self
    }

    /// The largest entry in bytes, as stored; 1,000,000 by default, which fits
    /// Memcached's default item size of 1 MiB. With gzip, bodies of up to eight
    /// times this are packed to see whether they fit.
    pub fn max_entry_size(mut self, bytes: usize) -> Self {
        self.settings.max_entry_size = bytes;
        self
    }

    /// The bound of all that a visitor could wait for in a lookup: name
    /// resolution, connecting and the exchange together. 100 ms by default.
    pub fn operation_timeout(mut self, timeout: Duration) -> Self {
        self.settings.operation_timeout = timeout;
        self
    }

    /// How long a request waits for another request's render of the same page
    /// before it renders itself; 5 s by default.
    pub fn coalesce_timeout(mut self, timeout: Duration) -> Self {
        self.settings.coalesce_timeout = timeout;
        self
    }

    /// How much may wait for the background writer: by default 4,096 pages and
    /// 64 MiB. What comes beyond is not stored; each page counts 256 bytes besides
    /// its own, so one that is larger than all of `max_bytes` never is.
    pub fn queue(mut self, max_pages: usize, max_bytes: usize) -> Self {
        self.settings.queue = Limits {
            entries: max_pages,
            bytes: max_bytes,
        };
        self
    }

    /// How many bytes the copies of streamed bodies may take that are under way,
    /// all together; 64 MiB by default. A page that would need more is streamed to
    /// its visitor as ever, and not stored (`memory`): visitors who stop reading in
    /// the middle hold no more than this.
    pub fn collecting(mut self, max_bytes: usize) -> Self {
        self.settings.collecting = max_bytes;
        self
    }

    /// Whether responses say in Cache-Status (RFC 9211) what the cache did; by
    /// default they do.
    pub fn cache_status(mut self, cache_status: bool) -> Self {
        self.settings.cache_status = cache_status;
        self
    }

    /// A cookie whose bearer takes no part: neither looked up nor stored.
    /// Names are compared without case, as nginx does.
    pub fn bypass_cookie(mut self, name: impl Into<String>) -> Self {
        self.settings.bypass_cookies.push(name.into());
        self
    }

    /// A request header whose presence makes a request take no part.
    /// Authorization always does.
    pub fn bypass_header(mut self, name: impl Into<String>) -> Self {
        self.bypass_headers.push(name.into());
        self
    }

    /// The hosts whose requests take part. Both the Host header and what
    /// actix's `connection_info().host()` says, which believes forwarding
    /// headers, must be one of them; case and port do not matter, so a page that
    /// writes the port it was asked for into its links is not for the cache. A
    /// host may be named with its scheme, `"https://www.example.com"`: requests by
    /// the other one then take no part. By default the host is not looked at, and
    /// who reaches the application directly chooses what a page says of its own.
    pub fn hosts<I>(mut self, hosts: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let hosts = hosts.into_iter().map(|host| host.as_ref().to_owned());
        self.hosts.extend(hosts);
        self
    }

    /// A constant header that every page has: hits carry it too, and the
    /// generated nginx file adds it.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Whether the cache is used at all; by default it is. Where the
    /// environment has `DJANGINXED_ENABLED=0` it is not, whatever is said here.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.settings.enabled = enabled;
        self
    }

    /// Checks the settings and makes the cache. The network is not touched: an
    /// application starts and serves with Memcached down.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the first setting that cannot work.
    pub fn build(self) -> Result<PageCache, ConfigError> {
        let settings = self.checked(process)?;
        settings.log();
        Ok(PageCache::new(settings))
    }

    fn checked(self, environment: Environment) -> Result<Settings, ConfigError> {
        let mut settings = self.settings;
        if switch("DJANGINXED_ENABLED", environment)? == Some(false) {
            settings.enabled = false;
        }
        if let Some(servers) = &self.servers {
            settings.servers = Server::parse_list(servers)?;
            if settings.servers.is_empty() {
                return Err(ConfigError::NoServers);
            }
        }
        // Packing spares nginx's work and Memcached's memory: here are neither.
        settings.gzip &= !settings.servers.is_empty();
        if !settings.key_prefix.is_empty() {
            check_key_prefix(&settings.key_prefix)?;
        }
        settings
            .bypass_cookies
            .iter()
            .try_for_each(|name| check_cookie(name))?;
        settings.bypass_headers = all(&self.bypass_headers, |name| header_name(name))?;
        settings.headers = all(&self.headers, |(name, value)| constant_header(name, value))?;
        settings.hosts = all(&self.hosts, |host| checked_host(host))?;
        settings.check_limits()?;
        Ok(settings)
    }
}

impl Settings {
    fn check_limits(&self) -> Result<(), ConfigError> {
        let limits = [
            ("max_entry_size", self.max_entry_size == 0),
            ("in_memory", self.memory == 0),
            ("operation_timeout", self.operation_timeout.is_zero()),
            ("coalesce_timeout", self.coalesce_timeout.is_zero()),
            ("collecting", self.collecting == 0),
            ("queue", self.queue.entries == 0 || self.queue.bytes == 0),
        ];
        match limits.iter().find(|(_, is_zero)| *is_zero) {
            Some((name, _)) => Err(ConfigError::Zero(name)),
            None => Ok(()),
        }
    }

    fn log(&self) {
        if !self.enabled {
            tracing::warn!("the page cache is switched off");
        } else if self.servers.is_empty() {
            tracing::info!(max_bytes = self.memory, "{}", self.store_name());
        } else {
            tracing::info!(key_prefix = %self.key_prefix, gzip = self.gzip, "{}", self.store_name());
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

fn all<T, U>(
    given: &[T],
    check: impl FnMut(&T) -> Result<U, ConfigError>,
) -> Result<Vec<U>, ConfigError> {
    given.iter().map(check).collect()
}

/// Where variables are read: that of the process, except in tests, which cannot
/// change it without racing each other.
type Environment = fn(&str) -> Result<String, VarError>;

fn process(name: &str) -> Result<String, VarError> {
    env::var(name)
}

/// An environment variable that is set to something.
fn variable(name: &'static str, environment: Environment) -> Result<Option<String>, ConfigError> {
    match environment(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.trim().is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(value)) => Err(ConfigError::Environment {
            name,
            value: value.to_string_lossy().into_owned(),
            problem: "it is not UTF-8",
        }),
    }
}

fn switch(name: &'static str, environment: Environment) -> Result<Option<bool>, ConfigError> {
    let Some(value) = variable(name, environment)? else {
        return Ok(None);
    };
    match value.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(Some(true)),
        "0" | "false" | "no" | "off" => Ok(Some(false)),
        _ => Err(ConfigError::Environment {
            name,
            value,
            problem: "write 1 or 0",
        }),
    }
}

pub(crate) fn check_key_prefix(prefix: &str) -> Result<(), ConfigError> {
    if is_key_prefix(prefix) {
        Ok(())
    } else {
        Err(ConfigError::KeyPrefix(prefix.to_owned()))
    }
}

fn check_cookie(name: &str) -> Result<(), ConfigError> {
    let carried = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if !name.is_empty() && name.bytes().all(carried) {
        Ok(())
    } else {
        Err(ConfigError::Cookie(name.to_owned()))
    }
}

fn header_name(name: &str) -> Result<HeaderName, ConfigError> {
    // nginx knows a header by a variable, whose name has only these.
    let carried = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let refuse = || header_error(name, "its name is not one of A-Z a-z 0-9 -");
    if !name.bytes().all(carried) {
        return Err(refuse());
    }
    name.parse().map_err(|_| refuse())
}

fn constant_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), ConfigError> {
    /// What nginx, actix or this cache writes by itself.
    const OWN: [&str; 10] = [
        "cache-status",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "server",
        "set-cookie",
        "transfer-encoding",
        "vary",
    ];
    let parsed = header_name(name)?;
    if OWN.contains(&parsed.as_str()) {
        return Err(header_error(name, "it cannot be a constant of every page"));
    }
    if !value.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        || value.trim() != value
        || value.is_empty()
    {
        return Err(header_error(name, "its value is not visible ASCII"));
    }
    let value = value
        .parse()
        .map_err(|_| header_error(name, "its value is not visible ASCII"))?;
    Ok((parsed, value))
}

fn header_error(name: &str, problem: &'static str) -> ConfigError {
    ConfigError::Header {
        name: name.to_owned(),
        problem,
    }
}

fn checked_host(host: &str) -> Result<Host, ConfigError> {
    Host::parse(host).ok_or_else(|| ConfigError::Host(host.to_owned()))
}

#[cfg(test)]
mod tests;
