//! Instructions and allocations a request, counted and not timed.

use std::env;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use testkit::Memcached;

use crate::app::{Handler, Variant, memcached};
use crate::contest::{Contender, Measure, compete};
use crate::stage::Stage;
use crate::table::{Column, Sample, Shown, Table, column};

/// Name, variant, whether all ask for one page, and whether it has Memcached.
type Case = (&'static str, Variant, bool, bool);

const BARE: Variant = Variant::of(Handler::Bare);
const ANNOTATED: Variant = Variant::of(Handler::Annotated);
const WRAPPED: Variant = Variant::of(Handler::Wrapped);
const READY: Variant = Variant::of(Handler::Ready);
const RENDER_LOCK: Variant = Variant {
    render_lock: true,
    ..ANNOTATED
};
const NO_LOOKUP: Variant = Variant {
    lookup: false,
    ..ANNOTATED
};

const LOCKED: &str = "miss, Memcached, one render over processes";
const PLAIN: &str = "hit, plain handler with ready bytes";

const CASES: [Case; 10] = [
    ("miss, without the attribute", BARE, false, false),
    ("miss, embedded store", ANNOTATED, false, false),
    (
        "miss, embedded store, the middleware",
        WRAPPED,
        false,
        false,
    ),
    ("miss, Memcached", ANNOTATED, false, true),
    (LOCKED, RENDER_LOCK, false, true),
    ("miss, Memcached, no lookup", NO_LOOKUP, false, true),
    (PLAIN, READY, true, false),
    ("hit, embedded store", ANNOTATED, true, false),
    ("hit, embedded store, the middleware", WRAPPED, true, false),
    ("hit, Memcached", ANNOTATED, true, true),
];

const COLUMNS: [Column; 3] = [
    column("instructions", "instructions", Shown::Count),
    column("allocations", "allocations", Shown::Count),
    column("bytes", "bytes allocated", Shown::Count),
];

/// Requests before those that are counted.
const BEFORE: u32 = 100;

pub(crate) fn measure(stage: &Stage) -> Result<Vec<Table>> {
    let requests = stage.pick(100, 200);
    let contender = |case: Case| Contender::new(case.0, move || prepare(stage, case, requests));
    Ok(vec![Table {
        id: "instructions",
        title: "Instructions and allocations a request",
        about: format!(
            "Counted over {requests} requests for a page of 10 kB through actix's test service, by valgrind (callgrind \
             and memcheck), with all threads of the process, without the kernel, and with what the test service itself \
             takes."
        ),
        reference: None,
        columns: COLUMNS.to_vec(),
        rows: compete(CASES.map(contender).into(), 1),
    }])
}

/// What valgrind's tools say at the end, each behind these words.
const SAID: [(&str, &[(&str, &str)]); 2] = [
    ("callgrind", &[("instructions", "Collected : ")]),
    (
        "memcheck",
        &[("allocations", "heap usage: "), ("bytes", "frees, ")],
    ),
];

fn prepare(stage: &Stage, case: Case, requests: u32) -> Result<Measure<'_>> {
    let memcached = case.3.then(|| memcached(64)).transpose()?;
    Ok(Box::new(move |_| {
        let run = |tool, requests| run(stage, case, memcached.as_ref(), tool, requests);
        let mut sample = Sample::new();
        for (tool, metrics) in SAID {
            let [short, long] = [run(tool, BEFORE)?, run(tool, BEFORE + requests)?];
            for (metric, words) in metrics {
                // What start and end take is in both, and falls out.
                let total = number(&long, words)? - number(&short, words)?;
                sample.insert(metric, total / f64::from(requests));
            }
        }
        Ok(sample)
    }))
}

/// What the tool says of so many requests.
fn run(
    stage: &Stage,
    (_, variant, is_hit, _): Case,
    memcached: Option<&Memcached>,
    tool: &str,
    requests: u32,
) -> Result<String> {
    if let Some(memcached) = memcached {
        // Pages of the run before are no misses any more.
        memcached.command("flush_all");
    }
    let page = &stage.usual().name;
    let target = match is_hit {
        true => format!("/{page}/hit"),
        false => format!("/{page}/"),
    };
    let mut command = Command::new("valgrind");
    command.arg(format!("--tool={tool}"));
    if tool == "callgrind" {
        command.arg("--callgrind-out-file=/dev/null");
    }
    command.arg(env::current_exe()?);
    command.args(["ask", &requests.to_string(), &target]);
    command.arg(serde_json::to_string(&variant)?);
    let address = memcached.map(Memcached::address);
    let output = command.arg(stage.pages_folder()).args(address).output();
    let output = output.context("cannot run valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{tool} failed: {said}");
    Ok(said)
}

/// `==1== Collected : 123` -> 123
fn number(said: &str, words: &str) -> Result<f64> {
    let rest = said.split_once(words).map(|(_, rest)| rest);
    let digits = rest.and_then(|rest| rest.split_whitespace().next());
    let digits = digits.unwrap_or_default().replace(',', "");
    let number = digits.parse();
    number.with_context(|| format!("valgrind counted nothing: {said}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_valgrind_counts_is_read() {
        let said = "==7== Collected : 15893\n\
            ==7==   total heap usage: 1,204 allocs, 1,200 frees, 98,765 bytes allocated\n";
        let numbers = SAID.iter().flat_map(|(_, metrics)| *metrics);
        let numbers: Vec<_> = numbers
            .map(|(_, words)| number(said, words).unwrap())
            .collect();
        assert_eq!(numbers, [15_893.0, 1204.0, 98_765.0]);
        assert!(number("valgrind: no such program", "Collected : ").is_err());
    }
}
