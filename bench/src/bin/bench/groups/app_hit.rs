//! Hits in the application.

use crate::app::App;
use crate::client::{Expect, ask};
use crate::columns;
use crate::contest::{Contender, Measure, Outcome, compete};
use crate::stage::Stage;
use crate::table::Table;
use crate::wrk::Load;

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
    let title = "A hit in the application: twelve pages of 2 to 200 kB in turn";
    Ok(vec![
        table(
            ONE_PAGE,
            "A hit in the application: one page of 10 kB",
            false,
        ),
        table(TWELVE_PAGES, title, true),
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
        let before = app.renders();
        let sample = load.run(stage)?;
        app.only_hits(before, &sample)?;
        Ok(sample)
    }))
}
