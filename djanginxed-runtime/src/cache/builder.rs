//! The builder of a [`PageCache`].

use std::time::Duration;

use actix_web::http::StatusCode;

use super::PageCache;
use crate::config_error::ConfigError;
use crate::layout::Layout;
use crate::observe;
use crate::personal::nonce_marker;
use crate::placement::Placement;
use crate::server::{Server, socket};
use crate::settings::Care;
use crate::settings::check::{
    check_cookie, check_key_prefix, check_parameter, checked_host, checked_status, constant_header,
    half_of_the_processors, header_error, header_name, refresh_base,
};
use crate::settings::environment::{Environment, process, switch, unknown, variable};
use crate::settings::{Limits, Settings};
use crate::vary::{Rules, Vary};

/// Settings of a [`PageCache`], each with a default that is safe to leave.
///
/// ```
/// # fn main() -> Result<(), djanginxed_runtime::ConfigError> {
/// let pages = djanginxed_runtime::PageCache::builder()
///     .memcached(["10.0.0.1:11211", "10.0.0.2:11211 weight=2"])
///     .key_prefix("site1")
///     .bypass_cookie("sessionid")
///     .hosts(["www.example.com"])
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "the settings do nothing until `build`"]
pub struct PageCacheBuilder {
    settings: Settings,
    /// As written; empty: the embedded store.
    servers: Option<Vec<String>>,
    statuses: Option<Vec<u16>>,
    hosts: Vec<String>,
    bypass_headers: Vec<String>,
    headers: Vec<(String, String)>,
    vary: Vec<Vary>,
    refresh_through: Option<String>,
    refresh_at_once: Option<usize>,
    purge_deadline: Duration,
}

/// How long a purge waits for renders, where nothing is said.
const PURGE_DEADLINE: Duration = Duration::from_millis(500);

impl PageCacheBuilder {
    pub(crate) fn new() -> PageCacheBuilder {
        PageCacheBuilder {
            settings: Settings::default(),
            servers: None,
            statuses: None,
            hosts: Vec::new(),
            bypass_headers: Vec::new(),
            headers: Vec::new(),
            vary: Vec::new(),
            refresh_through: None,
            refresh_at_once: None,
            purge_deadline: PURGE_DEADLINE,
        }
    }

    /// Adds the settings of the environment, as
    /// [`PageCache::from_env`](crate::PageCache::from_env) lists them: lists are added to
    /// those given here, the others go before them. The log warns of a variable whose name
    /// begins with `DJANGINXED_` and is none of them.
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
        for name in unknown(std::env::vars_os().map(|(name, _)| name)) {
            observe::unknown_variable(&name);
        }
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
        if let Some(word) = variable("DJANGINXED_LAYOUT", environment)? {
            builder = builder.layout(layout(word)?);
        }
        if let Some(gzip) = switch("DJANGINXED_GZIP", environment)? {
            builder = builder.gzip(gzip);
        }
        if let Some(parts) = switch("DJANGINXED_PARTS", environment)? {
            builder = builder.parts(parts);
        }
        if let Some(path) = variable("DJANGINXED_HIT_FEED", environment)? {
            builder = builder.hit_feed(path);
        }
        if let Some(address) = variable("DJANGINXED_REFRESH_THROUGH", environment)? {
            builder = builder.refresh_through(address.trim());
        }
        for cookie in list("DJANGINXED_BYPASS_COOKIES")? {
            builder = builder.bypass_cookie(cookie);
        }
        for header in list("DJANGINXED_BYPASS_HEADERS")? {
            builder = builder.bypass_header(header);
        }
        if let Some(rules) = variable("DJANGINXED_VARY", environment)? {
            for rule in rules.split(';').filter(|rule| !rule.trim().is_empty()) {
                let rule = Vary::of_environment(rule)?;
                builder = builder.vary(match variable("DJANGINXED_GROUP_SECRET", environment)? {
                    Some(secret) => rule.with_secret(secret.trim()),
                    None => rule,
                });
            }
        }
        Ok(builder.hosts(list("DJANGINXED_HOSTS")?))
    }

    /// Stores pages in Memcached. Each server is written as in nginx's
    /// `upstream`, in the same order: `"10.0.0.1:11211"`,
    /// `"cache2.internal:11211 weight=2"`, `"[::1]:11211"`,
    /// `"unix:/run/memcached/memcached.sock"`.
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
    /// 384 bytes besides its own; what was not asked for the longest makes room.
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

    /// What an entry is made of; by default [`Layout::Body`]. nginx's file must be
    /// generated for the same.
    pub fn layout(mut self, layout: Layout) -> Self {
        self.settings.layout = layout;
        self
    }

    /// The statuses of responses that may be stored, with [`Layout::Response`]; 200
    /// alone by default. What has not said how long it lives (`max-age` or the like)
    /// lives as long as its page, errors for [`error_timeout`](Self::error_timeout) at
    /// the most; 302, 303, 307 and 5xx are then not stored at all (RFC 9110, section
    /// 15.1).
    pub fn statuses<I>(mut self, statuses: I) -> Self
    where
        I: IntoIterator<Item = u16>,
    {
        self.statuses = Some(statuses.into_iter().collect());
        self
    }

    /// How long a stored error may live, where its page's timeout is longer; 60 s by
    /// default.
    pub fn error_timeout(mut self, timeout: Duration) -> Self {
        self.settings.error_timeout = timeout;
        self
    }

    /// For how long after its timeout a page may still be given out that does not say it
    /// itself (`#[cache_page(900, stale = 3600)]`); by default not at all. In whole
    /// seconds.
    ///
    /// Whoever asks the application for such a page gets it at once, and it is rendered
    /// anew in the background, once for all visitors and processes (RFC 5861, section 3).
    /// **nginx does not know of it**: an entry stays for timeout and stale time together,
    /// and nginx answers with it until it is gone. So where nginx is in front, the two
    /// together are how old a page can be.
    ///
    /// A response's `stale-while-revalidate` goes before this; `must-revalidate` and
    /// `proxy-revalidate` forbid it, and errors of the application are never stale. A
    /// render that fails leaves the page as it is; one that gives what may not be stored
    /// takes it away.
    pub fn stale(mut self, stale: Duration) -> Self {
        self.settings.stale = stale;
        self
    }

    /// For how long after its timeout a page is given out in place of an error of the
    /// application, where its handler does not say it itself
    /// (`#[cache_page(900, stale_if_error = 86_400)]`); by default not at all. In whole
    /// seconds.
    ///
    /// Such a page is stored twice: once for its life, and once under a key of its own for
    /// this time. The application answers with the second where the handler fails with
    /// 500, 502, 503 or 504, or panics; nginx, where its file is generated with
    /// [`stale_if_error`](crate::nginx::Site::stale_if_error), where the application cannot
    /// be reached or answers so. Cache-Status says it (`fwd=stale`). A delete and a purge
    /// take both away.
    ///
    /// A response's `stale-if-error` goes before this; `must-revalidate` and
    /// `proxy-revalidate` forbid it (RFC 5861, section 4). Who is bypassed gets the error.
    pub fn stale_if_error(mut self, time: Duration) -> Self {
        self.settings.stale_if_error = time;
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

    /// Whether a page that is not there, and that visitors of several processes ask for
    /// at the same moment, is rendered by one of them, while the others look for it until
    /// it is stored, and for no longer than
    /// [`coalesce_timeout`](Self::coalesce_timeout). By default each process renders it
    /// once.
    ///
    /// It costs a miss one more exchange with Memcached, and half as many instructions
    /// again (docs/benchmarks.md): worth it where several processes share a Memcached and
    /// a render takes a few milliseconds. It is left out where the application does not
    /// [look pages up](Self::lookup). A process that is killed while
    /// it renders keeps the others waiting for up to 2 s. A response that turns out to
    /// be for its visitor alone, or a stream, lets them go at once.
    pub fn render_lock(mut self, lock: bool) -> Self {
        self.settings.render_lock = lock;
        self
    }

    /// How much may wait for the background writer: by default 4,096 pages and
    /// 64 MiB. What comes beyond is not stored; each page counts 384 bytes besides
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

    /// A constant header that every page has: it is added to hits, by the generated nginx
    /// file and by the application, **and to hits alone**. Misses, and what bypasses the
    /// cache, get it from a middleware of your own that adds the same, such as actix's
    /// `DefaultHeaders`; but for a value with `{nonce}`, which the application adds itself.
    /// `djanginxed check` tells where a middleware is missing.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// What pages vary by: the language, a cookie, a header, the kind of client. Each
    /// page is then stored once for every combination of values that is asked for, 64 at
    /// the most. Given several times, the order counts; nginx's file must be generated
    /// for the same rules.
    ///
    /// Every response of a page names in Vary what the rules look at. A handler may do so
    /// itself, but not Cookie, which may mean another cookie than a rule's: its page is not
    /// stored. Handlers get the values by [`Variant`](crate::Variant). Pages of a cache
    /// all vary by the same: where only some do, the others are stored as often.
    ///
    /// ```
    /// # use djanginxed_runtime::{ConfigError, PageCache, Vary};
    /// # fn main() -> Result<(), ConfigError> {
    /// let pages = PageCache::builder()
    ///     .key_prefix("site1")
    ///     .vary(Vary::language(["en", "de"]))
    ///     .vary(Vary::mobile())
    ///     .build()?;
    /// // The key of a German page for a telephone is md5("site1~de~mobile/").
    /// assert_eq!(pages.keys("/").len(), 4);
    /// # Ok(())
    /// # }
    /// ```
    pub fn vary(mut self, rule: Vary) -> Self {
        self.vary.push(rule);
        self
    }

    /// The query parameters that pages know which name none themselves
    /// (`#[cache_page(900, query = ["page"])]`); by default all. `[]` for none.
    ///
    /// A request with another parameter takes no part (`fwd=bypass; detail=query`): it is
    /// rendered, and neither looked up nor stored. So nobody fills the store with `?x=1`,
    /// `?x=2`, and what an edit deletes is all that is stored. `/a?` has another one, too,
    /// without a name. What other sites add to links, let nginx take out before:
    /// [`ignore_query`](crate::nginx::Site::ignore_query).
    ///
    /// ```
    /// # fn main() -> Result<(), djanginxed_runtime::ConfigError> {
    /// let pages = djanginxed_runtime::PageCache::builder().query(["page"]).build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn query<I>(mut self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let names = names.into_iter().map(|name| name.as_ref().to_owned());
        self.settings.query = Some(names.collect());
        self
    }

    /// Whether pages may have [personal parts](crate::personal); by default not.
    ///
    /// The keys of all pages of the cache then have a `+` behind the prefix, so that an
    /// nginx whose file was generated without parts never finds a page that has any, and
    /// the reverse. In a [`header`](Self::header), `{nonce}` stands for the answer's nonce; without
    /// parts it is refused.
    ///
    /// ```
    /// # use djanginxed_runtime::{ConfigError, PageCache, PageKey};
    /// # fn main() -> Result<(), ConfigError> {
    /// let pages = PageCache::builder().key_prefix("site1").parts(true).build()?;
    /// assert_eq!(pages.key("/"), PageKey::new("site1+", "/"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn parts(mut self, parts: bool) -> Self {
        self.settings.parts = parts;
        self
    }

    /// The unix socket on which nginx tells of its hits, which the application does
    /// not see otherwise: `"/run/djanginxed/hits.sock"`. The generated nginx file
    /// then sends a datagram for each hit, or for one of many
    /// ([`hit_sample`](crate::nginx::Site::hit_sample)).
    ///
    /// They are counted (`djanginxed_nginx_hits_total`), and
    /// [`hottest`](PageCache::hottest) tells the targets with the most. The folder must
    /// be there, this process must be able to make files in it, and nginx's user to
    /// enter it; the socket has mode 0660 and, in a folder with the set-group-ID bit,
    /// that folder's group. Processes of one machine may share it: one of them reads.
    /// Where none does, nginx sends nothing, or into the void, and waits for nothing.
    pub fn hit_feed(mut self, path: impl Into<String>) -> Self {
        self.settings.hit_feed = Some(path.into());
        self
    }

    /// Where this process itself answers, `"http://127.0.0.1:8080"`: it then looks after
    /// the pages that it has stored, since those that nginx serves never come by. A page
    /// that somebody has read is rendered anew when its time ends, by a request of the
    /// application to itself; what nobody has read costs nothing more. A
    /// [`purge`](PageCache::purge) replaces what is read in the same way, whichever process
    /// has stored it: beside each page in Memcached it is noted how it is asked for.
    ///
    /// The request is a GET with the target, the host and the scheme of the one whose
    /// page was stored, and with what its variant needs; it has no other header and no
    /// cookie, and goes through all middleware. **The address must be this process's
    /// own**, not that of nginx or of a balancer: only this process knows its requests,
    /// by a random word in the field `Djanginxed-Refresh` that is good for one of them.
    ///
    /// Where this process listens at a unix socket or over TLS besides, it asks itself here
    /// for included [parts](Self::parts), too.
    ///
    /// Where a page may be [stale](Self::stale) it is rendered when its timeout ends, else
    /// a little before (a tenth of it, 1 to 30 s). Of several processes one does it. Up
    /// to 10,000 pages are looked after, with targets of 2 KiB at the most and 4 MiB
    /// together; beyond that those have no refresh that nobody is known to read. A render that fails leaves the page
    /// until its stale time ends, and the next ones wait, up to 30 s.
    pub fn refresh_through(mut self, address: impl Into<String>) -> Self {
        self.refresh_through = Some(address.into());
        self
    }

    /// How many pages [`refresh_through`](Self::refresh_through) renders at a time; by
    /// default half as many as the machine has processors, and one at the least; and one
    /// more of the pages whose renders take longer than a second, which are rendered one
    /// after the other, with pauses as long as a render, so that no other waits for them. A
    /// handler that blocks its worker while it renders is asked for by visitors too: stay
    /// below the number of workers.
    pub fn refresh_at_once(mut self, renders: usize) -> Self {
        self.refresh_at_once = Some(renders);
        self
    }

    /// How long a purge waits for the renders of
    /// [`refresh_through`](Self::refresh_through), 500 ms by default, from when it has
    /// deleted what nobody reads: what is not rendered by then is deleted, too.
    pub fn purge_deadline(mut self, deadline: Duration) -> Self {
        self.purge_deadline = deadline;
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
        observe::begin();
        Ok(PageCache::new(settings))
    }

    /// Settings of a cache in memory, whatever servers and environment say.
    pub(crate) fn checked_in_memory(mut self) -> Result<Settings, ConfigError> {
        self.servers = None;
        self.checked(|_| Err(std::env::VarError::NotPresent))
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
        settings.headers = all(&self.headers, |(name, value)| {
            // Every answer has its own in the place of the marker.
            match settings.parts {
                true => constant_header(name, &value.replace("{nonce}", &nonce_marker())),
                // The word itself would be a nonce that everybody knows.
                false if value.contains("{nonce}") => Err(header_error(
                    name,
                    "{nonce} in it needs personal parts: .parts(true), DJANGINXED_PARTS=1, --parts",
                )),
                false => constant_header(name, value),
            }
        })?;
        settings.vary = Rules::check(&self.vary)?;
        settings
            .query
            .iter()
            .flatten()
            .try_for_each(|name| check_parameter(name))?;
        if let Some(statuses) = &self.statuses {
            settings.statuses = all(statuses, |status| checked_status(*status))?;
            let only_pages = settings
                .statuses
                .iter()
                .all(|status| *status == StatusCode::OK);
            if settings.layout == Layout::Body && !only_pages {
                return Err(ConfigError::StatusesOfBodies);
            }
        }
        settings.hosts = all(&self.hosts, |host| checked_host(host))?;
        if let Some(path) = &settings.hit_feed {
            let refuse = |problem| ConfigError::HitFeed {
                path: path.clone(),
                problem,
            };
            socket::check(path).map_err(refuse)?;
        }
        settings.care = match &self.refresh_through {
            Some(address) => Some(Care {
                base: refresh_base(address)?,
                at_once: self.refresh_at_once.unwrap_or_else(half_of_the_processors),
                deadline: self.purge_deadline,
            }),
            None => None,
        };
        settings.check_limits()?;
        Ok(settings)
    }
}

fn layout(word: String) -> Result<Layout, ConfigError> {
    Layout::of(&word).ok_or(ConfigError::Environment {
        name: "DJANGINXED_LAYOUT",
        value: word,
        problem: "write body or response",
    })
}

fn all<T, U>(
    given: &[T],
    check: impl FnMut(&T) -> Result<U, ConfigError>,
) -> Result<Vec<U>, ConfigError> {
    given.iter().map(check).collect()
}

#[cfg(test)]
mod tests;
