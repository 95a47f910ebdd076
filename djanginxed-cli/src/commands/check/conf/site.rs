//! What the file says about one URL.

use std::path::PathBuf;

use djanginxed::Layout;

use super::Conf;
use super::key::hashed;
use super::read::{Directive, deep};
use crate::dial::socket_of;
use crate::http::{Url, path_of};

/// What the file says about one URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Site {
    /// The location that answers it, as written.
    pub(crate) location: String,
    /// What the key is made of: nginx's text, `site1$request_uri`.
    pub(crate) key: Option<String>,
    pub(crate) upstream: Option<Upstream>,
    /// What nginx reads there; none where no Memcached is asked.
    pub(crate) layout: Option<Layout>,
    pub(crate) error_page: Option<ErrorPage>,
    /// `default_type` of the location that asks Memcached.
    pub(crate) content_type: Option<String>,
    /// Whether it gives copies out in place of the application's errors.
    pub(crate) has_copies: bool,
    /// What pages vary by, as `--vary` has it; empty also where the file says it otherwise
    /// than a generated one does.
    pub(crate) rules: Vec<String>,
    /// By which a group's cookie is signed.
    pub(crate) secret: Option<String>,
    /// The `server_name`s that are one host each.
    pub(crate) names: Vec<String>,
    /// The hosts whose pages are cached (`--cached-host`), where not all are.
    pub(crate) cached_hosts: Option<Vec<String>>,
    /// The query parameters that are taken out of targets, as `--ignore-query` has them.
    pub(crate) ignored: Vec<String>,
    /// The unix sockets of the application's processes.
    pub(crate) app_sockets: Vec<PathBuf>,
    /// Where a generated location asks for stored pages, and no server of the file gives any
    /// out.
    pub(crate) lost_inner: Option<String>,
    /// For how long nginx does not see that a page was purged, where it keeps copies.
    pub(crate) lag: Option<String>,
}

/// An upstream of Memcached servers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Upstream {
    /// `host:port` or `unix:/path`, and weight; without those that are down.
    pub(crate) servers: Vec<(String, u32)>,
    pub(crate) consistent: bool,
}

/// `error_page CODES = TARGET`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ErrorPage {
    pub(crate) codes: Vec<String>,
    pub(crate) equals: bool,
}

/// By this a location answers what a function in njs says.
const SCRIPT: &str = "js_content";

impl Conf {
    /// What the file says about `url`; none where no server answers to its host.
    pub(crate) fn site(&self, url: &Url) -> Option<Site> {
        let server = self.server(url)?;
        let path = path_of(&url.target);
        let location = location(server, path)?;
        let mut site = Site {
            location: location.args.join(" "),
            key: self.key(location),
            rules: (hashed(location).and_then(|key| self.rules(&key))).unwrap_or_default(),
            secret: secret(location),
            has_copies: has_copies(server),
            error_page: error_page(location).or_else(|| error_page(server)),
            names: names(server),
            cached_hosts: site_name(location).and_then(|name| self.cached_hosts(name)),
            ignored: (site_name(location).map(|name| self.ignored(name))).unwrap_or_default(),
            app_sockets: (site_name(location).map(|name| self.app_sockets(name)))
                .unwrap_or_default(),
            ..Site::default()
        };
        if let Some((asks, inside)) = self.asks_memcached(server, location) {
            site.upstream = self.upstream(asks.arg(0));
            let by_srcache = location.first("srcache_fetch").is_some();
            let is_whole = by_srcache || inside.0.first(SCRIPT).is_some();
            site.layout = Some(match is_whole {
                true => Layout::Response,
                false => Layout::Body,
            });
            site.lag = lag(location, inside.1);
            let types = [inside.0, inside.1].map(|block| block.first("default_type"));
            let found = types.into_iter().flatten().next();
            // Of whole responses each says its own.
            let found = found.filter(|_| !is_whole);
            site.content_type = found.map(|found| found.arg(0).to_owned());
        } else if site_name(location).is_some() {
            site.lost_inner = (self.asked_inside(location)).map(|(address, _)| address.to_owned());
        }
        Some(site)
    }

    /// The name of each upstream.
    pub(crate) fn upstreams(&self) -> Vec<String> {
        let upstreams = self.named("upstream");
        upstreams.map(|block| block.arg(0).to_owned()).collect()
    }

    /// The paths of the locations beside which `url` is answered, but for expressions.
    pub(crate) fn locations(&self, url: &Url) -> Vec<String> {
        let Some(server) = self.server(url) else {
            return Vec::new();
        };
        let blocks = server
            .all("location")
            .filter(|block| !block.arg(0).starts_with('@'));
        let paths = blocks.filter_map(|block| match block.args.as_slice() {
            [path] => Some(path.clone()),
            [modifier, path] if modifier == "^~" || modifier == "=" => Some(path.clone()),
            _ => None,
        });
        paths.collect()
    }

    fn servers(&self) -> Vec<&Directive> {
        let servers = self.named("server");
        servers.filter(|server| server.args.is_empty()).collect()
    }

    fn server(&self, url: &Url) -> Option<&Directive> {
        let servers = self.servers();
        let host = url.origin.host.to_ascii_lowercase();
        let named = |server: &&&Directive| {
            let mut names = server.all("server_name").flat_map(|names| &names.args);
            names.any(|name| is_named(name, &host))
        };
        let caches = |server: &&&Directive| {
            let mut locations = server.all("location");
            locations.any(|location| self.asks_memcached(server, location).is_some())
        };
        let port = url.origin.port.to_string();
        let here = |server: &&&Directive| {
            let mut listens = server.all("listen");
            listens.any(|listen| listen.arg(0).rsplit(':').next() == Some(&port))
        };
        let candidates: Vec<_> = servers.iter().filter(named).collect();
        let by_port = candidates.iter().copied().find(here);
        let found = by_port.or_else(|| candidates.first().copied());
        // A part of a file has no names.
        found.or_else(|| servers.iter().find(caches)).copied()
    }

    /// The directive that asks Memcached for a location's pages, and the blocks
    /// it stands in: in the location itself, in another one that srcache asks, in an
    /// inner server, or in a location that a script in there asks.
    fn asks_memcached<'a>(
        &'a self,
        server: &'a Directive,
        location: &'a Directive,
    ) -> Option<(&'a Directive, (&'a Directive, &'a Directive))> {
        if let Some(pass) = location.first("memcached_pass") {
            return Some((pass, (location, location)));
        }
        if let Some(fetch) = location.first("srcache_fetch") {
            let path = path_of(fetch.arg(1));
            let block = self::location(server, path)?;
            let pass = block.first("memcached_pass").or(block.first("memc_pass"))?;
            return Some((pass, (block, server)));
        }
        let (address, path) = self.asked_inside(location)?;
        let servers = self.servers();
        let inner = servers
            .into_iter()
            .find(|server| server.all("listen").any(|listen| listen.arg(0) == address))?;
        let at = |path: &str| {
            let mut locations = inner.all("location");
            locations.find(|block| block.args.last().is_some_and(|last| last == path))
        };
        let block = at(path)?;
        let asks = match block.first(SCRIPT) {
            Some(_) => at(&format!("{path}/entry"))?.first("memcached_pass"),
            None => block.first("memcached_pass"),
        };
        Some((asks?, (block, inner)))
    }

    /// Where a location asks an inner server for pages: its address, and the path there.
    fn asked_inside<'a>(&'a self, location: &'a Directive) -> Option<(&'a str, &'a str)> {
        let pass = location.first("proxy_pass")?.arg(0);
        let rest = pass.strip_prefix("http://")?;
        let (name, path) = rest.split_at(rest.find('/')?);
        let address = self.named_upstream(name)?.first("server")?.arg(0);
        Some((address, path_of(path)))
    }

    /// The unix sockets of the application, as a generated file names it.
    fn app_sockets(&self, site: &str) -> Vec<PathBuf> {
        let upstream = self.named_upstream(&format!("{site}_app"));
        let servers = upstream.into_iter().flat_map(|block| block.all("server"));
        servers
            .filter_map(|server| socket_of(server.arg(0)).map(PathBuf::from))
            .collect()
    }

    fn named_upstream(&self, name: &str) -> Option<&Directive> {
        let upstreams = self.named("upstream");
        upstreams.filter(|block| block.arg(0) == name).last()
    }

    fn upstream(&self, name: &str) -> Option<Upstream> {
        let Some(block) = self.named_upstream(name) else {
            // memcached_pass takes an address, too.
            return Some(Upstream {
                servers: vec![(name.to_owned(), 1)],
                consistent: true,
            });
        };
        let asked = block.all("server").filter(|server| {
            let rest = server.args.iter();
            !rest.clone().any(|arg| arg == "down" || arg == "backup")
        });
        let servers = asked.map(|server| {
            let weight = weight(server.args.iter().map(String::as_str));
            (server.arg(0).to_owned(), weight)
        });
        let hash = block.first("hash");
        Some(Upstream {
            servers: servers.collect(),
            consistent: hash.is_none_or(|hash| hash.args.iter().any(|arg| arg == "consistent")),
        })
    }
}

/// The weight that the words of a `server` line give.
pub(crate) fn weight<'a>(words: impl Iterator<Item = &'a str>) -> u32 {
    let mut weights = words.filter_map(|word| word.strip_prefix("weight="));
    let weight = weights.next().and_then(|weight| weight.parse().ok());
    weight.unwrap_or(1)
}

/// What a generated file calls the site: its names begin so.
fn site_name(location: &Directive) -> Option<&str> {
    let mut pages = location.all("error_page");
    pages.find_map(|page| page.args.last()?.strip_prefix('@')?.strip_suffix("_app"))
}

fn names(server: &Directive) -> Vec<String> {
    let names = server.all("server_name").flat_map(|names| &names.args);
    let names = names.map(|name| super::maps::host(name));
    names.filter(|name| !name.contains('*')).collect()
}

/// The secret of a group, as a generated file has it: at the end of what is hashed, or in
/// a variable, which is emptied afterwards.
fn secret(location: &Directive) -> Option<String> {
    let secrets = deep(&location.block).filter_map(|directive| {
        match (directive.name.as_str(), directive.arg(0)) {
            ("secure_link_md5", hashed) => hashed.rsplit(' ').next(),
            ("set", "$djanginxed_secret") => Some(directive.arg(1)),
            _ => None,
        }
    });
    let written = secrets.filter(|text| !text.is_empty());
    written.last().map(str::to_owned)
}

fn is_named(name: &str, host: &str) -> bool {
    let name = name.to_ascii_lowercase();
    match (name.strip_prefix("*."), name.strip_prefix('.')) {
        (Some(rest), _) => host.ends_with(&format!(".{rest}")),
        (_, Some(rest)) => host == rest || host.ends_with(&name),
        _ => name == host,
    }
}

/// The location that nginx chooses for `path`. Expressions that this cannot read
/// match nothing.
fn location<'a>(server: &'a Directive, path: &str) -> Option<&'a Directive> {
    let all: Vec<_> = server.all("location").collect();
    let exact = |block: &&&Directive| block.arg(0) == "=" && block.arg(1) == path;
    if let Some(found) = all.iter().find(exact) {
        return Some(found);
    }
    let longest = all
        .iter()
        .filter_map(|block| match block.args.as_slice() {
            [start] if path.starts_with(start.as_str()) => Some((start.len(), false, block)),
            [modifier, start] if modifier == "^~" && path.starts_with(start.as_str()) => {
                Some((start.len(), true, block))
            }
            _ => None,
        })
        .max_by_key(|(length, ..)| *length);
    if let Some((_, true, block)) = longest {
        return Some(block);
    }
    let by_expression = all.iter().find(|block| {
        let ignore_case = block.arg(0) == "~*";
        (ignore_case || block.arg(0) == "~") && expression(block.arg(1), ignore_case, path)
    });
    by_expression
        .or(longest.as_ref().map(|(_, _, block)| *block))
        .copied()
}

fn expression(pattern: &str, ignore_case: bool, path: &str) -> bool {
    let mut builder = regex_lite::RegexBuilder::new(pattern);
    let built = builder.case_insensitive(ignore_case).build();
    built.is_ok_and(|expression| expression.is_match(path))
}

/// As the generated file writes its micro cache: the inner server says how long.
fn lag(location: &Directive, inner: &Directive) -> Option<String> {
    let cache = location.first("proxy_cache")?.arg(0);
    if cache == "off" {
        return None;
    }
    let mut headers = inner.all("add_header");
    let life = headers.find(|header| header.arg(0).eq_ignore_ascii_case("X-Accel-Expires"));
    Some(match life.map(|life| life.arg(1)) {
        Some(end) if end.starts_with('@') => "for up to 1 s".to_owned(),
        // nginx counts in whole seconds.
        Some(seconds) if seconds.parse::<u32>().is_ok() => {
            let seconds = seconds.parse::<u32>().unwrap_or_default();
            format!("for up to {} s", seconds.saturating_add(1))
        }
        _ => format!("for as long as proxy_cache {cache} keeps its copy"),
    })
}

/// Whether a location asks for the copy of a page, as those of the generated file do.
fn has_copies(server: &Directive) -> bool {
    let is_copy =
        |arg: &String| arg.contains("/copy/") || arg.contains("/copy?") || arg.ends_with("_copy");
    deep(&server.block).any(|directive| {
        let asks = ["proxy_pass", "srcache_fetch"].contains(&directive.name.as_str());
        asks && directive.args.iter().any(is_copy)
    })
}

fn error_page(block: &Directive) -> Option<ErrorPage> {
    let mut found: Option<ErrorPage> = None;
    for directive in block.all("error_page") {
        let (_, words) = directive.args.split_last()?;
        let page = found.get_or_insert(ErrorPage {
            codes: Vec::new(),
            equals: true,
        });
        page.equals &= words.last().is_some_and(|word| word == "=");
        page.codes
            .extend(words.iter().filter(|word| !word.starts_with('=')).cloned());
    }
    found
}

#[cfg(test)]
mod tests;
