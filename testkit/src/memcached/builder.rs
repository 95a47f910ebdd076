//! How a memcached is started.

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::Memcached;
use super::client::Client;
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
    args: Vec<String>,
}

impl MemcachedBuilder {
    pub(super) fn new() -> Self {
        MemcachedBuilder {
            memory_mb: 64,
            threads: 1,
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
        let mut refusal = Error::failed(PROGRAM, "no port was free");
        // Another process may take the port between the choice and the bind.
        for _ in 0..10 {
            let port = free_port();
            match self.launch(port) {
                Ok(process) => {
                    return Ok(Memcached {
                        settings: self,
                        port,
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

    pub(super) fn launch(&self, port: u16) -> Result<Process, Error> {
        let (mut said, stderr) = scratch_file()?;
        let mut process = Process::spawn(PROGRAM, self.command(port)?.stderr(stderr), None)?;
        let mut answered = false;
        within(PATIENCE, || {
            answered = is_ours(port, process.id());
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

    fn command(&self, port: u16) -> Result<Command, Error> {
        let mut command = Command::new(find(PROGRAM)?);
        command
            .args(["-l", "127.0.0.1", "-U", "0"])
            .args(["-p", &port.to_string()])
            .args(["-m", &self.memory_mb.to_string()])
            .args(["-t", &self.threads.to_string()]);
        if let Some(account) = unprivileged(&["memcache", "memcached", "nobody"]) {
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

/// Whether the process `id` is the one that answers at `port`.
fn is_ours(port: u16, id: u32) -> bool {
    Client::connect(port, Duration::from_secs(1))
        .and_then(|mut client| client.stats())
        .is_ok_and(|stats| stats.get("pid") == Some(&id.to_string()))
}
