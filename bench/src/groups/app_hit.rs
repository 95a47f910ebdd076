//! Hits in the application.

use anyhow::Result;

use crate::app::{App, Handler, Variant};
use crate::client::{Expect, ask, fill};
use crate::columns;
use crate::contest::{Measure, compete};
use crate::hits;
use crate::stage::Stage;
use crate::table::{Column, Shown, Table, column};
use crate::wrk::{Load, Targets};

pub(crate) const ONE_PAGE: &str = "hit-10kb";
const TWELVE_PAGES: &str = "hit-set";
pub(crate) const READY: &str = "plain handler, ready bytes";
pub(crate) const EMBEDDED: &str = "#[cache_page], embedded store";
pub(crate) const MEMCACHED: &str = "#[cache_page], Memcached";
pub(crate) const BY_HAND: &str = "by hand: Memcached";

/// Name, handler, and whether it has Memcached.
const ROWS: [(&str, (Handler, bool)); 5] = [
    (READY, (Handler::Ready, false)),
    (EMBEDDED, (Handler::Annotated, false)),
    ("by hand: moka", (Handler::Moka, false)),
    (MEMCACHED, (Handler::Annotated, true)),
    (BY_HAND, (Handler::Memcache, true)),
];

pub(crate) fn measure(stage: &Stage) -> Result<Vec<Table>> {
    let table = |id, title, twelve| {
        Table {
        id,
        title,
        about: "wrk (1 thread, 32 connections), the application (2 workers) and memcached (2 threads) share the \
                machine's cores."
            .to_owned(),
        reference: Some(READY),
        columns: columns::load(&[columns::P99_RATIO]),
        rows: compete(ROWS, stage.rounds, |row| prepare(stage, row, twelve)),
    }
    };
    Ok(vec![
        table(
            ONE_PAGE,
            "A hit in the application: one page of 10 kB",
            false,
        ),
        table(
            TWELVE_PAGES,
            "A hit in the application: twelve pages of 2 to 200 kB in turn",
            true,
        ),
        many_pages(stage),
    ])
}

fn prepare(stage: &Stage, (handler, stores): (Handler, bool), twelve: bool) -> Result<Measure<'_>> {
    let app = App::usual(Variant::of(handler), stores)?;
    let (pages, targets) = stage.workload(twelve);
    for page in pages {
        ask(app.port(), &page.target(), &[])?;
    }
    app.flush();
    let load = Load::usual(stage, app.port(), targets);
    let hit = ("Cache-Status", "djanginxed; hit");
    let expect = Expect {
        gzip: false,
        header: (handler == Handler::Annotated).then_some(hit),
    };
    Ok(Box::new(move |_| {
        let check = || expect.check(app.port(), pages);
        hits::measure(&load, &app, None, check)
    }))
}

const MEMORY: Column = column("memory_per_page", "memory a page, bytes", Shown::Count);

fn many_pages(stage: &Stage) -> Table {
    let bytes = stage.small().html.len();
    // One store at a time: the second would be measured beside the first.
    let row = |count: u64| {
        let contender = (format!("{count} pages"), count);
        compete([contender], stage.rounds, |count| {
            prepare_many(stage, count)
        })
    };
    let counts = [10_000, stage.pick(20_000, 100_000)];
    Table {
        id: "scaling",
        title: "Many pages in the embedded store",
        about: format!(
            "Hits in the application on pages of {bytes} bytes, one after the other. Memory is the resident memory that \
             the process has gained, divided by the pages: what is not the page is the store's, the allocator's and the \
             process's queues'."
        ),
        reference: Some("10000 pages"),
        columns: columns::load(&[MEMORY]),
        rows: counts.into_iter().flat_map(row).collect(),
    }
}

fn prepare_many(stage: &Stage, count: u64) -> Result<Measure<'_>> {
    let variant = Variant {
        memory_bytes: 400_000_000,
        ..Variant::of(Handler::Annotated)
    };
    let app = App::start(variant, None)?;
    let prefix = format!("/{}/", stage.small().name);
    let before = app.memory()?;
    fill(&app, (1..=count).map(|number| format!("{prefix}{number}")))?;
    let memory = (app.memory()? - before) / count as f64;
    let load = Load::usual(stage, app.port(), Targets::Again(prefix, count));
    Ok(Box::new(move |_| {
        let mut sample = hits::measure(&load, &app, None, || Ok(()))?;
        sample.insert(MEMORY.metric, memory);
        Ok(sample)
    }))
}
