//! A real nginx in a folder of its own.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::error::Error;
use crate::nginx_conf::{Installed, Module, PROGRAM, whole};
use crate::port::free_port;
use crate::process::{Process, find};
use crate::wait::{PATIENCE, within};

/// How an [`Nginx`] is started.
#[derive(Clone, Debug)]
pub struct NginxBuilder {
    modules: Vec<Module>,
    workers: u32,
    main: String,
    files: Vec<(String, String)>,
}

impl NginxBuilder {
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
        let home = self.home()?;
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
        let home = self.home().map_err(|error| error.to_string())?;
        home.write_conf(conf).map_err(|error| error.to_string())?;
        home.test()
    }

    fn home(self) -> Result<Home, Error> {
        let program = find(PROGRAM)?;
        let load = Installed::ask(&program)?.load(&self.modules)?;
        let folder = tempfile::Builder::new()
            .prefix("nginx-")
            // nginx's worker runs as another user where root starts it.
            .permissions(Permissions::from_mode(0o755))
            .tempdir()
            .map_err(Error::io("cannot make a temporary folder"))?;
        let home = Home {
            program,
            folder,
            load,
            settings: self,
        };
        fs::create_dir(home.path("temp")).map_err(Error::io("cannot make nginx's folder"))?;
        for (name, contents) in &home.settings.files {
            home.write(name, contents)?;
        }
        Ok(home)
    }
}

/// nginx's folder, and what its configuration is made of.
#[derive(Debug)]
struct Home {
    program: PathBuf,
    folder: TempDir,
    load: String,
    settings: NginxBuilder,
}

impl Home {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, contents: &str) -> Result<(), Error> {
        fs::write(self.path(name), contents).map_err(Error::io(format!("cannot write {name}")))
    }

    fn write_conf(&self, http: &str) -> Result<(), Error> {
        let NginxBuilder { workers, main, .. } = &self.settings;
        self.write("nginx.conf", &whole(&self.load, *workers, main, http))
    }

    fn read(&self, name: &str) -> String {
        fs::read(self.path(name))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("-p")
            .arg(self.folder.path())
            .args(["-c", "nginx.conf"])
            // Else nginx complains of its compiled-in log before it reads the file.
            .arg("-e")
            .arg(self.path("error.log"));
        command
    }

    fn test(&self) -> Result<(), String> {
        let output = self.command().arg("-t").output();
        match output {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => Err(format!("cannot run nginx -t: {error}")),
        }
    }

    fn launch(&self) -> Result<Process, Error> {
        let log = File::create(self.path("stderr.log"))
            .map_err(Error::io("cannot write nginx's stderr.log"))?;
        let mut command = self.command();
        command.stdout(Stdio::null()).stderr(log);
        let mut process = Process::spawn(PROGRAM, &mut command, Some(self.folder.path()))?;
        // nginx writes its pid file after it has bound its sockets.
        let pid = format!("{}\n", process.id());
        let mut listens = false;
        within(PATIENCE, || {
            listens = self.read("nginx.pid") == pid;
            listens || process.ended().is_some()
        });
        if listens {
            Ok(process)
        } else {
            Err(Error::failed(PROGRAM, self.read("stderr.log")))
        }
    }
}

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
        NginxBuilder {
            modules: vec![Module::SetMisc],
            workers: 1,
            main: String::new(),
            files: Vec::new(),
        }
    }

    /// The port that the configuration was given.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// nginx's folder (`-p`): relative paths in the configuration are below it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.home.folder.path()
    }

    /// How the process ended, if it has.
    pub fn ended(&mut self) -> Option<std::process::ExitStatus> {
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
        let workers = usize::try_from(self.home.settings.workers).unwrap_or(usize::MAX);
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
