//! The mixed site behind nginx and Memcached, in one process or in several, and the same
//! site without any cache beside it.

use std::path::PathBuf;
use std::process::Command;

use djanginxed::{Layout, PageCache};
use tempfile::TempDir;
use testkit::http::Request;
use testkit::{Memcached, Module, Nginx, free_port};

use crate::mixed;
use crate::served::{Outcome, Served};

/// How a site is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where `bench-site` is.
    pub program: PathBuf,
    /// Of the stored pages.
    pub layout: Layout,
    /// Processes of the cached application.
    pub processes: usize,
    /// For how many seconds an article lives.
    pub life: u64,
}

/// All that runs. It ends with this value, nginx first.
#[derive(Debug)]
pub struct Stand {
    /// In front of the cached application.
    pub nginx: Nginx,
    /// The cached application.
    pub apps: Vec<Served>,
    /// The same without a cache; nginx does not know it.
    pub plain: Served,
    /// Where the pages are.
    pub memcached: Memcached,
    /// The cache's settings, as nginx and the applications have them.
    pub pages: PageCache,
    setup: Setup,
    folder: TempDir,
}

impl Stand {
    /// Starts everything.
    ///
    /// # Errors
    /// What does not start, with its own words.
    pub fn start(setup: Setup) -> Outcome<Stand> {
        let memcached = said(Memcached::start())?;
        let folder = said(tempfile::tempdir())?;
        let site = |port, cached| site_command(&setup, &memcached, &folder, port, cached);
        let apps: Vec<_> = (0..setup.processes)
            .map(|_| Served::run(&mut site(None, true)))
            .collect::<Result<_, _>>()?;
        let plain = Served::run(&mut site(None, false))?;
        let pages = said(mixed::settings(&memcached.address(), setup.layout).build())?;
        let file = (apps.iter()).fold(mixed::nginx(&pages), |file, app| {
            file.app(format!("127.0.0.1:{}", app.port))
        });
        let conf = |port: u16| {
            let file = file.clone().listen(format!("127.0.0.1:{port}"));
            let file = file.inner(format!("127.0.0.1:{}", free_port()));
            said(file.generate()).map(|files| files.site())
        };
        // Refused settings are refused at any port.
        conf(1)?;
        let nginx = Nginx::builder()
            .modules([Module::SetMisc, Module::Srcache, Module::Memc])
            .start(|port| format!("access_log off;\n{}", conf(port).unwrap_or_default()));
        let nginx = said(nginx)?;
        Ok(Stand {
            nginx,
            apps,
            plain,
            memcached,
            pages,
            setup,
            folder,
        })
    }

    /// Starts a killed process of the application again, where it was.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_again(&mut self, number: usize) -> Outcome {
        let port = Some(self.apps[number].port);
        let mut site = site_command(&self.setup, &self.memcached, &self.folder, port, true);
        self.apps[number] = Served::run(&mut site)?;
        Ok(())
    }

    /// Takes all pages away; whether none is left.
    #[must_use]
    pub fn purge(&self) -> bool {
        let answer = Request::new("POST", "/-/purge").try_send(self.apps[0].port);
        answer.is_ok_and(|answer| answer.status == 200)
    }
}

fn site_command(
    setup: &Setup,
    memcached: &Memcached,
    folder: &TempDir,
    port: Option<u16>,
    cached: bool,
) -> Command {
    let mut command = Command::new(&setup.program);
    command.args(["--memcached", &memcached.address()]);
    command
        .arg("--versions")
        .arg(folder.path().join("versions"));
    command.args(["--life", &setup.life.to_string()]);
    if let Some(port) = port {
        command.args(["--port", &port.to_string()]);
    }
    if cached {
        command.arg("--cached");
    }
    if setup.layout == Layout::Body {
        command.arg("--bodies");
    }
    command
}

fn said<T, E: ToString>(result: Result<T, E>) -> Outcome<T> {
    result.map_err(|error| error.to_string())
}
