//! Purges of a tag that very many pages have.

use std::time::{Duration, Instant};

use actix_web::rt::System;
use anyhow::{Result, ensure};
use djanginxed::{PageCache, Purge};

use crate::app::{App, Handler, Variant, memcached};
use crate::client::fill;
use crate::contest::{Measure, compete};
use crate::stage::Stage;
use crate::table::{Column, Shown, Table, column};

const COLUMNS: [Column; 2] = [
    column("deletes_a_second", "pages a second", Shown::Count),
    column("seconds", "the purge", Shown::Seconds),
];

pub(crate) fn measure(stage: &Stage) -> Result<Vec<Table>> {
    let count = stage.pick(10_000, 100_000);
    let contenders = [("all are deleted", false), ("with refresh_through", true)];
    Ok(vec![Table {
        id: "purge",
        title: "A purge of a tag",
        about: format!(
            "{count} pages of 2 kB have the tag, on one Memcached; nobody has read them. Another process than the one \
             that has stored them purges it."
        ),
        reference: None,
        columns: COLUMNS.to_vec(),
        rows: compete(contenders, 1, |replaces| prepare(stage, count, replaces)),
    }])
}

fn prepare(stage: &Stage, count: u64, replaces: bool) -> Result<Measure<'_>> {
    let memcached = memcached(1024)?;
    let mut pages = PageCache::builder()
        .memcached([memcached.address()])
        .key_prefix("bench")
        // On a machine that is busy with something else.
        .operation_timeout(Duration::from_secs(5));
    if replaces {
        // Nobody has read anything, so nothing is ever asked for there.
        pages = pages.refresh_through("http://127.0.0.1:9");
    }
    let pages = pages.build()?;
    let app = App::start(Variant::of(Handler::Tagged), Some(memcached))?;
    Ok(Box::new(move |_| {
        let page = &stage.small().name;
        fill(&app, (0..count).map(|number| format!("/{page}/{number}")))?;
        let begun = Instant::now();
        let purged = System::new().block_on(pages.purge(Purge::tag("many")))?;
        let took = begun.elapsed().as_secs_f64();
        let is_all = purged.deleted == count && purged.is_complete();
        ensure!(is_all, "it purged {purged:?}, not {count} pages");
        Ok([("deletes_a_second", count as f64 / took), ("seconds", took)].into())
    }))
}
