//! Many pages in memory.

use crate::app::App;
use crate::client::fill;
use crate::columns;
use crate::contest::{Contender, Measure, Outcome, compete};
use crate::stage::Stage;
use crate::table::{Column, Shown, Table, column};
use crate::wrk::{Load, Targets};

const MEMORY: Column = column("memory_per_page", "memory a page, bytes", Shown::Count);

/// Room for all of them.
const ROOM: &str = "400000000";

pub(crate) fn measure(stage: &Stage) -> Outcome<Vec<Table>> {
    let counts = [10_000, stage.effort.pick(20_000, 100_000)];
    // Many pages in memory: one store at a time.
    let row = |count: u64| {
        let contender = Contender::new(format!("{count} pages"), || prepare(stage, count));
        compete(vec![contender], stage.effort.rounds)
    };
    Ok(vec![Table {
        id: "scaling",
        title: "Many pages in the embedded store",
        about: format!(
            "Hits in the application on pages of {} bytes, one after the other. Memory is the resident memory that the \
             process has gained, divided by the pages: what is not the page is the store's, the allocator's and the \
             process's queues'.",
            stage.small().html.len()
        ),
        reference: Some("10000 pages"),
        columns: columns::load(&[MEMORY]),
        rows: counts.into_iter().flat_map(row).collect(),
    }])
}

fn prepare(stage: &Stage, count: u64) -> Outcome<Measure<'_>> {
    let app = App::start(stage, &["annotated", "--memory-bytes", ROOM])?;
    let prefix = format!("/{}/", stage.small().name);
    let before = app.memory()?;
    fill(&app, &prefix, count)?;
    let memory = (app.memory()? - before) / count as f64;
    let load = Load::usual(stage, app.port, Targets::Again(prefix, count));
    Ok(Box::new(move |_| {
        let before = app.renders();
        let mut sample = load.run(stage)?;
        app.only_hits(before, &sample)?;
        sample.insert(MEMORY.metric, memory);
        Ok(sample)
    }))
}
