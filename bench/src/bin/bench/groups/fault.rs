//! A Memcached that takes connections and never answers.

use testkit::Memcached;

use crate::app::{App, memcached};
use crate::client::ask;
use crate::columns;
use crate::contest::{Contender, Measure, Outcome, compete};
use crate::stage::Stage;
use crate::table::{Column, Shown, Table, column};
use crate::wrk::{Load, Targets};

pub(crate) const HUNG: &str = "hung";
pub(crate) const BARE: &str = "without the attribute";
pub(crate) const LOOKUP: &str = "#[cache_page]";

const OPENING: Column = column(
    "slowest_while_opening_seconds",
    "slowest while the breaker opens",
    Shown::Milliseconds,
);

pub(crate) fn measure(stage: &Stage) -> Outcome<Vec<Table>> {
    let contender = |(name, handler): (&str, &'static str)| {
        Contender::new(name, move || prepare(stage, handler))
    };
    let variants = [
        (BARE, "bare"),
        (LOOKUP, "annotated"),
        ("by hand: lookup, awaited store", "memcache"),
    ];
    Ok(vec![Table {
        id: HUNG,
        title: "Memcached hangs: misses in the application",
        about: "Memcached is stopped (SIGSTOP): it takes connections and never answers. One page of 10 kB under a new \
                target each time; load as for a miss, measured after a second of the same load in which the breaker opens."
            .to_owned(),
        reference: Some(BARE),
        columns: columns::load(&[columns::P99_RATIO, OPENING]),
        rows: compete(variants.map(contender).into(), stage.effort.rounds),
    }])
}

fn prepare<'a>(stage: &'a Stage, handler: &str) -> Outcome<Measure<'a>> {
    let mut memcached = memcached(64)?;
    let stores = handler != "bare";
    let app = App::with(stage, &memcached, &[handler])?;
    let page = stage.usual();
    let load = Load::usual(stage, app.port, Targets::Unique(format!("/{}/", page.name)));
    let opening = Load {
        seconds: 1,
        ..load.clone()
    };
    Ok(Box::new(move |_| {
        // So that it hangs in the middle of things, with connections open.
        if stores {
            wait_until_it_stores(&app, &memcached, &format!("/{}/", page.name))?;
        }
        opening.run(stage)?;
        memcached.pause();
        let before = opening.run(stage)?;
        let answer = ask(app.port, &page.target())?;
        if answer.status != 200 || answer.body != page.html.as_bytes() {
            return Err(format!("with Memcached hung: status {}", answer.status));
        }
        let mut sample = load.run(stage)?;
        memcached.resume();
        sample.insert("slowest_while_opening_seconds", before["slowest_seconds"]);
        Ok(sample)
    }))
}

/// The breaker of the round before closes some time after Memcached is back.
fn wait_until_it_stores(app: &App, memcached: &Memcached, prefix: &str) -> Outcome {
    let before = memcached.stat("cmd_set");
    for number in 0..200 {
        ask(app.port, &format!("{prefix}waiting-{before}-{number}"))?;
        app.flush();
        if memcached.stat("cmd_set") > before {
            return Ok(());
        }
    }
    Err("nothing is stored although Memcached is back".to_owned())
}
