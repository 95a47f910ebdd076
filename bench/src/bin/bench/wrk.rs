//! The load generator.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bench::usage::until_it_ends;

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
    /// Fields of each request besides the usual ones; with [`Targets::One`].
    pub(crate) fields: Vec<Field>,
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
        let mut command = Command::new("wrk");
        command
            .args(["--latency", "-t1", &format!("-c{}", self.connections)])
            .arg(format!("-d{}s", self.seconds))
            .args(["-H", "Host: 127.0.0.1", "-H", "Accept-Encoding: gzip"]);
        for (name, value) in &self.fields {
            command.args(["-H", &format!("{name}: {value}")]);
        }
        let arguments = self.targets.arguments(self.seconds);
        if !arguments.is_empty() {
            command.arg("-s").arg(stage.script());
        }
        let failed = |error| format!("cannot run wrk: {error}");
        let child = command
            .arg(format!(
                "http://127.0.0.1:{}{}",
                self.port,
                self.targets.path()
            ))
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
        parse(&said, took).ok_or_else(|| match said.contains(" 0 requests in ") {
            true => "not one request was answered".to_owned(),
            false => format!("wrk: {said}{}", String::from_utf8_lossy(&output.stderr)),
        })
    }
}

impl Targets {
    fn path(&self) -> &str {
        match self {
            Targets::One(target) => target,
            _ => "/",
        }
    }

    /// The script's; none where the target is always the same: without a script wrk sends
    /// the same bytes each time, at the least cost.
    fn arguments(&self, seconds: u32) -> Vec<String> {
        // More than anybody here answers; what is asked for after that costs wrk more.
        let count = (seconds * 60_000).to_string();
        let [cycle, unique, random] = ["cycle", "unique", "random"].map(str::to_owned);
        match self {
            Targets::One(_) => Vec::new(),
            Targets::Cycle(targets) => [cycle].into_iter().chain(targets.clone()).collect(),
            Targets::Unique(prefix) => {
                // The script counts from 1 in each run.
                static RUN: AtomicU64 = AtomicU64::new(0);
                let run = RUN.fetch_add(1, Ordering::Relaxed);
                vec![unique, format!("{prefix}{run}-"), count]
            }
            Targets::Random(prefix, pages) => {
                vec![random, prefix.clone(), pages.to_string(), count]
            }
        }
    }
}

/// What wrk says, and the processor time that it took -> numbers; `None` where nothing was
/// answered.
fn parse(said: &str, took: Duration) -> Option<Sample> {
    let after = |mark: &str| {
        let mut lines = said.lines().map(str::trim_start);
        lines.find_map(|line| line.strip_prefix(mark))
    };
    let (requests, _) = said.split_once(" requests in ")?;
    let requests: f64 = requests.split_whitespace().next_back()?.parse().ok()?;
    if requests == 0.0 {
        return None;
    }
    let per_second: f64 = after("Requests/sec:")?.trim().parse().ok()?;
    // connect 0, read 0, write 0, timeout 0
    let errors = after("Socket errors:").unwrap_or_default().split(' ');
    let failed = errors.chain(after("Non-2xx or 3xx responses:"));
    let failed = failed.filter_map(|word| word.trim_matches([' ', ',']).parse::<f64>().ok());
    let [_, _, slowest] = after("Latency ")?
        .split_whitespace()
        .take(3)
        .collect::<Vec<_>>()[..]
    else {
        return None;
    };
    Some(
        [
            ("requests", requests),
            ("requests_per_second", per_second),
            ("p50_seconds", seconds(after("50%")?)?),
            ("p99_seconds", seconds(after("99%")?)?),
            ("slowest_seconds", seconds(slowest)?),
            ("failed", failed.fold(0.0, |sum, number| sum + number)),
            (
                "idle",
                (1.0 - took.as_secs_f64() * per_second / requests).max(0.0),
            ),
        ]
        .into(),
    )
}

/// `1.04ms` -> 0.00104
fn seconds(time: &str) -> Option<f64> {
    let units = [("us", 1e6), ("ms", 1e3), ("s", 1.0)];
    units.iter().find_map(|(unit, in_a_second)| {
        let number: f64 = time.trim().strip_suffix(unit)?.parse().ok()?;
        Some(number / in_a_second)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "\
Running 2s test @ http://127.0.0.1:8080/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   717.01us  512.00us  20.00ms   90.00%
    Req/Sec    11.29k     1.42k   14.41k    80.00%
  Latency Distribution
     50%  635.00us
     75%  712.00us
     90%    1.04ms
     99%    2.87ms
  22464 requests in 2.00s, 17.76MB read
  Socket errors: connect 0, read 1, write 0, timeout 2
  Non-2xx or 3xx responses: 123
Requests/sec:  11232.00
Transfer/sec:      8.86MB
";

    #[test]
    fn what_wrk_says_is_read() {
        let sample = parse(SAID, Duration::from_millis(1500)).unwrap();
        let expected = [
            ("requests", 22_464.0),
            ("requests_per_second", 11_232.0),
            ("p50_seconds", 635.0e-6),
            ("p99_seconds", 2.87e-3),
            ("slowest_seconds", 20.0e-3),
            ("failed", 126.0),
            ("idle", 0.25),
        ];
        assert_eq!(sample.len(), expected.len());
        for (metric, value) in expected {
            let difference = (sample[metric] - value).abs();
            assert!(difference < 1e-9, "{metric}: {}", sample[metric]);
        }
    }

    #[test]
    fn a_run_without_an_error_says_so_by_saying_nothing() {
        let lines = SAID.lines().filter(|line| !line.contains("errors:"));
        let said: Vec<_> = lines.filter(|line| !line.contains("Non-2xx")).collect();
        let sample = parse(&said.join("\n"), Duration::from_secs(3)).unwrap();
        assert_eq!((sample["failed"], sample["idle"]), (0.0, 0.0));
    }

    #[test]
    fn a_run_without_an_answer_is_no_measurement() {
        let none = SAID.replace("22464 requests", "0 requests");
        assert_eq!(parse(&none, Duration::ZERO), None);
        assert_eq!(
            parse("unable to connect to 127.0.0.1:1", Duration::ZERO),
            None
        );
    }

    #[test]
    fn times_are_read_in_all_units() {
        let times = ["2.50us", " 1.50ms", "1.00s", "0.00", "-nan"].map(seconds);
        let expected = [Some(2.5e-6), Some(1.5e-3), Some(1.0), None, None];
        assert_eq!(times, expected);
    }
}
