//! Many pages in memory.

use crate::app::App;
use crate::client::visit;
use crate::columns;
use crate::contest::{Contender, Measure, Outcome, compete};
use crate::stage::Stage;
use crate::table::{Column, Shown, Table, column};
use crate::wrk::{Load, Targets};

const MEMORY: [Column; 2] = [
    column("memory_per_page", "memory a page, bytes", Shown::Count),
    column("overhead_per_page", "of it not the page", Shown::Count),
];

/// Room for all of them.
const ROOM: &str = "400000000";

pub(crate) fn measure(stage: &Stage) -> Outcome<Vec<Table>> {
    let counts = stage.effort.pick([10_000, 20_000], [10_000, 100_000]);
    // Many pages in memory: one store at a time.
    let row = |count: u64| {
        let contender = Contender::new(format!("{count} pages"), || prepare(stage, count));
        compete(vec![contender], stage.effort.rounds)
    };
    let mut columns = columns::load(&MEMORY);
    columns.retain(|column| !matches!(column.shown, Shown::Ratio));
    Ok(vec![Table {
        id: "scaling",
        title: "Many pages in the embedded store",
        about: format!(
            "Hits in the application on pages of {} bytes, asked for at random. Memory is the resident memory that the \
             process has gained, divided by the pages; \"not the page\" is what the store, the allocator and the \
             process's queues add.",
            stage.small().html.len()
        ),
        reference: None,
        columns,
        rows: counts.into_iter().flat_map(row).collect(),
    }])
}

fn prepare(stage: &Stage, count: u64) -> Outcome<Measure<'_>> {
    let app = App::start(stage, &["annotated", "--memory-bytes", ROOM])?;
    let prefix = format!("/{}/", stage.small().name);
    let before = app.memory()?;
    let targets = (0..count).map(|number| format!("{prefix}{number}"));
    visit(app.port, targets)?;
    let memory = (app.memory()? - before) / count as f64;
    let load = Load::usual(stage, app.port, Targets::Random(prefix, count));
    Ok(Box::new(move |_| {
        let before = app.renders();
        let mut sample = load.run(stage)?;
        app.only_hits(before, &sample)?;
        let page = stage.small().html.len() as f64;
        sample.insert("memory_per_page", memory);
        sample.insert("overhead_per_page", memory - page);
        Ok(sample)
    }))
}
