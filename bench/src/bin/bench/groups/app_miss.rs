//! Misses in the application: every request is for a page that nobody has seen.

use std::rc::Rc;

use testkit::Memcached;

use crate::app::{App, memcached};
use crate::client::ask;
use crate::columns;
use crate::contest::{Contender, Measure, Outcome, compete};
use crate::stage::Stage;
use crate::table::{Sample, Table};
use crate::wrk::{Load, Targets};

pub(crate) const NO_RENDER: &str = "miss-0ms";
pub(crate) const RENDER: &str = "miss-1ms";
pub(crate) const BARE: &str = "without the attribute";
pub(crate) const EMBEDDED: &str = "#[cache_page], embedded store";
pub(crate) const LOOKUP: &str = "#[cache_page], Memcached";
pub(crate) const NO_LOOKUP: &str = "#[cache_page], Memcached, no lookup";

/// Name, arguments, and whether Memcached counts what is stored.
const VARIANTS: [(&str, &[&str], bool); 9] = [
    (BARE, &["bare"], false),
    (EMBEDDED, &["annotated"], false),
    (LOOKUP, &["annotated"], true),
    (NO_LOOKUP, &["annotated", "--lookup", "false"], true),
    ("by hand: lookup, awaited store", &["memcache"], true),
    (
        "by hand: lookup, spawned store",
        &["memcache", "--store", "spawned"],
        true,
    ),
    (
        "by hand: spawned store alone",
        &["memcache", "--store", "spawned", "--lookup", "false"],
        true,
    ),
    (
        "by hand: store through a channel alone",
        &["memcache", "--store", "channel", "--lookup", "false"],
        true,
    ),
    ("by hand: moka", &["moka"], false),
];

pub(crate) fn measure(stage: &Stage) -> Outcome<Vec<Table>> {
    let tables = [
        (NO_RENDER, "A miss in the application: no render time", "0"),
        (
            RENDER,
            "A miss in the application: 1 ms of computing a render",
            "1",
        ),
    ];
    let table = |(id, title, ms): (&'static str, &'static str, &str)| {
        let contender = |(name, arguments, counts): (&str, &[&str], bool)| {
            let arguments = [arguments, &["--computing-ms", ms]].concat();
            Contender::new(name, || variant(stage, &arguments, counts))
        };
        let rounds = stage
            .effort
            .pick(if ms == "0" { 2 } else { 1 }, stage.effort.rounds);
        Table {
            id,
            title,
            about: "One page of 10 kB under a new target each time. wrk (1 thread, 32 connections), the application \
                    (2 workers) and memcached (2 threads) share the machine's cores. \"Not stored\" are pages that \
                    were rendered and that Memcached never got."
                .to_owned(),
            reference: Some(BARE),
            columns: columns::load(&[columns::P99_RATIO, columns::DROPPED]),
            rows: compete(VARIANTS.map(contender).into(), rounds),
        }
    };
    Ok(tables.map(table).into())
}

fn variant<'a>(stage: &'a Stage, arguments: &[&str], counts: bool) -> Outcome<Measure<'a>> {
    let memcached = memcached(256)?;
    let app = match counts {
        true => App::with(stage, &memcached, arguments)?,
        false => App::start(stage, arguments)?,
    };
    let memcached = counts.then_some(memcached);
    let page = stage.usual();
    let targets = Targets::Unique(format!("/{}/", page.name));
    let load = Load::usual(stage, app.port, targets);
    let both = Rc::new((app, memcached));
    Ok(Box::new(move |round| {
        let (app, memcached) = &*both;
        check(
            app,
            memcached.as_ref(),
            &format!("/{}/check-{round}", page.name),
            &page.html,
        )?;
        let before = stored_and_rendered(app, memcached.as_ref());
        let mut sample = load.run(stage)?;
        dropped(
            &mut sample,
            before,
            stored_and_rendered(app, memcached.as_ref()),
        );
        Ok(sample)
    }))
}

/// A new target must be rendered, answered whole, and stored.
fn check(app: &App, memcached: Option<&Memcached>, target: &str, page: &str) -> Outcome {
    let before = stored_and_rendered(app, memcached);
    let answer = ask(app.port, target)?;
    if answer.status != 200 || answer.body != page.as_bytes() {
        return Err(format!(
            "GET {target}: status {} or another body",
            answer.status
        ));
    }
    let after = stored_and_rendered(app, memcached);
    if after.1 != before.1 + 1 {
        return Err(format!("GET {target} was not rendered: it is no miss"));
    }
    if memcached.is_some() && after.0 != before.0 + 1 {
        return Err(format!("GET {target} was not stored"));
    }
    Ok(())
}

fn stored_and_rendered(app: &App, memcached: Option<&Memcached>) -> (u64, u64) {
    app.flush();
    (memcached.map_or(0, pages_stored), app.renders())
}

/// The pages that Memcached was given, by whomever. djanginxed adds to the index of all
/// pages with each of them, and now and then to the ledger of that: each time it opens
/// what it adds to, which Memcached counts as a touch. So what is set and not touched is
/// a page; notes beside them are of pages that are looked after, as no variant does.
fn pages_stored(memcached: &Memcached) -> u64 {
    memcached.stat("cmd_set") - memcached.stat("cmd_touch")
}

fn dropped(sample: &mut Sample, before: (u64, u64), after: (u64, u64)) {
    let (stored, rendered) = (after.0 - before.0, after.1 - before.1);
    if after.0 > 0 && rendered > 0 {
        sample.insert("dropped", 1.0 - stored as f64 / rendered as f64);
    }
}
