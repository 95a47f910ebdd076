//! The load generator.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bench::usage::until_it_ends;
use serde_json::Value;

use crate::client::Field;
use crate::contest::Outcome;
use crate::stage::Stage;
use crate::table::Sample;

pub(crate) const SCRIPT: &str = include_str!("wrk.lua");

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) enum Targets {
    One(String),
    /// One after the other, again and again.
    Each(Vec<String>),
    /// `prefix` and a number that was never asked for before.
    Once(String),
    /// `prefix` and the numbers from 1 to the count, again and again.
    Again(String, u64),
}

/// Load on 127.0.0.1.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) port: u16,
    pub(crate) targets: Targets,
    pub(crate) seconds: u32,
    /// Fields of each request besides the usual ones.
    pub(crate) fields: Vec<Field>,
}

impl Load {
    /// The load that is the same everywhere unless said otherwise.
    pub(crate) fn usual(stage: &Stage, port: u16, targets: Targets) -> Load {
        Load {
            port,
            targets,
            seconds: stage.effort.seconds,
            fields: Vec::new(),
        }
    }

    /// Runs wrk with one thread: it shares the machine with what it measures.
    pub(crate) fn run(&self, stage: &Stage) -> Outcome<Sample> {
        let (target, arguments) = self.targets.arguments(self.seconds);
        let mut command = Command::new("wrk");
        command
            .args(["-t1", "-c32", &format!("-d{}s", self.seconds)])
            .args(["-H", "Host: 127.0.0.1", "-H", "Accept-Encoding: gzip"]);
        for (name, value) in &self.fields {
            command.args(["-H", &format!("{name}: {value}")]);
        }
        let failed = |error| format!("cannot run wrk: {error}");
        let child = command
            .arg("-s")
            .arg(stage.script())
            .arg(format!("http://127.0.0.1:{}{target}", self.port))
            .arg("--")
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        // What it says fits into a pipe.
        let took = until_it_ends(child.id())?;
        let output = child.wait_with_output().map_err(failed)?;
        let said = String::from_utf8_lossy(&output.stdout);
        let sample = read(&said, took)
            .ok_or_else(|| format!("wrk: {said}{}", String::from_utf8_lossy(&output.stderr)))?;
        match sample["requests"] > 0.0 {
            true => Ok(sample),
            false => Err("not one request was answered".to_owned()),
        }
    }
}

impl Targets {
    /// The one of the address, and the script's arguments.
    fn arguments(&self, seconds: u32) -> (&str, Vec<String>) {
        // As many as most answer; what is asked for after that costs wrk more.
        let count = (seconds * 60_000).to_string();
        let words = match self {
            Targets::One(target) => return (target, Vec::new()),
            Targets::Each(targets) => [&["each".to_owned()], &targets[..]].concat(),
            Targets::Once(prefix) => {
                // The script counts from 1 in each run.
                static RUN: AtomicU64 = AtomicU64::new(0);
                let run = RUN.fetch_add(1, Ordering::Relaxed);
                vec!["once".to_owned(), format!("{prefix}{run}-"), count]
            }
            Targets::Again(prefix, pages) => {
                vec!["again".to_owned(), prefix.clone(), pages.to_string()]
            }
        };
        ("/", words)
    }
}

const METRICS: [&str; 6] = [
    "requests",
    "requests_per_second",
    "p50_seconds",
    "p99_seconds",
    "slowest_seconds",
    "failed",
];

/// The last line that wrk says, and the processor time that it took -> numbers.
fn read(said: &str, took: Duration) -> Option<Sample> {
    let said: Value = serde_json::from_str(said.lines().last()?).ok()?;
    let number = |metric| Some((metric, said[metric].as_f64()?));
    let mut sample: Sample = METRICS.into_iter().map(number).collect::<Option<_>>()?;
    let busy = took.as_secs_f64() * sample["requests_per_second"] / sample["requests"];
    sample.insert("idle", (1.0 - busy).max(0.0));
    Some(sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrk_says_is_read() {
        let said = "Running 2s test\n  2 threads\n{\"requests\": 22464, \
            \"requests_per_second\": 11232.0, \"failed\": 126, \"p50_seconds\": 0.000635, \
            \"p99_seconds\": 0.00287, \"slowest_seconds\": 0.02}\n";
        let sample = read(said, Duration::from_millis(1500)).unwrap();
        assert_eq!((sample["requests"], sample["failed"]), (22_464.0, 126.0));
        assert_eq!((sample["p99_seconds"], sample["idle"]), (0.00287, 0.25));
        assert_eq!(read(said, Duration::from_secs(3)).unwrap()["idle"], 0.0);
        assert_eq!(
            read("unable to connect to 127.0.0.1:1", Duration::ZERO),
            None
        );
    }
}
