//! A site whose every value has been checked.

use std::time::Duration;

use super::addresses::{Listen, application, inner};
use super::error::{Error, refuse};
use super::feed::HitFeed;
use super::ignored::IgnoredQuery;
use super::md5::Md5;
use super::micro::MicroCache;
use super::routes::{Route, routes};
use super::site::Site;
use super::values;
use crate::host::{self, Host, Scheme};
use crate::layout::Layout;
use crate::personal::{NONCE_VARIABLE, nonce_marker};
use crate::placement::upstream_lines;
use crate::settings::Settings;
use crate::vary::{Rules, Signature};

/// Measured: larger ones gain nothing on usual pages and cost memory.
pub(super) const BUFFER: &str = "32k";

/// Longer host names may not fit into nginx's hashes as they are.
pub(super) const LONG_NAME: usize = 40;

/// What reads a stored page in nginx.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// `memcached_pass` in the inner server: bodies.
    Bodies,
    /// srcache-nginx-module: whole responses.
    Srcache,
    /// A function in njs in the inner server: whole responses.
    Script,
}

/// What is written, in the words of nginx's file.
pub(super) struct Plan {
    /// Begins every name that other sites must not share.
    pub(super) name: String,
    /// Whether there may be other sites in the same nginx.
    pub(super) is_named: bool,
    pub(super) memcached: Vec<String>,
    pub(super) single_memcached: bool,
    pub(super) timeout: String,
    pub(super) applications: Vec<String>,
    pub(super) listens: Vec<Listen>,
    pub(super) inner: String,
    /// What follows the host in a URL: nothing, or `:8080`.
    pub(super) public_port: String,
    pub(super) tls: Option<(String, String)>,
    pub(super) server_names: Vec<String>,
    pub(super) hosts: Vec<String>,
    /// Those of the hosts with the scheme that they are not named with.
    pub(super) foreign_origins: Vec<String>,
    pub(super) bypass_cookies: Vec<String>,
    /// In lower case, each once.
    pub(super) bypass_headers: Vec<String>,
    pub(super) routes: Vec<Route>,
    /// Whether requests are treated alike in all of them.
    pub(super) one_kind: bool,
    pub(super) ignored: IgnoredQuery,
    pub(super) vary: Rules,
    pub(super) parts: bool,
    pub(super) headers: Vec<(String, String)>,
    pub(super) cache_status: bool,
    pub(super) md5: Md5,
    pub(super) layout: Layout,
    /// An entry of the application has no more bytes.
    pub(super) max_entry_size: usize,
    pub(super) script_path: String,
    pub(super) modules: Option<String>,
    pub(super) client_max_body_size: String,
    pub(super) hit_feed: Option<HitFeed>,
    /// Whether pages stand in for errors.
    pub(super) stale_if_error: bool,
    pub(super) micro_cache: Option<MicroCache>,
}

impl Plan {
    pub(super) fn is_bypass_header(&self, field: &str) -> bool {
        let mut headers = self.bypass_headers.iter();
        headers.any(|header| header.eq_ignore_ascii_case(field))
    }

    /// Whether expressions look for something in Cookie.
    pub(super) fn reads_cookies(&self) -> bool {
        !self.bypass_cookies.is_empty() || self.vary.fields().contains(&"Cookie")
    }

    /// Whether expressions look for something in Accept-Language.
    pub(super) fn reads_languages(&self) -> bool {
        self.vary.fields().contains(&"Accept-Language")
    }

    pub(super) fn check(site: &Site) -> Result<Plan, Error> {
        let settings = &site.settings;
        let listens = listens(site)?;
        let routes = routes(site)?;
        Ok(Plan {
            name: match &site.name {
                Some(name) => values::site_name(name)?,
                None => "djanginxed".to_owned(),
            },
            is_named: site.name.is_some(),
            memcached: memcached(settings)?,
            single_memcached: settings.servers.len() == 1,
            timeout: timeout(settings.operation_timeout),
            applications: applications(site)?,
            public_port: public_port(site, &listens)?,
            inner: inner(&site.inner, &listens)?,
            listens,
            tls: tls(site)?,
            server_names: server_names(site)?,
            hosts: hosts(&settings.hosts)?,
            foreign_origins: foreign_origins(&settings.hosts),
            bypass_cookies: each(&settings.bypass_cookies, |name| values::cookie_name(name))?,
            bypass_headers: bypass_headers(settings)?,
            one_kind: routes.iter().all(|route| route.kind == 0),
            routes,
            ignored: IgnoredQuery::new(&site.ignored_query)?,
            vary: settings.vary.clone(),
            parts: settings.parts,
            headers: headers(settings)?,
            cache_status: settings.cache_status,
            md5: module(site)?,
            layout: settings.layout,
            max_entry_size: settings.max_entry_size,
            script_path: values::file("script", &site.script_path)?,
            modules: (site.modules.as_ref())
                .map(|folder| values::file("modules", folder))
                .transpose()?,
            client_max_body_size: values::size(&site.client_max_body_size)?,
            hit_feed: (settings.hit_feed.as_ref())
                .map(|path| HitFeed::check(path, site.hit_sample))
                .transpose()?,
            stale_if_error: site.stale_if_error,
            micro_cache: micro_cache(site)?,
        })
    }
}

impl Plan {
    pub(super) fn reader(&self) -> Reader {
        match (self.layout, self.md5) {
            (Layout::Body, _) => Reader::Bodies,
            (Layout::Response, Md5::SetMisc) => Reader::Srcache,
            (Layout::Response, Md5::Njs) => Reader::Script,
        }
    }

    /// What the inner server answers where it has no page.
    pub(super) fn miss(&self) -> u16 {
        match self.reader() {
            // 404 may be a page. No entry is given out with one of nginx's own words for
            // failures.
            Reader::Script => 502,
            Reader::Bodies | Reader::Srcache => 404,
        }
    }

    /// The variable that says that a request goes past the cache.
    pub(super) fn past(&self) -> String {
        let word = if self.one_kind { "bypass" } else { "past" };
        format!("{}_{word}", self.name)
    }

    /// The variable with the target that keys are made of.
    pub(super) fn target(&self) -> String {
        match self.ignored.is_empty() {
            true => "$request_uri".to_owned(),
            false => format!("${}_target", self.name),
        }
    }

    /// Which upstream has the pages that stand in for errors: they lie on their pages'
    /// servers.
    pub(super) fn copies(&self) -> String {
        match self.single_memcached {
            true => format!("{}_memcached", self.name),
            false => format!("{}_copies", self.name),
        }
    }

    /// What that upstream hashes, where there are several servers.
    pub(super) fn page_variable(&self) -> String {
        format!("${}_page", self.name)
    }

    /// Each content type once; the inner server has a location for each.
    pub(super) fn content_types(&self) -> Vec<&str> {
        let mut types: Vec<&str> = Vec::new();
        for page in self.routes.iter().filter_map(|route| route.page.as_ref()) {
            if !types.contains(&page.content_type.as_str()) {
                types.push(&page.content_type);
            }
        }
        types
    }
}

fn micro_cache(site: &Site) -> Result<Option<MicroCache>, Error> {
    let path = site.micro_cache_path.as_deref();
    let check = |seconds| MicroCache::check(seconds, path, site.settings.layout);
    site.micro_cache.map(check).transpose()
}

fn module(site: &Site) -> Result<Md5, Error> {
    let mut seals = site.settings.vary.seals();
    let hmac = seals.find(|(_, seal)| seal.signature == Signature::Hmac);
    match (site.md5, hmac) {
        (Md5::SetMisc, Some((rule, _))) => Err(refuse(
            "group-hmac",
            &rule.name,
            "nginx works an HMAC out by njs alone: use md5 njs, or declare the group without hmac",
        )),
        (md5, _) => Ok(md5),
    }
}

fn each<T, U>(items: &[T], check: impl Fn(&T) -> Result<U, Error>) -> Result<Vec<U>, Error> {
    items.iter().map(check).collect()
}

fn memcached(settings: &Settings) -> Result<Vec<String>, Error> {
    if settings.servers.is_empty() {
        return Err(Error::NoMemcached);
    }
    let lines = upstream_lines(&settings.servers, settings.placement);
    Ok(lines.lines().map(with_failure_limits).collect())
}

/// nginx's own defaults send every visitor to the application for ten seconds
/// after one slow answer.
fn with_failure_limits(line: &str) -> String {
    let line = line.trim_end_matches(';');
    let mut line = line.to_owned();
    if line.starts_with("server ") {
        for (name, value) in [("max_fails=", "2"), ("fail_timeout=", "5s")] {
            if !line.contains(name) {
                line.push_str(&format!(" {name}{value}"));
            }
        }
    }
    line
}

fn applications(site: &Site) -> Result<Vec<String>, Error> {
    if site.applications.is_empty() {
        return Err(Error::NoApplication);
    }
    each(&site.applications, |address| application(address))
}

fn listens(site: &Site) -> Result<Vec<Listen>, Error> {
    if site.listens.is_empty() {
        let port = if site.tls.is_some() { "443" } else { "80" };
        return Ok(vec![Listen::parse(port)?]);
    }
    let mut listens = each(&site.listens, |address| Listen::parse(address))?;
    once(&mut listens);
    Ok(listens)
}

fn public_port(site: &Site, listens: &[Listen]) -> Result<String, Error> {
    let port = (site.public_port).or_else(|| Some(listens.first()?.port));
    match (port, site.tls.is_some()) {
        (Some(0), _) => Err(refuse("public port", "0", "give a port of 1 to 65535")),
        (None | Some(80), false) | (None | Some(443), true) => Ok(String::new()),
        (Some(port), _) => Ok(format!(":{port}")),
    }
}

fn tls(site: &Site) -> Result<Option<(String, String)>, Error> {
    let Some((certificate, key)) = &site.tls else {
        return Ok(None);
    };
    Ok(Some((
        values::file("TLS certificate", certificate)?,
        values::file("TLS key", key)?,
    )))
}

/// At least what nginx can express; and at most a day, beyond which it has no
/// numbers and nobody's patience ends.
fn timeout(limit: Duration) -> String {
    let milliseconds = limit.min(Duration::from_secs(86_400)).as_millis();
    format!("{}ms", milliseconds.max(1))
}

fn bypass_headers(settings: &Settings) -> Result<Vec<String>, Error> {
    let mut names = each(&settings.bypass_headers, |name| {
        values::bypass_header(name.as_str())
    })?;
    once(&mut names);
    // Their variables stand beside each other in one parameter of nginx's `map`.
    let mut length = 0;
    for name in &names {
        length += values::header_variable(name).len();
        if length > values::MAX_PARAMETER {
            return Err(refuse(
                "bypass header",
                name,
                "with it, the names of all are longer than nginx takes (3,500 characters)",
            ));
        }
    }
    Ok(names)
}

/// Leaves out what stands there already: nginx takes some lines only once.
fn once<T: PartialEq>(items: &mut Vec<T>) {
    let mut at = 0;
    while at < items.len() {
        if items[..at].contains(&items[at]) {
            items.remove(at);
        } else {
            at += 1;
        }
    }
}

fn server_names(site: &Site) -> Result<Vec<String>, Error> {
    let mut names = if site.server_names.is_empty() {
        hosts(&site.settings.hosts)?
    } else {
        each(&site.server_names, |name| {
            values::host_name("server_name", name)
        })?
    };
    once(&mut names);
    if names.is_empty() {
        return Err(Error::NoServerName);
    }
    Ok(names)
}

fn hosts(hosts: &[Host]) -> Result<Vec<String>, Error> {
    let mut hosts = each(hosts, |host| values::host_name("cached host", &host.name))?;
    once(&mut hosts);
    Ok(hosts)
}

fn foreign_origins(hosts: &[Host]) -> Vec<String> {
    let origins = hosts.iter().flat_map(|host| {
        let other = |scheme: &Scheme| !host::is_allowed(hosts, &host.name, *scheme);
        let schemes = [Scheme::Http, Scheme::Https].into_iter().filter(other);
        schemes.map(|scheme| format!("{scheme}://{}", host.name.to_ascii_lowercase()))
    });
    let mut origins: Vec<_> = origins.collect();
    once(&mut origins);
    origins
}

fn headers(settings: &Settings) -> Result<Vec<(String, String)>, Error> {
    each(&settings.headers, |(name, value)| {
        let marker = nonce_marker();
        let value = String::from_utf8_lossy(value.as_bytes()).replace(&marker, "{nonce}");
        if settings.parts {
            // As long as it is written.
            let written = value.replace("{nonce}", &"n".repeat(NONCE_VARIABLE.len() + 3));
            values::header_value(written.as_bytes())?;
        }
        let value = values::header_value(value.as_bytes())?;
        Ok((values::header_name(name.as_str())?, value))
    })
}
