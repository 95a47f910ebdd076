//! Hits in the application.

use crate::app::App;
use crate::client::{Expect, ask, fill};
use crate::columns;
use crate::contest::{Contender, Measure, Outcome, compete};
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
type Variant = (&'static str, &'static str, bool);

const VARIANTS: [Variant; 5] = [
    (READY, "ready", false),
    (EMBEDDED, "annotated", false),
    ("by hand: moka", "moka", false),
    (MEMCACHED, "annotated", true),
    (BY_HAND, "memcache", true),
];

pub(crate) fn measure(stage: &Stage) -> Outcome<Vec<Table>> {
    let table = |id, title, twelve| {
        let contender =
            |variant: Variant| Contender::new(variant.0, || prepare(stage, variant, twelve));
        Table {
            id,
            title,
            about: "wrk (1 thread, 32 connections), the application (2 workers) and memcached (2 threads) share the \
                    machine's cores."
                .to_owned(),
            reference: Some(READY),
            columns: columns::load(&[columns::P99_RATIO]),
            rows: compete(VARIANTS.map(contender).into(), stage.effort.rounds),
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

fn prepare(stage: &Stage, (_, handler, stores): Variant, twelve: bool) -> Outcome<Measure<'_>> {
    let app = App::variant(stage, &[handler], stores)?;
    let (pages, targets) = stage.workload(twelve);
    for page in pages {
        ask(app.port, &page.target())?;
    }
    app.flush();
    let load = Load::usual(stage, app.port, targets);
    let hit = ("Cache-Status", "djanginxed; hit");
    let expect = Expect {
        gzip: false,
        header: (handler == "annotated").then_some(hit),
    };
    Ok(Box::new(move |_| {
        expect.check(app.port, pages)?;
        app.hits_of(stage, &load)
    }))
}

const MEMORY: Column = column("memory_per_page", "memory a page, bytes", Shown::Count);

fn many_pages(stage: &Stage) -> Table {
    let bytes = stage.small().html.len();
    // One store at a time: the second would be measured beside the first.
    let row = |count: u64| {
        let contender = Contender::new(format!("{count} pages"), || prepare_many(stage, count));
        compete(vec![contender], stage.effort.rounds)
    };
    let counts = [10_000, stage.effort.pick(20_000, 100_000)];
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

fn prepare_many(stage: &Stage, count: u64) -> Outcome<Measure<'_>> {
    let app = App::start(stage, &["annotated", "--memory-bytes", "400000000"])?;
    let prefix = format!("/{}/", stage.small().name);
    let before = app.memory()?;
    fill(&app, &prefix, count)?;
    let memory = (app.memory()? - before) / count as f64;
    let load = Load::usual(stage, app.port, Targets::Again(prefix, count));
    Ok(Box::new(move |_| {
        let mut sample = app.hits_of(stage, &load)?;
        sample.insert(MEMORY.metric, memory);
        Ok(sample)
    }))
}
