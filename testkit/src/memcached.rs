//! A real memcached on a free port.

use std::fs::File;
use std::io::Read;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::error::Error;
use crate::memcached_client::{Client, Item};
use crate::port::free_port;
use crate::process::{Process, find};
use crate::user::unprivileged;
use crate::wait::{PATIENCE, within};

const PROGRAM: &str = "memcached";

/// A running memcached of its own, on 127.0.0.1. It ends with this value.
#[derive(Debug)]
pub struct Memcached {
    settings: MemcachedBuilder,
    port: u16,
    process: Process,
}

/// How a [`Memcached`] is started.
#[derive(Clone, Debug)]
pub struct MemcachedBuilder {
    memory_mb: u32,
    threads: u32,
    args: Vec<String>,
}

impl MemcachedBuilder {
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

    fn launch(&self, port: u16) -> Result<Process, Error> {
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

impl Memcached {
    /// Starts memcached with 64 MB and one thread.
    ///
    /// # Errors
    /// When memcached is missing, or ends at once; then with its own message.
    pub fn start() -> Result<Memcached, Error> {
        Memcached::builder().start()
    }

    /// Settings to change before the start.
    #[must_use]
    pub fn builder() -> MemcachedBuilder {
        MemcachedBuilder {
            memory_mb: 64,
            threads: 1,
            args: Vec::new(),
        }
    }

    /// Its TCP port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:port`, as in nginx's `server` and in the builder's list.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}:{}", Ipv4Addr::LOCALHOST, self.port)
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// How the process ended, if it has.
    pub fn ended(&mut self) -> Option<std::process::ExitStatus> {
        self.process.ended()
    }

    /// Ends it; its port refuses connections from now on.
    pub fn stop(&mut self) {
        self.process.stop();
    }

    /// Kills it (SIGKILL), as the kernel does when memory runs out.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Makes it hang (SIGSTOP): it takes connections and never answers.
    pub fn pause(&mut self) {
        self.process.signal(Signal::STOP);
    }

    /// Ends what [`pause`](Self::pause) began (SIGCONT).
    pub fn resume(&mut self) {
        self.process.signal(Signal::CONT);
    }

    /// Ends it if it runs, and starts it on the same port, empty.
    ///
    /// # Errors
    /// When it does not start, or another process has taken the port.
    pub fn restart_empty(&mut self) -> Result<(), Error> {
        self.process.kill();
        self.process = self.settings.launch(self.port)?;
        Ok(())
    }

    /// The item under `key`, as a plain client reads it.
    ///
    /// # Panics
    /// Like all its sisters below: when memcached does not answer.
    #[must_use]
    #[track_caller]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<Item> {
        self.ask(|client| client.get(key.as_ref()))
    }

    /// Stores `bytes` under `key` with client `flags`; `expires` is in seconds,
    /// 0 for never.
    #[track_caller]
    pub fn set(&self, key: impl AsRef<[u8]>, flags: u32, expires: i64, bytes: impl AsRef<[u8]>) {
        self.ask(|client| client.set(key.as_ref(), flags, expires, bytes.as_ref()));
    }

    /// Deletes the item under `key`; whether there was one.
    #[track_caller]
    pub fn delete(&self, key: impl AsRef<[u8]>) -> bool {
        self.ask(|client| client.delete(key.as_ref()))
    }

    /// One of the numbers of `stats`, such as `"cmd_set"` or `"curr_items"`.
    #[must_use]
    #[track_caller]
    pub fn stat(&self, name: &str) -> u64 {
        let stats = self.stats();
        let value = stats.get(name).and_then(|value| value.parse().ok());
        value.unwrap_or_else(|| panic!("memcached has no number {name:?} in its stats"))
    }

    /// All of `stats`.
    #[must_use]
    #[track_caller]
    pub fn stats(&self) -> std::collections::BTreeMap<String, String> {
        self.ask(Client::stats)
    }

    /// Sends one line and returns the first line of the answer: `me KEY`,
    /// `mg KEY t f s`, `flush_all`.
    #[track_caller]
    pub fn command(&self, line: &str) -> String {
        self.ask(|client| client.command(line))
    }

    /// Every key that it holds, sorted.
    #[must_use]
    #[track_caller]
    pub fn keys(&self) -> Vec<String> {
        self.ask(Client::keys)
    }

    #[track_caller]
    fn ask<T>(&self, question: impl FnOnce(&mut Client) -> std::io::Result<T>) -> T {
        Client::connect(self.port, PATIENCE)
            .and_then(|mut client| question(&mut client))
            .unwrap_or_else(|error| panic!("memcached on port {}: {error}", self.port))
    }
}
