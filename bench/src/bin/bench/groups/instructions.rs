//! Instructions and allocations a request, counted and not timed.

use std::process::{Command, Output};

use bench::served::sibling;
use serde_json::Value;
use testkit::is_installed;

use crate::app::memcached;
use crate::contest::{Contender, Measure, Outcome, compete};
use crate::stage::Stage;
use crate::table::{Column, Sample, Shown, Table, column};

/// Name, and arguments; `--memcached` is followed by its address.
const CASES: [(&str, &str); 10] = [
    ("miss, without the attribute", "bare"),
    ("miss, embedded store", "annotated"),
    ("miss, embedded store, the middleware", "wrapped"),
    ("miss, Memcached", "annotated --memcached"),
    (
        "miss, Memcached, one render over processes",
        "annotated --render-lock --memcached",
    ),
    (
        "miss, Memcached, no lookup",
        "annotated --lookup false --memcached",
    ),
    ("hit, plain handler with ready bytes", "ready --hit"),
    ("hit, embedded store", "annotated --hit"),
    ("hit, embedded store, the middleware", "wrapped --hit"),
    ("hit, Memcached", "annotated --hit --memcached"),
];

const COLUMNS: [Column; 3] = [
    column("instructions", "instructions", Shown::Count),
    column("allocations", "allocations", Shown::Count),
    column("bytes", "bytes allocated", Shown::Count),
];

pub(crate) fn measure(stage: &Stage) -> Outcome<Vec<Table>> {
    let requests = stage.effort.pick(100, 200);
    let contender = |(name, arguments): (&str, &'static str)| {
        Contender::new(name, move || prepare(stage, arguments, requests))
    };
    Ok(vec![Table {
        id: "instructions",
        title: "Instructions and allocations a request",
        about: format!(
            "Counted over {requests} requests for a page of 10 kB through actix's test service, by callgrind and a \
             counting allocator, with all threads of the process, without the kernel, and with what the test service \
             itself takes."
        ),
        reference: None,
        columns: COLUMNS.to_vec(),
        rows: compete(CASES.map(contender).into(), 1),
    }])
}

fn prepare<'a>(stage: &'a Stage, arguments: &'static str, counted: u32) -> Outcome<Measure<'a>> {
    let memcached = memcached(64)?;
    let program = sibling("bench-in-process")?;
    Ok(Box::new(move |_| {
        let case = |mut command: Command, requests: u32| {
            command.args(arguments.split(' '));
            if arguments.ends_with("--memcached") {
                command.arg(memcached.address());
            }
            command.arg("--pages").arg(stage.pages_folder());
            command.args(["--page", &stage.usual().name]);
            command.args(["--requests", &requests.to_string()]);
            // Pages of the run before are no misses any more.
            memcached.command("flush_all");
            run(command)
        };
        let said = case(Command::new(&program), counted)?.stdout;
        let said: Value = serde_json::from_slice(&said).unwrap_or_default();
        let number = |name: &'static str| -> Outcome<_> {
            let number = said[name]
                .as_f64()
                .ok_or_else(|| format!("no {name} in {said}"));
            Ok((name, number? / f64::from(counted)))
        };
        let mut sample = Sample::from([number("allocations")?, number("bytes")?]);
        if is_installed("valgrind") {
            let instructions = |requests| {
                let mut command = Command::new("valgrind");
                command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
                command.arg(&program);
                collected(&String::from_utf8_lossy(&case(command, requests)?.stderr))
            };
            // What start and end take is in both, and falls out.
            let total = instructions(100 + counted)? - instructions(100)?;
            sample.insert("instructions", total / f64::from(counted));
        }
        Ok(sample)
    }))
}

fn run(mut command: Command) -> Outcome<Output> {
    let output = command
        .output()
        .map_err(|error| format!("cannot run {:?}: {error}", command.get_program()))?;
    match output.status.success() {
        true => Ok(output),
        false => {
            let complaint = String::from_utf8_lossy(&output.stderr);
            Err(format!("{:?} failed: {complaint}", command.get_program()))
        }
    }
}

/// `==1== Collected : 123` -> 123
fn collected(said: &str) -> Outcome<f64> {
    said.lines()
        .find_map(|line| line.split_once("Collected : "))
        .and_then(|(_, number)| number.trim().parse().ok())
        .ok_or_else(|| format!("callgrind collected nothing: {said}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callgrinds_total_is_read() {
        let said = "==7== Events    : Ir\n==7== Collected : 15893\n==7== \n";
        assert_eq!(collected(said), Ok(15_893.0));
        assert!(collected("valgrind: no such program").is_err());
    }
}
