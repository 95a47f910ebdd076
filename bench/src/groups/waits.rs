//! Steady traffic through nginx on pages whose times end all the while: who waits for a
//! render.

use std::time::Instant;

use anyhow::{Result, ensure};

use crate::app::{Handler, Variant};
use crate::contest::{Measure, compete};
use crate::peers::Stored;
use crate::stage::Stage;
use crate::table::{Column, Shown, Table, column};
use crate::wrk::{Load, Targets};

pub(crate) const WAITS: &str = "waits";
pub(crate) const TIMEOUT: &str = "a timeout alone";
pub(crate) const STALE: &str = "`refresh_through` and `stale`";

const PAGES: u64 = 200;

/// What each visitor leaves between his requests, and how many there are.
const PAUSE_MS: u32 = 10;
const VISITORS: u32 = 10;

/// Who is answered sooner than in 45 ms has not waited for one (wrk.lua).
const RENDER_MS: u64 = 50;

pub(crate) const COLUMNS: [Column; 6] = [
    column("requests", "requests", Shown::Count),
    column("waited", "waited for a render", Shown::Percent),
    column("p99_seconds", "p99", Shown::Milliseconds),
    column("p999_seconds", "p99.9", Shown::Milliseconds),
    column("slowest_seconds", "slowest", Shown::Milliseconds),
    column("renders_a_second", "renders a second", Shown::Count),
];

pub(crate) fn measure(stage: &Stage) -> Result<Vec<Table>> {
    let seconds = stage.pick(5, 20);
    let prepare = |(handler, refreshes)| {
        let variant = Variant {
            waiting_ms: RENDER_MS,
            refreshes,
            ..Variant::of(handler)
        };
        prepare(stage, variant, seconds)
    };
    let contenders = [
        (TIMEOUT, (Handler::Brief, 0)),
        ("`refresh_through`", (Handler::Brief, 16)),
        (STALE, (Handler::Stale, 16)),
    ];
    Ok(vec![Table {
        id: WAITS,
        title: "Who waits when pages' times end",
        about: format!(
            "{PAGES} pages with a timeout of 2 s and renders of 50 ms, behind nginx with the \
             generated file; {VISITORS} visitors ask for one after the other for {seconds} s. \
             One render a page and timeout would be 100 a second. A visitor who \
             waits asks less often, so that there are fewer requests."
        ),
        reference: None,
        columns: COLUMNS.to_vec(),
        rows: compete(contenders, 1, prepare),
    }])
}

fn prepare(stage: &Stage, variant: Variant, seconds: u32) -> Result<Measure<'_>> {
    let running = Stored::from(variant).start()?;
    let prefix = format!("/{}/", stage.usual().name);
    let targets = Targets::Again(prefix, PAGES);
    let load = |seconds| Load {
        seconds,
        connections: VISITORS,
        pause_ms: PAUSE_MS,
        ..Load::usual(stage, running.nginx.port, targets.clone())
    };
    // Until all pages are there.
    let (first, load) = (load(3), load(seconds));
    Ok(Box::new(move |_| {
        // All of it: a part would leave Memcached behind, to end at once.
        let running = &running;
        first.run()?;
        let (before, began) = (running.app.renders(), Instant::now());
        let mut sample = load.run()?;
        let renders = (running.app.renders() - before) as f64 / began.elapsed().as_secs_f64();
        let failed = sample["failed"];
        ensure!(failed == 0.0, "{failed} requests failed");
        sample.insert("renders_a_second", renders);
        Ok(sample)
    }))
}
