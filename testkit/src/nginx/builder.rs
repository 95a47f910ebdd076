//! How an nginx is started.

use super::conf::Module;
use super::home::Home;
use super::{Nginx, PROGRAM};
use crate::error::Error;
use crate::port::free_port;

/// How an [`Nginx`] is started.
#[derive(Clone, Debug)]
pub struct NginxBuilder {
    pub(super) modules: Vec<Module>,
    pub(super) workers: u32,
    pub(super) main: String,
    pub(super) files: Vec<(String, String)>,
}

impl NginxBuilder {
    pub(super) fn new() -> Self {
        NginxBuilder {
            modules: vec![Module::SetMisc],
            workers: 1,
            main: String::new(),
            files: Vec::new(),
        }
    }

    /// Loads these modules instead of [`Module::SetMisc`] alone.
    #[must_use]
    pub fn modules(mut self, modules: impl IntoIterator<Item = Module>) -> Self {
        self.modules = modules.into_iter().collect();
        self
    }

    /// Worker processes; 1 unless told.
    #[must_use]
    pub fn workers(mut self, workers: u32) -> Self {
        self.workers = workers;
        self
    }

    /// Lines for the main context, outside `http`.
    #[must_use]
    pub fn main(mut self, lines: impl Into<String>) -> Self {
        self.main = lines.into();
        self
    }

    /// A further file in nginx's folder, such as an njs script or something to
    /// `include`.
    #[must_use]
    pub fn file(mut self, name: impl Into<String>, contents: impl Into<String>) -> Self {
        self.files.push((name.into(), contents.into()));
        self
    }

    /// Starts nginx with what `conf` returns inside `http { … }`, and waits
    /// until it listens. `conf` is given the port to listen on, and is asked
    /// again with another where that one is taken.
    ///
    /// # Errors
    /// When nginx or a module is missing, or nginx refuses the configuration;
    /// then with nginx's own message.
    pub fn start(self, conf: impl Fn(u16) -> String) -> Result<Nginx, Error> {
        let home = Home::make(self)?;
        let mut refusal = Error::failed(PROGRAM, "no port was free");
        for _ in 0..10 {
            let port = free_port();
            home.write_conf(&conf(port))?;
            match home.launch() {
                Ok(process) => {
                    return Ok(Nginx {
                        process,
                        port,
                        home,
                    });
                }
                Err(Error::Failed { message, .. }) if message.contains("in use") => {
                    refusal = Error::failed(PROGRAM, message);
                }
                Err(error) => return Err(error),
            }
        }
        Err(refusal)
    }

    /// What `nginx -t` says to `conf` inside `http { … }`: `Err` holds nginx's
    /// message.
    ///
    /// # Errors
    /// When nginx or a module is missing, or nginx refuses the configuration.
    pub fn test(self, conf: &str) -> Result<(), String> {
        let home = Home::make(self).map_err(|error| error.to_string())?;
        home.write_conf(conf).map_err(|error| error.to_string())?;
        home.test()
    }
}
