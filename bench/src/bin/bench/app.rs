//! The application under test, as a process.

use std::process::Command;
use std::time::Duration;

use bench::served::{Served, said, sibling};
use bench::usage::{Usage, processor_time};
use testkit::{Memcached, get};

use crate::contest::Outcome;
use crate::stage::Stage;
use crate::table::Sample;
use crate::wrk::Load;

/// A running variant, and the Memcached that it has. They end with this value.
pub(crate) struct App {
    served: Served,
    pub(crate) port: u16,
    pub(crate) memcached: Option<Memcached>,
}

/// Starts a Memcached as every group has it, with room for `megabytes`.
pub(crate) fn memcached(megabytes: u32) -> Outcome<Memcached> {
    said(Memcached::builder().threads(2).memory_mb(megabytes).start())
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
        Ok(App {
            port: served.port,
            served,
            memcached: None,
        })
    }

    /// Starts a variant whose pages go to `memcached`.
    pub(crate) fn with(stage: &Stage, memcached: Memcached, arguments: &[&str]) -> Outcome<App> {
        let address = memcached.address();
        let app = App::start(stage, &[arguments, &["--memcached", &address]].concat())?;
        Ok(App {
            memcached: Some(memcached),
            ..app
        })
    }

    /// The same with a Memcached of its own, or with none.
    pub(crate) fn variant(stage: &Stage, arguments: &[&str], stores: bool) -> Outcome<App> {
        match stores {
            true => App::with(stage, memcached(256)?, arguments),
            false => App::start(stage, arguments),
        }
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

    /// The pages that its Memcached was given, by whomever. djanginxed adds to the index of all
    /// pages with each of them, and now and then to the ledger of that: each time it opens
    /// what it adds to, which Memcached counts as a touch. So what is set and not touched is
    /// a page; notes beside them are of pages that are looked after, as no variant does.
    pub(crate) fn stored(&self) -> Option<u64> {
        let memcached = self.memcached.as_ref()?;
        Some(memcached.stat("cmd_set") - memcached.stat("cmd_touch"))
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

    /// wrk's numbers for the application itself, which are all hits.
    pub(crate) fn hits_of(&self, stage: &Stage, load: &Load) -> Outcome<Sample> {
        let before = self.renders();
        let sample = load.run(stage)?;
        self.only_hits(before, &sample)?;
        Ok(sample)
    }

    /// Waits until what was rendered is stored or given up.
    pub(crate) fn flush(&self) {
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
