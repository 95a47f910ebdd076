//! Purges of a tag that very many pages have.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::rt::System;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::web::Html;
use actix_web::{App, get, web};
use djanginxed::{PageCache, PageCacheBuilder, Purge, cache_page};
use testkit::Memcached;

use crate::app::memcached;
use crate::contest::{Contender, Measure, Outcome, compete};
use crate::stage::Stage;
use crate::table::{Column, Shown, Table, column};

const COLUMNS: [Column; 2] = [
    column("deletes_a_second", "pages a second", Shown::Count),
    column("seconds", "the purge", Shown::Seconds),
];

/// So many pages are handed to the writer before it is waited for.
const AT_ONCE: usize = 500;

/// Longer than a lookup may take on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(5);

#[get("/{number}")]
#[cache_page(3600, tags = ["many"])]
async fn page(number: web::Path<usize>) -> Html {
    Html::new(format!("<h1>Page {number} of very many</h1>"))
}

pub(crate) fn measure(stage: &Stage) -> Outcome<Vec<Table>> {
    let count = stage.effort.pick(10_000, 100_000);
    let replacing = |memcached: &Memcached| {
        // Nobody has read anything, so nothing is ever asked for there.
        settings(memcached).refresh_through("http://127.0.0.1:9")
    };
    Ok(vec![Table {
        id: "purge",
        title: "A purge of a tag",
        about: format!(
            "{count} small pages have the tag, on one Memcached; nobody has read them. Another process than the one that \
             has stored them purges it."
        ),
        reference: None,
        columns: COLUMNS.to_vec(),
        rows: compete(
            vec![
                Contender::new("all are deleted", || prepare(count, settings)),
                Contender::new("with refresh_through", || prepare(count, replacing)),
            ],
            1,
        ),
    }])
}

fn settings(memcached: &Memcached) -> PageCacheBuilder {
    PageCache::builder()
        .memcached([memcached.address()])
        .key_prefix("bench")
        .operation_timeout(PATIENCE)
}

fn prepare<'a>(
    count: usize,
    settings: impl Fn(&Memcached) -> PageCacheBuilder,
) -> Outcome<Measure<'a>> {
    let memcached = Arc::new(memcached(256)?);
    let build = || settings(&memcached).build();
    let storing = build().map_err(|error| error.to_string())?;
    let purging = build().map_err(|error| error.to_string())?;
    let kept = Arc::clone(&memcached);
    Ok(Box::new(move |_| {
        System::new().block_on(fill(&storing, count));
        let items = kept.stat("curr_items");
        if items < count as u64 {
            return Err(format!("{items} items are there, not {count} pages"));
        }
        let begun = Instant::now();
        let purged = System::new().block_on(purging.purge(Purge::tag("many")));
        let took = begun.elapsed().as_secs_f64();
        let purged = purged.map_err(|error| error.to_string())?;
        if purged.deleted != count as u64 || !purged.is_complete() {
            return Err(format!("it purged {purged:?}"));
        }
        Ok([("deletes_a_second", count as f64 / took), ("seconds", took)].into())
    }))
}

/// Stores `count` pages, each under a target of its own.
async fn fill(pages: &PageCache, count: usize) {
    let app = App::new().service(page).app_data(pages.clone());
    let app = init_service(app).await;
    for number in 0..count {
        let request = TestRequest::get().uri(&format!("/{number}")).to_request();
        call_service(&app, request).await;
        if number % AT_ONCE == 0 {
            pages.flush().await;
        }
    }
    pages.flush().await;
}
