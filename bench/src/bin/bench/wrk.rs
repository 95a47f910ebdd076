//! The load generator.

use std::collections::HashMap;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::contest::Outcome;
use crate::stage::Stage;
use crate::table::Sample;

pub(crate) const SCRIPT: &str = include_str!("wrk.lua");

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) enum Targets {
    One(String),
    /// One after the other, again and again.
    Cycle(Vec<String>),
    /// `prefix` and a number that was never asked for before.
    Unique(String),
    /// `prefix` and a number below the count.
    Random(String, u64),
}

/// Load on 127.0.0.1.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) port: u16,
    pub(crate) targets: Targets,
    pub(crate) connections: u32,
    pub(crate) seconds: u32,
    /// Fields of each request besides the usual ones, `name: value`; with [`Targets::One`].
    pub(crate) fields: Vec<String>,
}

impl Load {
    /// The load that is the same everywhere unless said otherwise.
    pub(crate) fn usual(stage: &Stage, port: u16, targets: Targets) -> Load {
        Load {
            port,
            targets,
            connections: 32,
            seconds: stage.effort.seconds,
            fields: Vec::new(),
        }
    }

    /// Runs wrk with one thread: it shares the machine with what it measures.
    pub(crate) fn run(&self, stage: &Stage) -> Outcome<Sample> {
        let (path, arguments) = self.targets.arguments();
        let output = Command::new("wrk")
            .args(["-t1", &format!("-c{}", self.connections)])
            .arg(format!("-d{}s", self.seconds))
            .args(["-H", "Host: 127.0.0.1", "-H", "Accept-Encoding: gzip"])
            .args(self.fields.iter().flat_map(|field| ["-H", field]))
            .arg("-s")
            .arg(stage.script())
            .arg(format!("http://127.0.0.1:{}{path}", self.port))
            .arg("--")
            .args(arguments)
            .output()
            .map_err(|error| format!("cannot run wrk: {error}"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        parse(&said).ok_or_else(|| {
            let complaint = String::from_utf8_lossy(&output.stderr);
            format!("wrk measured nothing: {said}{complaint}")
        })
    }
}

impl Targets {
    /// The path for wrk's command line, and the script's arguments.
    fn arguments(&self) -> (&str, Vec<String>) {
        match self {
            Targets::One(target) => (target, vec!["one".to_owned()]),
            Targets::Cycle(targets) => {
                let kind = "cycle".to_owned();
                ("/", [kind].into_iter().chain(targets.clone()).collect())
            }
            Targets::Unique(prefix) => {
                // The script counts from 1 in each run.
                static RUN: AtomicU64 = AtomicU64::new(0);
                let run = RUN.fetch_add(1, Ordering::Relaxed);
                ("/", vec!["unique".to_owned(), format!("{prefix}{run}-")])
            }
            Targets::Random(prefix, count) => {
                let count = count.to_string();
                ("/", vec!["random".to_owned(), prefix.clone(), count])
            }
        }
    }
}

/// `RESULT requests=… microseconds=… …` -> numbers; `None` where nothing was answered.
fn parse(said: &str) -> Option<Sample> {
    let line = said.lines().find_map(|line| line.strip_prefix("RESULT "))?;
    let numbers: HashMap<&str, f64> = line
        .split(' ')
        .filter_map(|word| {
            let (name, number) = word.split_once('=')?;
            Some((name, number.parse().ok()?))
        })
        .collect();
    let get = |name: &str| numbers.get(name).copied();
    let requests = get("requests").filter(|requests| *requests > 0.0)?;
    let micro = |name: &str| Some(get(name)? / 1e6);
    Some(
        [
            ("requests", requests),
            ("requests_per_second", requests / micro("microseconds")?),
            ("p50_seconds", micro("p50")?),
            ("p99_seconds", micro("p99")?),
            ("slowest_seconds", micro("max")?),
            ("failed", get("failed")?),
        ]
        .into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_line_is_read() {
        let said = "Running 1s test\nRESULT requests=500 microseconds=2000000 p50=1500 p99=9000 max=20000 failed=3 bytes=77\n";
        let sample = parse(said).unwrap();
        assert_eq!(sample["requests_per_second"], 250.0);
        assert_eq!(sample["p99_seconds"], 0.009);
        assert_eq!(sample["failed"], 3.0);
    }

    #[test]
    fn a_run_without_an_answer_is_no_measurement() {
        let said = "RESULT requests=0 microseconds=1000000 p50=0 p99=0 max=0 failed=64 bytes=0";
        assert_eq!(parse(said), None);
        assert_eq!(parse("unable to connect"), None);
    }
}
