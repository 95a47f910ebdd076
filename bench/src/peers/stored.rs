//! An application that stores pages, and nginx with the generated file before it.

use anyhow::Result;
use djanginxed::nginx::{Files, Md5, Site};
use djanginxed::{Layout, PageCache};
use testkit::{Memcached, Module, free_port};

use super::{Peer, nginx};
use crate::app::{App, Variant, memcached};

/// How pages are stored, and how nginx finds them.
#[derive(Clone, Copy)]
pub(crate) struct Stored {
    pub(crate) variant: Variant,
    pub(crate) md5: Md5,
    /// Parameters that make no other page.
    pub(crate) ignored: &'static [&'static str],
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

impl From<Variant> for Stored {
    fn from(variant: Variant) -> Stored {
        Stored {
            variant,
            md5: Md5::default(),
            ignored: &[],
            micro_cache: false,
            sockets: false,
        }
    }
}

impl Stored {
    /// Starts the application, and what is around it.
    pub(crate) fn start(&self) -> Result<Running> {
        let memcached = match self.sockets {
            false => memcached(256)?,
            true => {
                let memcached = Memcached::builder().threads(2).memory_mb(256);
                memcached.socket(0o777).start()?
            }
        };
        let address = memcached.address();
        let inner = match self.sockets {
            // Beside Memcached's, where nginx may enter.
            true => format!("{address}.inner"),
            false => format!("127.0.0.1:{}", free_port()),
        };
        let pages = self.variant.cache(Some(&address))?.build()?;
        let app = App::start(self.variant, Some(memcached))?;
        let generate = |port| self.generate(&pages, port, app.port(), &inner);
        let modules: &[Module] = match (self.md5, self.variant.layout()) {
            (Md5::Njs, _) => &[Module::Njs],
            (_, Layout::Response) => &[Module::SetMisc, Module::Srcache],
            _ => &[Module::SetMisc],
        };
        let files = generate(1)?;
        let script = files.script().unwrap_or_default();
        let nginx = nginx(modules, script, |port| Ok(generate(port)?.site()))?;
        Ok(Running { nginx, app })
    }

    fn generate(&self, pages: &PageCache, port: u16, app: u16, inner: &str) -> Result<Files> {
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
        Ok(site.generate()?)
    }
}
