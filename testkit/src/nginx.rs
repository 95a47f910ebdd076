//! A real nginx in a folder of its own.

mod builder;
mod conf;
mod home;

use std::path::Path;
use std::process::ExitStatus;

use rustix::process::Signal;

pub use builder::NginxBuilder;
pub use conf::Module;
use home::Home;
pub use home::folder_shared_with_nginx;

use crate::error::Error;
use crate::process::Process;
use crate::wait::{PATIENCE, within};

const PROGRAM: &str = "nginx";

/// A running nginx. It ends, and its folder goes, with this value.
#[derive(Debug)]
pub struct Nginx {
    // Dropped in this order: a running nginx would miss its folder.
    process: Process,
    port: u16,
    home: Home,
}

impl Nginx {
    /// Starts nginx with the set-misc module and one worker; see
    /// [`NginxBuilder::start`].
    ///
    /// # Errors
    /// When nginx or the module is missing, or nginx refuses the configuration;
    /// then with nginx's own message.
    pub fn start(conf: impl Fn(u16) -> String) -> Result<Nginx, Error> {
        Nginx::builder().start(conf)
    }

    /// Settings to change before the start.
    #[must_use]
    pub fn builder() -> NginxBuilder {
        NginxBuilder::new()
    }

    /// The port that the configuration was given.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id of its master.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// nginx's folder (`-p`): relative paths in the configuration are below it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.home.folder()
    }

    /// How the process ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.ended()
    }

    /// What the default access log holds so far. nginx writes a line when the
    /// request is over for it, which may be after the client has its answer:
    /// see [`eventually`](crate::eventually).
    #[must_use]
    pub fn access_log(&self) -> String {
        self.home.read("access.log")
    }

    /// What the error log holds so far, from `notice` on.
    #[must_use]
    pub fn error_log(&self) -> String {
        self.home.read("error.log")
    }

    /// Puts `conf` in place of the part inside `http { … }`, and waits until
    /// only the new workers take connections.
    ///
    /// # Errors
    /// nginx's message where it refuses `conf`; it goes on as it was.
    pub fn reload(&mut self, conf: &str) -> Result<(), Error> {
        let before = self.error_log().len();
        self.home.write_conf(conf)?;
        self.home
            .test()
            .map_err(|message| Error::failed(PROGRAM, message))?;
        self.process.signal(Signal::HUP);
        let workers = self.home.workers();
        // Old workers that wait for a client stay longer, but no longer listen.
        let turned = within(PATIENCE, || {
            let log = self.error_log();
            let new = log.get(before..).unwrap_or_default();
            new.matches("gracefully shutting down").count() >= workers
        });
        if turned {
            Ok(())
        } else {
            Err(Error::failed(PROGRAM, self.error_log()))
        }
    }

    /// Ends nginx (SIGTERM, its fast shutdown).
    pub fn stop(&mut self) {
        self.process.stop();
    }

    /// What `nginx -t` says to `conf` inside `http { … }`.
    ///
    /// # Errors
    /// nginx's own message, or what is missing.
    pub fn test(conf: &str) -> Result<(), String> {
        Nginx::builder().test(conf)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Killed, the master could not wait for its workers, and where nobody
        // reaps orphans (a container without an init) they would stay as zombies.
        self.process.stop();
    }
}
