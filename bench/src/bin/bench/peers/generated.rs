//! nginx with the generated file.

use bench::stand::SECRET;
use djanginxed::nginx::{Md5, Site};
use djanginxed::{ConfigError, Layout, PageCache, PageCacheBuilder, Vary};
use testkit::{Memcached, Module, free_port};

use super::unix_memcached::UnixMemcached;
use super::{Peer, nginx};
use crate::contest::Outcome;

/// How an application stores pages, and how nginx finds them.
#[derive(Clone, Copy, Default)]
pub(crate) struct Stored {
    pub(crate) prefix: &'static str,
    pub(crate) gzip: bool,
    pub(crate) layout: Layout,
    pub(crate) md5: Md5,
    /// What pages vary by.
    pub(crate) vary: &'static [&'static str],
    /// Parameters that make no other page.
    pub(crate) ignored: &'static [&'static str],
    pub(crate) parts: bool,
}

impl Stored {
    /// The cache's settings.
    pub(crate) fn settings(&self, memcached: &str) -> Outcome<PageCache> {
        let settings = PageCache::builder()
            .memcached([memcached])
            .key_prefix(self.prefix)
            .gzip(self.gzip)
            .parts(self.parts)
            .layout(self.layout);
        let with_rule = |settings: PageCacheBuilder, rule: &&str| {
            Ok(settings.vary(rule.parse::<Vary>()?.with_secret(SECRET)))
        };
        let settings = self.vary.iter().try_fold(settings, with_rule);
        settings
            .and_then(PageCacheBuilder::build)
            .map_err(|error: ConfigError| error.to_string())
    }
}

/// nginx with the generated file, for pages that the application on `app`
/// stores in `memcached`.
pub(crate) fn generated(memcached: &Memcached, stored: Stored, app: u16) -> Outcome<Peer> {
    let (modules, site) = site(&memcached.address(), stored, app)?;
    let script = file(&site, 1)?.1;
    nginx(&modules, script, |port| Ok(file(&site, port)?.0))
}

/// The generated file with Memcached's address replaced by a unix socket, which
/// the application cannot store through: an outlook. The entries are put there
/// by us.
pub(crate) fn over_unix_socket(
    prefix: &'static str,
    entries: &[(String, Vec<u8>)],
    app: u16,
) -> Outcome<Peer> {
    let memcached = UnixMemcached::start()?;
    memcached.put(prefix, entries)?;
    let stand_in = "127.0.0.1:11211";
    let stored = Stored {
        prefix,
        gzip: true,
        ..Stored::default()
    };
    let (modules, site) = site(stand_in, stored, app)?;
    let socket = format!("unix:{}", memcached.socket.display());
    let mut peer = nginx(&modules, "", |port| {
        Ok(file(&site, port)?.0.replace(stand_in, &socket))
    })?;
    peer._running.push(Box::new(memcached));
    Ok(peer)
}

fn site(memcached: &str, stored: Stored, app: u16) -> Outcome<(Vec<Module>, Site)> {
    let site = Site::new(&stored.settings(memcached)?)
        .server_name("127.0.0.1")
        .app(format!("127.0.0.1:{app}"))
        .md5(stored.md5);
    let site = stored
        .ignored
        .iter()
        .copied()
        .fold(site, Site::ignore_query);
    let mut modules = vec![match stored.md5 {
        Md5::Njs => Module::Njs,
        _ => Module::SetMisc,
    }];
    if stored.layout == Layout::Response {
        modules.extend([Module::Srcache, Module::Memc]);
    }
    Ok((modules, site))
}

/// The file and its script.
fn file(site: &Site, port: u16) -> Outcome<(String, &'static str)> {
    let site = site
        .clone()
        .listen(format!("127.0.0.1:{port}"))
        .inner(format!("127.0.0.1:{}", free_port()));
    let files = site.generate().map_err(|error| error.to_string())?;
    Ok((files.site(), files.script().unwrap_or_default()))
}
