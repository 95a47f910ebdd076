//! An application that stores pages, and nginx with the generated file before it.

use bench::variant::Variant;
use clap::Parser;
use djanginxed::nginx::{Files, Md5, Site};
use djanginxed::{Layout, PageCache};
use testkit::{Memcached, Module, free_port};

use super::{Peer, nginx};
use crate::app::{App, memcached};
use crate::contest::{Outcome, said};
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
}

impl Stored {
    /// Starts a variant of the application, and what is around it.
    pub(crate) fn start(&self, stage: &Stage, arguments: &[&str]) -> Outcome<Running> {
        let memcached = match self.sockets {
            false => memcached(256)?,
            true => {
                let memcached = Memcached::builder().threads(2).memory_mb(256).socket(0o777);
                said(memcached.start())?
            }
        };
        let address = memcached.address();
        let arguments = self.arguments(arguments);
        let pages = settings(&address, &arguments)?;
        let inner = match self.sockets {
            // Beside Memcached's, where nginx may enter.
            true => format!("{address}.inner"),
            false => format!("127.0.0.1:{}", free_port()),
        };
        let app = App::with(stage, memcached, &arguments)?;
        let generate = |port| self.generate(&pages, port, app.port, &inner);
        let files = generate(1)?;
        let modules: &[Module] = match (self.md5, self.layout) {
            (Md5::Njs, _) => &[Module::Njs],
            (_, Layout::Response) => &[Module::SetMisc, Module::Srcache, Module::Memc],
            _ => &[Module::SetMisc],
        };
        let script = files.script().unwrap_or_default();
        let nginx = nginx(modules, script, |port| Ok(generate(port)?.site()))?;
        Ok(Running { nginx, app })
    }

    /// As the application's command line has them.
    fn arguments<'a>(&self, handler: &[&'a str]) -> Vec<&'a str> {
        let flags = [
            (self.gzip, "--gzip"),
            (self.layout == Layout::Response, "--whole"),
            (self.parts, "--parts"),
        ];
        let flags = flags.iter().filter(|flag| flag.0).map(|flag| flag.1);
        let rules = self.vary.iter().flat_map(|rule| ["--vary", rule]);
        handler.iter().copied().chain(flags).chain(rules).collect()
    }

    fn generate(&self, pages: &PageCache, port: u16, app: u16, inner: &str) -> Outcome<Files> {
        let mut site = Site::new(pages)
            .server_name("127.0.0.1")
            .listen(format!("127.0.0.1:{port}"))
            .app(format!("127.0.0.1:{app}"))
            .inner(inner)
            .md5(self.md5);
        site = self.ignored.iter().copied().fold(site, Site::ignore_query);
        if self.micro_cache {
            site = site.micro_cache(1).micro_cache_path("micro");
        }
        said(site.generate())
    }
}

/// The cache's settings, as the application reads them.
fn settings(memcached: &str, arguments: &[&str]) -> Outcome<PageCache> {
    // Pages are none of nginx's concern.
    let line = ["bench-app", "--pages", ".", "--memcached", memcached];
    let variant = said(Variant::try_parse_from([&line, arguments].concat()))?;
    said(variant.cache().build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nginx_is_generated_from_what_the_application_is_told() {
        let stored = Stored {
            gzip: true,
            layout: Layout::Response,
            vary: &["language=en,de"],
            ..Stored::default()
        };
        let arguments = stored.arguments(&["brief", "--waiting-ms", "50", "--refreshes", "16"]);
        let pages = settings("127.0.0.1:11211", &arguments).unwrap();
        let files = stored
            .generate(&pages, 8080, 8081, "127.0.0.1:8082")
            .unwrap();
        let site = files.site();
        assert!(
            site.contains("srcache_fetch") && site.contains("$http_accept_language"),
            "{site}"
        );
    }
}
