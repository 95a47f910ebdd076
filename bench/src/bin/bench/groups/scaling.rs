//! More workers, more pages.

use crate::app::{App, memcached};
use crate::client::visit;
use crate::columns;
use crate::contest::{Contender, Measure, Outcome, compete};
use crate::fill::fill;
use crate::stage::Stage;
use crate::table::{Column, Shown, Table};
use crate::wrk::{Load, Targets};

const MEMORY: Column = Column {
    metric: "memory_per_page",
    heading: "memory a page, bytes",
    shown: Shown::Count,
};

const OVERHEAD: Column = Column {
    metric: "overhead_per_page",
    heading: "of it not the page",
    shown: Shown::Count,
};

/// Room for a million tiny pages.
const ROOM: &str = "4000000000";

pub(crate) fn measure(stage: &Stage) -> Outcome<Vec<Table>> {
    Ok(vec![workers(stage), pages(stage)])
}

/// There is no reference here.
fn without_ratios(more: &[Column]) -> Vec<Column> {
    let mut columns = columns::load(more);
    columns.retain(|column| !matches!(column.shown, Shown::Ratio));
    columns
}

fn workers(stage: &Stage) -> Table {
    let mut contenders = Vec::new();
    for workers in ["1", "2", "4"] {
        for memcached in [false, true] {
            for hit in [true, false] {
                let store = if memcached { "Memcached" } else { "embedded" };
                let plural = if workers == "1" { "" } else { "s" };
                let kind = if hit { "hit" } else { "miss" };
                let name = format!("{kind}, {store}, {workers} worker{plural}");
                let prepare = move || at_workers(stage, workers, memcached, hit);
                contenders.push(Contender::new(name, prepare));
            }
        }
    }
    Table {
        id: "scaling-workers",
        title: "Workers",
        about: "One page of 10 kB. wrk, the application and memcached share the machine's cores, so that more workers \
                than cores gain nothing."
            .to_owned(),
        reference: None,
        columns: without_ratios(&[]),
        rows: compete(contenders, stage.effort.pick(1, 3)),
    }
}

fn at_workers<'a>(
    stage: &'a Stage,
    workers: &str,
    with_memcached: bool,
    hit: bool,
) -> Outcome<Measure<'a>> {
    let memcached = memcached(256)?;
    let arguments = ["annotated", "--workers", workers];
    let app = match with_memcached {
        true => App::with(stage, &memcached, &arguments)?,
        false => App::start(stage, &arguments)?,
    };
    let page = stage.usual();
    visit(app.port, [page.target()].into_iter())?;
    app.flush();
    let targets = match hit {
        true => Targets::One(page.target()),
        false => Targets::Unique(format!("/{}/", page.name)),
    };
    let load = Load::usual(stage, app.port, targets);
    Ok(Box::new(move |_| {
        let _kept = &memcached;
        let before = app.renders();
        let sample = load.run(stage)?;
        if hit {
            app.only_hits(before, &sample)?;
        } else if app.renders() == before {
            return Err("nothing was rendered: these are no misses".to_owned());
        }
        Ok(sample)
    }))
}

fn pages(stage: &Stage) -> Table {
    let most = stage.effort.pick(20_000, 1_000_000);
    let counts = [100, 10_000, most];
    // A million pages in memory: one store at a time.
    let mut rows = Vec::new();
    for count in counts {
        let kinds: [(&str, Prepare); 3] = [
            ("hit, embedded", embedded_hit),
            ("miss, embedded", embedded_miss),
            ("hit, Memcached", memcached_hit),
        ];
        for (kind, prepare) in kinds {
            let name = format!("{kind}, {count} pages");
            let contender = Contender::new(name, || prepare(stage, count));
            rows.extend(compete(vec![contender], stage.effort.pick(1, 3)));
        }
    }
    Table {
        id: "scaling-pages",
        title: "Stored pages",
        about: format!(
            "Pages of {} bytes, asked for at random. Memory is the resident memory that the process has gained, \
             divided by the pages; \"not the page\" is what the store, the allocator and the process's queues add.",
            stage.tiny().html.len()
        ),
        reference: None,
        columns: without_ratios(&[MEMORY, OVERHEAD]),
        rows,
    }
}

type Prepare = for<'a> fn(&'a Stage, u64) -> Outcome<Measure<'a>>;

/// An application whose memory holds `count` tiny pages, and what a page takes.
fn filled(stage: &Stage, count: u64) -> Outcome<(App, f64)> {
    let app = App::start(stage, &["annotated", "--memory-bytes", ROOM])?;
    let prefix = format!("/{}/", stage.tiny().name);
    let before = app.memory()?;
    visit(
        app.port,
        (0..count).map(|number| format!("{prefix}{number}")),
    )?;
    let memory = (app.memory()? - before) / count as f64;
    Ok((app, memory))
}

fn embedded_hit(stage: &Stage, count: u64) -> Outcome<Measure<'_>> {
    let (app, memory) = filled(stage, count)?;
    let targets = Targets::Random(format!("/{}/", stage.tiny().name), count);
    let load = Load::usual(stage, app.port, targets);
    Ok(Box::new(move |_| {
        let before = app.renders();
        let mut sample = load.run(stage)?;
        app.only_hits(before, &sample)?;
        // A few pages do not show in the memory of a process.
        if count >= 10_000 {
            let page = stage.tiny().html.len() as f64;
            sample.insert("memory_per_page", memory);
            sample.insert("overhead_per_page", memory - page);
        }
        Ok(sample)
    }))
}

fn embedded_miss(stage: &Stage, count: u64) -> Outcome<Measure<'_>> {
    let (app, _) = filled(stage, count)?;
    let targets = Targets::Unique(format!("/{}/new-", stage.tiny().name));
    let load = Load::usual(stage, app.port, targets);
    Ok(Box::new(move |_| {
        let _kept = &app;
        load.run(stage)
    }))
}

fn memcached_hit(stage: &Stage, count: u64) -> Outcome<Measure<'_>> {
    let memcached = memcached(2048)?;
    let tiny = stage.tiny();
    let prefix = format!("/{}/", tiny.name);
    fill(&memcached, "bench", &prefix, count, &tiny.html)?;
    let app = App::with(stage, &memcached, &["annotated"])?;
    let load = Load::usual(stage, app.port, Targets::Random(prefix, count));
    Ok(Box::new(move |_| {
        let _kept = &memcached;
        let before = app.renders();
        let sample = load.run(stage)?;
        app.only_hits(before, &sample)?;
        Ok(sample)
    }))
}
