//! A real memcached on a free port, or on a unix socket.

mod builder;
mod client;
mod place;
mod room;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use rustix::process::Signal;

pub use builder::MemcachedBuilder;
use client::Client;
pub use client::Item;
use place::Place;
pub use room::FILLERS;

use crate::error::Error;
use crate::process::Process;
use crate::wait::PATIENCE;

/// A running memcached of its own, on 127.0.0.1 or a unix socket. It ends with this value.
#[derive(Debug)]
pub struct Memcached {
    settings: MemcachedBuilder,
    place: Place,
    process: Process,
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
        MemcachedBuilder::new()
    }

    /// Its TCP port on 127.0.0.1.
    ///
    /// # Panics
    /// When it listens on a unix socket.
    #[must_use]
    #[track_caller]
    pub fn port(&self) -> u16 {
        match &self.place {
            Place::Port(port) => *port,
            Place::Socket(_) => panic!("memcached listens at {}", self.place),
        }
    }

    /// The path of its unix socket, where it listens on one.
    #[must_use]
    pub fn socket(&self) -> Option<PathBuf> {
        match &self.place {
            Place::Port(_) => None,
            Place::Socket(socket) => Some(socket.path()),
        }
    }

    /// `127.0.0.1:port` or `unix:/path`, as in nginx's `server` and in the builder's list.
    #[must_use]
    pub fn address(&self) -> String {
        self.place.to_string()
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// How the process ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.ended()
    }

    /// Ends it; nobody listens there from now on.
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

    /// Ends it if it runs, and starts it in the same place, empty.
    ///
    /// # Errors
    /// When it does not start, or another process has taken the port.
    pub fn restart_empty(&mut self) -> Result<(), Error> {
        self.process.kill();
        self.process = self.settings.launch(&self.place)?;
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
    pub fn stats(&self) -> BTreeMap<String, String> {
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

    /// The keys of the pages it holds, 32 digits each, sorted: its other items are indexes
    /// of tags and markers of deletes.
    #[track_caller]
    pub fn pages(&self) -> Vec<String> {
        let mut keys = self.keys();
        keys.retain(|key| key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit()));
        keys
    }

    #[track_caller]
    fn ask<T>(&self, question: impl FnOnce(&mut Client) -> io::Result<T>) -> T {
        Client::connect(&self.place, PATIENCE)
            .and_then(|mut client| question(&mut client))
            .unwrap_or_else(|error| panic!("memcached at {}: {error}", self.place))
    }
}
