//! Instructions and allocations a request, counted and not timed.

use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result};

use crate::app::{App, Handler, Variant, memcached};
use crate::client::fill;
use crate::contest::{Measure, compete};
use crate::stage::Stage;
use crate::table::{Column, Sample, Shown, Table, column};

/// Whether all ask for one page, and whether it has Memcached.
type Case = (Variant, bool, bool);

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

const MIDDLEWARE: &str = "miss, embedded store, the middleware";
const LOCKED: &str = "miss, Memcached, one render over processes";
const PLAIN: &str = "hit, plain handler with ready bytes";
const HIT_OF_MIDDLEWARE: &str = "hit, embedded store, the middleware";

const CASES: [(&str, Case); 10] = [
    ("miss, without the attribute", (BARE, false, false)),
    ("miss, embedded store", (ANNOTATED, false, false)),
    (MIDDLEWARE, (WRAPPED, false, false)),
    ("miss, Memcached", (ANNOTATED, false, true)),
    (LOCKED, (RENDER_LOCK, false, true)),
    ("miss, Memcached, no lookup", (NO_LOOKUP, false, true)),
    (PLAIN, (READY, true, false)),
    ("hit, embedded store", (ANNOTATED, true, false)),
    (HIT_OF_MIDDLEWARE, (WRAPPED, true, false)),
    ("hit, Memcached", (ANNOTATED, true, true)),
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
    Ok(vec![Table {
        id: "instructions",
        title: "Instructions and allocations a request",
        about: format!(
            "Counted over {requests} requests for a page of 10 kB, one after the other on one connection, by valgrind \
             (callgrind and memcheck), with all threads of the process and what actix-web itself takes, without the \
             kernel."
        ),
        reference: None,
        columns: COLUMNS.to_vec(),
        rows: compete(CASES, 1, |case| prepare(stage, case, requests)),
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
    Ok(Box::new(move |_| {
        let mut sample = Sample::new();
        for (tool, metrics) in SAID {
            let run = |requests| run(stage, case, tool, requests);
            let [short, long] = [run(BEFORE)?, run(BEFORE + requests)?];
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
    (variant, is_hit, stores): Case,
    tool: &str,
    requests: u32,
) -> Result<String> {
    let log = tempfile::NamedTempFile::new()?;
    let mut valgrind = Command::new("valgrind");
    valgrind.arg(format!("--tool={tool}"));
    valgrind.arg(format!("--log-file={}", log.path().display()));
    if tool == "callgrind" {
        valgrind.arg("--callgrind-out-file=/dev/null");
    }
    valgrind.arg(env::current_exe()?);
    let variant = Variant {
        is_slow: true,
        ..variant
    };
    let memcached = stores.then(|| memcached(64)).transpose()?;
    let app = App::run(valgrind, variant, memcached)?;
    let page = &stage.usual().name;
    let target = |number| match is_hit {
        true => format!("/{page}/hit"),
        false => format!("/{page}/{number}"),
    };
    fill(&app, (0..requests).map(target))?;
    app.stop();
    Ok(fs::read_to_string(log.path())?)
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
