//! The load generator.

use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};

use crate::client::Field;
use crate::stage::{Stage, root};
use crate::table::Sample;

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) enum Targets {
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
    pub(crate) connections: u32,
    /// What each connection leaves between its requests.
    pub(crate) pause_ms: u32,
    /// Fields of each request besides the usual ones.
    pub(crate) fields: Vec<Field>,
}

impl Load {
    /// The load that is the same everywhere unless said otherwise.
    pub(crate) fn usual(stage: &Stage, port: u16, targets: Targets) -> Load {
        Load {
            port,
            targets,
            seconds: stage.seconds,
            connections: 32,
            pause_ms: 0,
            fields: Vec::new(),
        }
    }

    /// Runs wrk with one thread: it shares the machine with what it measures.
    pub(crate) fn run(&self) -> Result<Sample> {
        let (target, arguments) = self.targets.arguments(self.seconds);
        let mut command = Command::new("wrk");
        command
            .args(["-t1", &format!("-c{}", self.connections)])
            .arg(format!("-d{}s", self.seconds))
            .args(["-H", "Host: 127.0.0.1", "-H", "Accept-Encoding: gzip"]);
        for (name, value) in &self.fields {
            command.args(["-H", &format!("{name}: {value}")]);
        }
        command.arg("-s").arg(root().join("bench/src/wrk.lua"));
        command.arg(format!("http://127.0.0.1:{}{target}", self.port));
        let pause = self.pause_ms.to_string();
        let output = command.args(["--", &pause]).args(arguments).output();
        let output = output.context("cannot run wrk")?;
        let said = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        let sample = read(&said).with_context(|| format!("wrk: {said}{complaint}"))?;
        ensure!(sample["requests"] > 0.0, "not one request was answered");
        Ok(sample)
    }
}

impl Targets {
    /// The one of the address, and the script's arguments.
    fn arguments(&self, seconds: u32) -> (&str, Vec<String>) {
        // As many as most answer; what is asked for after that costs wrk more.
        let count = (seconds * 60_000).to_string();
        let words = match self {
            Targets::Each(targets) => match &targets[..] {
                [target] => return (target, Vec::new()),
                _ => [&["each".to_owned()], &targets[..]].concat(),
            },
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

/// The last line that wrk says -> numbers, whose names live as long as the program, as all do.
fn read(said: &str) -> Option<Sample> {
    let line = said.lines().last()?.to_owned();
    serde_json::from_str(line.leak()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrk_says_is_read() {
        let said = "Running 2s test\n  2 threads\n{\"requests\": 22464, \"idle\": 0.25}\n";
        let sample = Sample::from([("requests", 22_464.0), ("idle", 0.25)]);
        assert_eq!(read(said), Some(sample));
        assert_eq!(read("unable to connect to 127.0.0.1:1"), None);
    }
}
