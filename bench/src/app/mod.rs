//! The application under test, as a process.

mod by_hand;
mod handlers;
pub(crate) mod server;
mod site;
mod variant;

use std::env;
use std::process::Command;

use anyhow::Result;
use testkit::{Memcached, get};
use visitors::served::Served;
use visitors::usage::Usage;

pub(crate) use handlers::Handler;
pub(crate) use variant::Variant;

/// A running variant, and the Memcached that it has. They end with this value.
pub(crate) struct App {
    served: Served,
    pub(crate) handler: Handler,
    pub(crate) memcached: Option<Memcached>,
}

/// Starts a Memcached as every group has it, with room for `megabytes`.
pub(crate) fn memcached(megabytes: u32) -> Result<Memcached> {
    let memcached = Memcached::builder().threads(2).memory_mb(megabytes);
    Ok(memcached.start()?)
}

impl App {
    /// Starts a variant, whose pages go to `memcached`, or to its own memory.
    pub(crate) fn start(variant: Variant, memcached: Option<Memcached>) -> Result<App> {
        App::run(Command::new(env::current_exe()?), variant, memcached)
    }

    /// The same by a command that runs this program.
    pub(crate) fn run(
        mut command: Command,
        variant: Variant,
        memcached: Option<Memcached>,
    ) -> Result<App> {
        let address = memcached.as_ref().map(Memcached::address);
        command.args(["app", &serde_json::to_string(&variant)?]);
        command.args(address);
        Ok(App {
            served: Served::run(&mut command)?,
            handler: variant.handler,
            memcached,
        })
    }

    /// The same with a Memcached of its own, or with none.
    pub(crate) fn usual(variant: Variant, stores: bool) -> Result<App> {
        let memcached = stores.then(|| memcached(256)).transpose()?;
        App::start(variant, memcached)
    }

    pub(crate) fn port(&self) -> u16 {
        self.served.port
    }

    /// Renders made since the start.
    pub(crate) fn renders(&self) -> u64 {
        self.served.counted(server::RENDERS)
    }

    /// The pages that its Memcached was given, by whomever. djanginxed adds to the index of all
    /// pages with each of them, and now and then to the ledger of that: each time it opens
    /// what it adds to, which Memcached counts as a touch. So what is set and not touched is
    /// a page; notes beside them are of pages that are looked after, as no variant does.
    pub(crate) fn stored(&self) -> Option<u64> {
        let memcached = self.memcached.as_ref()?;
        Some(memcached.stat("cmd_set") - memcached.stat("cmd_touch"))
    }

    /// Waits until what was rendered is stored or given up.
    pub(crate) fn flush(&self) {
        let _ = get(self.port(), server::FLUSH);
    }

    /// Ends it as its owner would (SIGTERM), with all that a process has to say at its end.
    pub(crate) fn stop(mut self) {
        self.served.stop();
    }

    /// Resident memory, in bytes.
    pub(crate) fn memory(&self) -> Result<f64> {
        Ok(Usage::of(self.served.id())?.memory as f64)
    }
}
