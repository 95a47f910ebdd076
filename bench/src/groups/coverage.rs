//! What share of the shop's requests nginx answers without the application, and whether
//! each answer is right.

use std::env;
use std::time::Duration;

use anyhow::Result;
use djanginxed::Layout;
use testkit::Module;
use visitors::counted::{ASKED, REACHED};
use visitors::crowd::{Counts, Crowd};
use visitors::served::Served;
use visitors::stand::{self, Setup, fill, shop};
use visitors::usage::processor_time;
use visitors::visit::PRODUCTS;

use crate::app::memcached;
use crate::contest::{Measure, compete};
use crate::peers::{Peer, nginx, proxy_cache_of_a_second};
use crate::stage::Stage;
use crate::table::{Column, Sample, Shown, Table, column};

pub(crate) const COVERAGE: &str = "coverage";
pub(crate) const OURS: &str = "djanginxed";
pub(crate) const PROXY_CACHE: &str = "`proxy_cache` for a second";

const VISITORS: u64 = 8;

const COLUMNS: [Column; 7] = [
    column("alone", "answered by nginx alone", Shown::Percent),
    column("wrong", "wrong", Shown::Count),
    column("requests", "requests", Shown::Count),
    column("edits", "edits", Shown::Count),
    column("asked", "asked of the application", Shown::Count),
    column("requests_a_second", "requests a second", Shown::Count),
    column(
        "processor_seconds",
        "the application's processor time a request",
        Shown::Nanoseconds,
    ),
];

pub(crate) fn measure(stage: &Stage) -> Result<Vec<Table>> {
    let seconds = stage.pick(5, 20);
    let contenders = [
        (OURS, Cache::Ours),
        (PROXY_CACHE, Cache::OfNginx),
        ("without a cache", Cache::None),
    ];
    Ok(vec![Table {
        id: COVERAGE,
        title: "A shop",
        about: format!(
            "examples/shop: {PRODUCTS} products in two languages with a name, a token and a nonce of the \
             visitor in each page, lists, a feed, JSON, redirects and pages that are \
             not there; 15 % of the targets have utm parameters, a fifth of the visitors has \
             a name and a basket, and one request in 200 is an edit that purges. {VISITORS} visitors ask \
             for {seconds} s, each page read once before. An answer is wrong that is older than \
             the last edit that had returned, or another visitor's, or in another language. \
             One request in 20 is for a list with a basket's badge, which nginx asks the \
             application for where the visitor has a basket. Each request has a number, which nginx passes on \
             with all that it asks: answered by nginx alone are those whose number the \
             application has never seen. \
             The application's own requests to itself are among those asked of it. \
             `proxy_cache` keeps what its application allows, which no page with the \
             visitor's own parts is."
        ),
        reference: None,
        columns: COLUMNS.to_vec(),
        rows: compete(contenders, 1, |cache| {
            prepare(cache, Duration::from_secs(seconds))
        }),
    }])
}

#[derive(Clone, Copy, PartialEq)]
enum Cache {
    Ours,
    OfNginx,
    None,
}

fn prepare<'a>(cache: Cache, length: Duration) -> Result<Measure<'a>> {
    let memcached = memcached(256)?;
    let folder = tempfile::tempdir()?;
    let database = folder.path().join("shop.sqlite");
    fill(&database, PRODUCTS)?;
    let setup = Setup {
        program: env::current_exe()?,
        layout: Layout::Response,
        processes: 1,
        products: PRODUCTS,
        life: 900,
        replaces: true,
    };
    let mut command = shop(&setup, &memcached, &database, cache == Cache::Ours, None)?;
    let app = Served::run(command.arg("shop"))?;
    let nginx = match cache {
        Cache::OfNginx => proxy_cache_of_a_second(app.port)?,
        Cache::Ours | Cache::None => generated_file(&memcached.address(), app.port)?,
    };
    Ok(Box::new(move |_| {
        let _running = (&memcached, &nginx, &folder);
        let crowd = Crowd::before(nginx.port)?;
        crowd.warm()?;
        let (before, took) = (app.counted(ASKED), processor_time(app.id())?);
        let counts = crowd.visit(VISITORS, length)?;
        let took = processor_time(app.id())? - took;
        let asked = app.counted(ASKED) - before;
        Ok(sample(counts, asked, app.counted(REACHED), length, took))
    }))
}

/// nginx with the generated file, which serves a shop without a cache as well.
fn generated_file(memcached: &str, app: u16) -> Result<Peer> {
    let pages = stand::pages(memcached, Layout::Response)?;
    let modules = [Module::SetMisc, Module::Srcache];
    nginx(&modules, "", |port| stand::nginx(&pages, &[app], port))
}

fn sample(counts: Counts, asked: u64, reached: u64, length: Duration, took: Duration) -> Sample {
    let requests = counts.requests as f64;
    [
        ("alone", 1.0 - reached as f64 / requests),
        ("wrong", counts.wrong as f64),
        ("requests", requests),
        ("edits", counts.edits as f64),
        ("asked", asked as f64),
        ("requests_a_second", requests / length.as_secs_f64()),
        ("processor_seconds", took.as_secs_f64() / requests),
    ]
    .into()
}
