//! An application that stores pages, and nginx with the generated file before it.

use bench::stand::SECRET;
use djanginxed::nginx::{Files, Md5, Site};
use djanginxed::{ConfigError, Layout, PageCache, PageCacheBuilder, Vary};
use testkit::{Memcached, Module, free_port};

use super::{Peer, nginx, public_folder};
use crate::app::{App, memcached};
use crate::contest::Outcome;
use crate::stage::Stage;

/// How pages are stored, and how nginx finds them.
#[derive(Clone, Copy, Default)]
pub(crate) struct Stored {
    pub(crate) gzip: bool,
    pub(crate) layout: Layout,
    pub(crate) md5: Md5,
    /// What pages vary by.
    pub(crate) vary: &'static [&'static str],
    /// Parameters that make no other page.
    pub(crate) ignored: &'static [&'static str],
    pub(crate) parts: bool,
    /// nginx keeps what is hot for a second.
    pub(crate) micro_cache: bool,
    /// Memcached and the inner server listen on unix sockets.
    pub(crate) sockets: bool,
}

/// All that runs. It ends with this value.
pub(crate) struct Running {
    pub(crate) nginx: Peer,
    pub(crate) app: App,
    pub(crate) _memcached: Memcached,
}

impl Stored {
    /// Starts a variant of the application, and what is around it.
    pub(crate) fn start(&self, stage: &Stage, arguments: &[&str]) -> Outcome<Running> {
        let memcached = match self.sockets {
            false => memcached(256)?,
            true => {
                let memcached = Memcached::builder().threads(2).memory_mb(256).socket(0o777);
                memcached.start().map_err(|error| error.to_string())?
            }
        };
        let app = self.app(stage, &memcached, arguments)?;
        let nginx = self.nginx(&memcached, app.port)?;
        Ok(Running {
            nginx,
            app,
            _memcached: memcached,
        })
    }

    /// The application alone.
    pub(crate) fn app(
        &self,
        stage: &Stage,
        memcached: &Memcached,
        arguments: &[&str],
    ) -> Outcome<App> {
        let mut arguments = arguments.to_vec();
        let flags = [
            (self.gzip, "--gzip"),
            (self.layout == Layout::Response, "--whole"),
            (self.parts, "--parts"),
        ];
        arguments.extend(flags.iter().filter(|flag| flag.0).map(|flag| flag.1));
        arguments.extend(self.vary.iter().flat_map(|rule| ["--vary", rule]));
        App::with(stage, memcached, &arguments)
    }

    fn nginx(&self, memcached: &Memcached, app: u16) -> Outcome<Peer> {
        let pages = self.settings(memcached);
        let pages = pages.map_err(|error| error.to_string())?;
        let folder = public_folder("inner-")?;
        let generate = |port| self.generate(&pages, port, app, &folder.path().display());
        let files = generate(1)?;
        let mut modules = vec![match self.md5 {
            Md5::Njs => Module::Njs,
            _ => Module::SetMisc,
        }];
        if self.layout == Layout::Response && self.md5 != Md5::Njs {
            modules.extend([Module::Srcache, Module::Memc]);
        }
        let script = files.script().unwrap_or_default();
        let mut peer = nginx(&modules, script, |port| Ok(generate(port)?.site()))?;
        peer._running.push(Box::new(folder));
        Ok(peer)
    }

    /// The cache's settings, as the application has them.
    fn settings(&self, memcached: &Memcached) -> Result<PageCache, ConfigError> {
        let settings = PageCache::builder()
            .memcached([memcached.address()])
            .key_prefix("bench")
            .gzip(self.gzip)
            .parts(self.parts)
            .layout(self.layout);
        let with_rule = |settings: PageCacheBuilder, rule: &&str| {
            Ok(settings.vary(rule.parse::<Vary>()?.with_secret(SECRET)))
        };
        let settings = self.vary.iter().try_fold(settings, with_rule)?;
        settings.build()
    }

    fn generate(
        &self,
        pages: &PageCache,
        port: u16,
        app: u16,
        folder: &impl std::fmt::Display,
    ) -> Outcome<Files> {
        let mut site = Site::new(pages)
            .server_name("127.0.0.1")
            .listen(format!("127.0.0.1:{port}"))
            .app(format!("127.0.0.1:{app}"))
            .md5(self.md5);
        site = self.ignored.iter().copied().fold(site, Site::ignore_query);
        site = match self.sockets {
            true => site.inner(format!("unix:{folder}/inner")),
            false => site.inner(format!("127.0.0.1:{}", free_port())),
        };
        if self.micro_cache {
            site = site.micro_cache(1).micro_cache_path("micro");
        }
        site.generate().map_err(|error| error.to_string())
    }
}
