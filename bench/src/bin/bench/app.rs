//! The application under test, as a process.

use std::process::Command;
use std::thread;
use std::time::Duration;

use bench::served::{Served, sibling};
use bench::usage::{Usage, processor_time};
use testkit::{Memcached, get};

use crate::contest::Outcome;
use crate::stage::Stage;
use crate::table::Sample;

/// A running variant. It ends with this value.
pub(crate) struct App {
    served: Served,
    pub(crate) port: u16,
}

/// Starts a Memcached as every group has it, with room for `megabytes`.
pub(crate) fn memcached(megabytes: u32) -> Outcome<Memcached> {
    let memcached = Memcached::builder().threads(2).memory_mb(megabytes).start();
    memcached.map_err(|error| error.to_string())
}

impl App {
    /// Starts a variant: a handler's name and options, as on its command line.
    pub(crate) fn start(stage: &Stage, arguments: &[&str]) -> Outcome<App> {
        let mut command = Command::new(sibling("bench-app")?);
        command.args(arguments);
        App::run(command.arg("--pages").arg(stage.pages_folder()))
    }

    /// Starts a program that says on which port it listens.
    pub(crate) fn run(command: &mut Command) -> Outcome<App> {
        let served = Served::run(command)?;
        let port = served.port;
        Ok(App { served, port })
    }

    /// Starts a variant whose pages go to `memcached`.
    pub(crate) fn with(stage: &Stage, memcached: &Memcached, arguments: &[&str]) -> Outcome<App> {
        let address = memcached.address();
        let memcached = ["--memcached", &address];
        App::start(stage, &[arguments, &memcached].concat())
    }

    /// Renders made since the start.
    pub(crate) fn renders(&self) -> u64 {
        self.counted("/-/renders")
    }

    /// A number that the application says at `target`.
    ///
    /// # Panics
    /// When it does not say.
    pub(crate) fn counted(&self, target: &str) -> u64 {
        let answer = get(self.port, target);
        let number = answer.text().parse();
        number.unwrap_or_else(|_| panic!("the application does not count: {answer:?}"))
    }

    /// An error unless nearly all of a run's requests were hits: under load a
    /// lookup may now and then take longer than its time-out.
    pub(crate) fn only_hits(&self, renders_before: u64, run: &Sample) -> Outcome {
        let renders = self.renders() - renders_before;
        match renders as f64 > run["requests"] / 1000.0 {
            true => Err(format!("{renders} pages were rendered: these are no hits")),
            false => Ok(()),
        }
    }

    /// Waits until what was rendered is stored or given up.
    pub(crate) fn flush(&self) {
        // A cache by hand has nothing to wait for but its tasks.
        thread::sleep(Duration::from_millis(100));
        let _ = get(self.port, "/-/flush");
    }

    /// Processor time since its start.
    pub(crate) fn processor_time(&self) -> Outcome<Duration> {
        processor_time(self.served.id())
    }

    /// Resident memory, in bytes.
    pub(crate) fn memory(&self) -> Outcome<f64> {
        Ok(Usage::of(self.served.id())?.memory as f64)
    }
}
