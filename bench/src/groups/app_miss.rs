//! Misses in the application: every request is for a page that nobody has seen.

use anyhow::{Result, ensure};

use crate::app::{App, Handler, Variant};
use crate::client::Expect;
use crate::columns;
use crate::contest::{Measure, compete};
use crate::page_set::Page;
use crate::stage::Stage;
use crate::table::{Column, Shown, Table, column};
use crate::wrk::{Load, Targets};

pub(crate) const NO_RENDER: &str = "miss-0ms";
pub(crate) const RENDER: &str = "miss-1ms";
pub(crate) const BARE: &str = "without the attribute";
pub(crate) const EMBEDDED: &str = "#[cache_page], embedded store";
pub(crate) const LOOKUP: &str = "#[cache_page], Memcached";
pub(crate) const NO_LOOKUP: &str = "#[cache_page], Memcached, no lookup";
pub(crate) const HUNG: &str = "#[cache_page], Memcached hangs";
pub(crate) const BY_HAND: &str = "by hand: lookup, awaited store";
const MOKA: &str = "by hand: moka";

/// Where a variant stores.
#[derive(Clone, Copy, PartialEq)]
enum Store {
    Elsewhere,
    Memcached,
    /// It takes connections and never answers.
    Hung,
}

const ANNOTATED: Variant = Variant::of(Handler::Annotated);
const NO_LOOKUP_FIRST: Variant = Variant {
    lookup: false,
    ..ANNOTATED
};

const BY_MEMCACHE: Variant = Variant::of(Handler::Memcache);

const ROWS: [(&str, (Variant, Store)); 7] = [
    (BARE, (Variant::of(Handler::Bare), Store::Elsewhere)),
    (EMBEDDED, (ANNOTATED, Store::Elsewhere)),
    (LOOKUP, (ANNOTATED, Store::Memcached)),
    (NO_LOOKUP, (NO_LOOKUP_FIRST, Store::Memcached)),
    (HUNG, (ANNOTATED, Store::Hung)),
    (BY_HAND, (BY_MEMCACHE, Store::Memcached)),
    (MOKA, (Variant::of(Handler::Moka), Store::Elsewhere)),
];

/// Pages that were rendered and not stored, of those rendered.
const DROPPED: Column = column("dropped", "not stored", Shown::Percent);

const OPENING: Column = column(
    "slowest_while_opening_seconds",
    "slowest while the breaker opens",
    Shown::Milliseconds,
);

pub(crate) fn measure(stage: &Stage) -> Result<Vec<Table>> {
    let table = |id, title, computing_ms| {
        let prepare = |(variant, store)| {
            let variant = Variant {
                computing_ms,
                ..variant
            };
            prepare(stage, variant, store)
        };
        Table {
            id,
            title,
            about: "One page of 10 kB under a new target each time. wrk (1 thread, 32 connections), the application \
                    (2 workers) and memcached (2 threads) share the machine's cores. \"Not stored\" are pages that \
                    were rendered and that Memcached never got. One that hangs is stopped (SIGSTOP): it takes \
                    connections and never answers; it is measured after a second of the same load, in which the \
                    breaker opens."
                .to_owned(),
            reference: Some(BARE),
            columns: columns::load(&[columns::P99_RATIO, DROPPED, OPENING]),
            rows: compete(ROWS, stage.rounds, prepare),
        }
    };
    let title = "A miss in the application: 1 ms of computing a render";
    Ok(vec![
        table(NO_RENDER, "A miss in the application: no render time", 0),
        table(RENDER, title, 1),
    ])
}

fn prepare(stage: &Stage, variant: Variant, store: Store) -> Result<Measure<'_>> {
    let mut app = App::usual(variant, store != Store::Elsewhere)?;
    let page = stage.usual();
    let prefix = format!("/{}/", page.name);
    let load = Load::usual(stage, app.port(), Targets::Once(prefix.clone()));
    check(&app, &format!("{prefix}check"), page)?;
    let mut hung = match store {
        Store::Hung => app.memcached.take(),
        _ => None,
    };
    let mut opening = None;
    if let Some(memcached) = &mut hung {
        memcached.pause();
        let load = Load {
            seconds: 1,
            ..load.clone()
        };
        opening = Some(load.run()?["slowest_seconds"]);
    }
    Ok(Box::new(move |round| {
        let _running = &hung;
        check(&app, &format!("{prefix}check-{round}"), page)?;
        let (stored, rendered) = counts(&app);
        let mut sample = load.run()?;
        let after = counts(&app);
        if let (Some(before), Some(after), rendered) = (stored, after.0, after.1 - rendered) {
            let stored = (after - before) as f64;
            sample.insert(DROPPED.metric, 1.0 - stored / rendered as f64);
        }
        sample.extend(opening.map(|slowest| (OPENING.metric, slowest)));
        Ok(sample)
    }))
}

/// A new target must be rendered, answered whole, and stored.
fn check(app: &App, target: &str, page: &Page) -> Result<()> {
    let (stored, renders) = counts(app);
    Expect::default().check_one(app.port(), target, page)?;
    let after = counts(app);
    ensure!(after.1 == renders + 1, "GET {target} was not rendered");
    let is_stored = after.0 == stored.map(|stored| stored + 1);
    ensure!(is_stored, "GET {target} was not stored");
    Ok(())
}

/// What its Memcached has stored, where it has one that says so, and what was rendered.
fn counts(app: &App) -> (Option<u64>, u64) {
    app.flush();
    (app.stored(), app.renders())
}
