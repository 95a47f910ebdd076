//! How a memcached is started.

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::Memcached;
use super::client::Client;
use super::place::{ACCOUNTS, Place, Socket};
use crate::error::Error;
use crate::port::free_port;
use crate::process::{Process, find};
use crate::user::unprivileged;
use crate::wait::{PATIENCE, within};

const PROGRAM: &str = "memcached";

/// How a [`Memcached`] is started.
#[derive(Clone, Debug)]
pub struct MemcachedBuilder {
    memory_mb: u32,
    threads: u32,
    socket_mode: Option<u32>,
    args: Vec<String>,
}

impl MemcachedBuilder {
    pub(super) fn new() -> Self {
        MemcachedBuilder {
            memory_mb: 64,
            threads: 1,
            socket_mode: None,
            args: Vec::new(),
        }
    }

    /// Memory for items, in megabytes; 64 unless told.
    #[must_use]
    pub fn memory_mb(mut self, megabytes: u32) -> Self {
        self.memory_mb = megabytes;
        self
    }

    /// Worker threads; 1 unless told.
    #[must_use]
    pub fn threads(mut self, threads: u32) -> Self {
        self.threads = threads;
        self
    }

    /// Listens on a unix socket with this mode, such as `0o666`, and on no port.
    #[must_use]
    pub fn socket(mut self, mode: u32) -> Self {
        self.socket_mode = Some(mode);
        self
    }

    /// Further arguments, as on memcached's command line.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// When memcached is missing, or ends at once; then with its own message.
    pub fn start(self) -> Result<Memcached, Error> {
        if self.socket_mode.is_some() {
            let place = Place::Socket(Socket::make()?);
            let process = self.launch(&place)?;
            return Ok(Memcached {
                settings: self,
                place,
                process,
            });
        }
        let mut refusal = Error::failed(PROGRAM, "no port was free");
        // Another process may take the port between the choice and the bind.
        for _ in 0..10 {
            let place = Place::Port(free_port());
            match self.launch(&place) {
                Ok(process) => {
                    return Ok(Memcached {
                        settings: self,
                        place,
                        process,
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

    pub(super) fn launch(&self, place: &Place) -> Result<Process, Error> {
        let (mut said, stderr) = scratch_file()?;
        let mut process =
            Process::spawn(PROGRAM, self.command(place)?.stderr(stderr), place.folder())?;
        let mut answered = false;
        within(PATIENCE, || {
            answered = is_ours(place, process.id());
            answered || process.ended().is_some()
        });
        if answered {
            return Ok(process);
        }
        let mut message = String::new();
        // Unreadable words are worth less than the error they belong to.
        let _ = said.read_to_string(&mut message);
        Err(Error::failed(PROGRAM, message))
    }

    fn command(&self, place: &Place) -> Result<Command, Error> {
        let mut command = Command::new(find(PROGRAM)?);
        match place {
            Place::Port(port) => {
                command.args(["-l", "127.0.0.1", "-U", "0"]);
                command.args(["-p", &port.to_string()]);
            }
            Place::Socket(socket) => {
                let mode = self.socket_mode.unwrap_or(0o666);
                command.arg("-s").arg(socket.path());
                command.args(["-a", &format!("{mode:o}")]);
            }
        }
        command
            .args(["-m", &self.memory_mb.to_string()])
            .args(["-t", &self.threads.to_string()]);
        if let Some(account) = unprivileged(ACCOUNTS) {
            command.args(["-u", &account.user]);
        }
        command.args(&self.args).stdout(Stdio::null());
        Ok(command)
    }
}

/// A file for what a process says, read and written at different places.
fn scratch_file() -> Result<(File, File), Error> {
    let file = tempfile::NamedTempFile::new().map_err(Error::io("cannot make a temporary file"))?;
    let again = file
        .reopen()
        .map_err(Error::io("cannot open a temporary file"))?;
    Ok((again, file.into_file()))
}

/// Whether the process `id` is the one that answers there.
fn is_ours(place: &Place, id: u32) -> bool {
    Client::connect(place, Duration::from_secs(1))
        .and_then(|mut client| client.stats())
        .is_ok_and(|stats| stats.get("pid") == Some(&id.to_string()))
}
