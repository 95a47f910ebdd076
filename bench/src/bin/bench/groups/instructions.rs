//! Instructions and allocations a request, counted and not timed.

use std::process::Command;

use testkit::{Memcached, is_installed};

use crate::contest::{Contender, Measure, Outcome, compete};
use crate::stage::Stage;
use crate::table::{Column, Sample, Shown, Table, column};
use bench::served::sibling;

/// Name, and arguments; `--memcached` is followed by its address.
const CASES: [(&str, &str); 11] = [
    ("miss, without the attribute", "bare"),
    ("miss, embedded store", "annotated"),
    ("miss, embedded store, the middleware", "wrapped"),
    (
        "miss, embedded store, the middleware around the attribute",
        "both",
    ),
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
    let requests = 200;
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
    let memcached = Memcached::start().map_err(|error| error.to_string())?;
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
        let (said, _) = case(Command::new(&program), counted)?;
        let mut sample = allocations(&said, counted)?;
        if is_installed("valgrind") {
            let callgrind = || {
                let mut command = Command::new("valgrind");
                command
                    .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
                    .arg(&program);
                command
            };
            // What start and end take is in both, and falls out.
            let few = collected(&case(callgrind(), 100)?.1)?;
            let many = collected(&case(callgrind(), 100 + counted)?.1)?;
            sample.insert("instructions", (many - few) / f64::from(counted));
        }
        Ok(sample)
    }))
}

/// What `command` says on its two outputs.
fn run(mut command: Command) -> Outcome<(String, String)> {
    let output = command
        .output()
        .map_err(|error| format!("cannot run {:?}: {error}", command.get_program()))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, complained) = (text(&output.stdout), text(&output.stderr));
    match output.status.success() {
        true => Ok((said, complained)),
        false => Err(format!("{:?} failed: {complained}", command.get_program())),
    }
}

/// `allocations=… bytes=…` -> numbers a request.
fn allocations(said: &str, requests: u32) -> Outcome<Sample> {
    let number = |name: &str| {
        let word = said
            .split_whitespace()
            .find_map(|word| word.strip_prefix(name));
        let total: Option<f64> = word.and_then(|number| number.parse().ok());
        total.ok_or_else(|| format!("no {name} in {said:?}"))
    };
    let each = f64::from(requests);
    Ok([
        ("allocations", number("allocations=")? / each),
        ("bytes", number("bytes=")? / each),
    ]
    .into())
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
