//! What share of the shop's requests nginx answers without the application, and whether
//! each answer is right.

use std::time::{Duration, Instant};

use bench::prices::{Least, Prices};
use bench::seen::{Seen, between};
use bench::served::sibling;
use bench::stand::{self, Owner, Setup, fill, shop};
use bench::visit::{Kind, NUMBER, PRODUCTS, Random, Visit};
use djanginxed::Layout;
use testkit::Module;
use testkit::http::{Request, Response};

use crate::app::{App, memcached};
use crate::contest::{Contender, Measure, Outcome, compete};
use crate::peers::{Peer, of_site, proxy_cache_of_a_second};
use crate::stage::Stage;
use crate::table::{Column, Sample, Shown, Table, column};

pub(crate) const COVERAGE: &str = "coverage";
pub(crate) const OURS: &str = "djanginxed";
pub(crate) const PROXY_CACHE: &str = "`proxy_cache` for a second";

const VISITORS: u64 = 8;

/// So many wrong answers are told of, a visitor.
const TOLD: u64 = 3;

/// Where the site says how many requests have reached it, and of how many visits.
const ASKED: &str = "/-/asked";
const REACHED: &str = "/-/visits";

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

pub(crate) fn measure(stage: &Stage) -> Outcome<Vec<Table>> {
    let seconds = stage.effort.pick(5, 20);
    let contender = |name: &str, cache| {
        Contender::new(name, move || prepare(cache, Duration::from_secs(seconds)))
    };
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
        rows: compete(
            vec![
                contender(OURS, Cache::Ours),
                contender(PROXY_CACHE, Cache::OfNginx),
                contender("without a cache", Cache::None),
            ],
            1,
        ),
    }])
}

#[derive(Clone, Copy, PartialEq)]
enum Cache {
    Ours,
    OfNginx,
    None,
}

fn prepare<'a>(cache: Cache, length: Duration) -> Outcome<Measure<'a>> {
    let memcached = memcached(256)?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let database = folder.path().join("shop.sqlite");
    fill(&database, PRODUCTS)?;
    let setup = Setup {
        program: sibling("bench-site")?,
        layout: Layout::Response,
        processes: 1,
        products: PRODUCTS,
        life: 900,
        replaces: true,
    };
    let command = shop(&setup, &memcached, &database, cache == Cache::Ours, None);
    let app = App::run(&mut command.map_err(|error| error.to_string())?)?;
    let nginx = match cache {
        Cache::OfNginx => proxy_cache_of_a_second(app.port)?,
        Cache::Ours | Cache::None => generated_file(&memcached.address(), app.port)?,
    };
    Ok(Box::new(move |_| {
        let _running = (&memcached, &app, &nginx, &folder);
        let site = Visited {
            port: nginx.port,
            owner: Owner::log_in(nginx.port)?,
            prices: Prices::of(PRODUCTS),
        };
        warm(&site)?;
        let (before, took) = (app.counted(ASKED), app.processor_time()?);
        let counts = traffic(&site, length)?;
        let took = app.processor_time()? - took;
        let asked = app.counted(ASKED) - before;
        let reached = app.counted(REACHED);
        Ok(sample(&counts, asked, reached, length, took))
    }))
}

/// nginx with the generated file, which serves a shop without a cache as well.
fn generated_file(memcached: &str, app: u16) -> Outcome<Peer> {
    let pages = stand::pages(memcached, Layout::Response)?;
    of_site(&[Module::SetMisc, Module::Srcache, Module::Memc], |port| {
        stand::nginx(&pages, &[app], port)
    })
}

fn sample(counts: &Counts, asked: u64, reached: u64, length: Duration, took: Duration) -> Sample {
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

/// The shop as visitors see it.
struct Visited {
    port: u16,
    owner: Owner,
    prices: Prices,
}

#[derive(Default)]
struct Counts {
    requests: u64,
    wrong: u64,
    edits: u64,
}

/// Reads each page once, in both languages.
fn warm(site: &Visited) -> Outcome {
    let mut counts = Counts::default();
    for product in 1..=PRODUCTS {
        for language in ["en", "de"] {
            for kind in [
                Kind::Front,
                Kind::Category,
                Kind::Product,
                Kind::Json,
                Kind::Feed,
                Kind::Old,
            ] {
                let visit = Visit {
                    kind,
                    product,
                    language,
                    name: String::new(),
                    token: "t".to_owned(),
                    query: String::new(),
                    group: None,
                    more: "",
                    gzip: false,
                };
                read(&visit, visit.request(), site, &mut counts)?;
            }
        }
    }
    match counts.wrong {
        0 => Ok(()),
        wrong => Err(format!(
            "{wrong} answers are wrong before anything was edited"
        )),
    }
}

fn traffic(site: &Visited, length: Duration) -> Outcome<Counts> {
    let end = Instant::now() + length;
    std::thread::scope(|scope| {
        let visitors: Vec<_> = (1..=VISITORS)
            .map(|number| scope.spawn(move || visitor(site, number, end)))
            .collect();
        let mut all = Counts::default();
        for visitor in visitors {
            let counts = visitor.join().map_err(|_| "a visitor panicked")??;
            all.requests += counts.requests;
            all.wrong += counts.wrong;
            all.edits += counts.edits;
        }
        Ok(all)
    })
}

fn visitor(site: &Visited, number: u64, end: Instant) -> Outcome<Counts> {
    let mut random = Random(number);
    let mut counts = Counts::default();
    while Instant::now() < end {
        let visit = Visit::usual(&mut random);
        let visit_number = (number << 32 | counts.requests).to_string();
        let numbered = |request: Request| request.header(NUMBER, &visit_number);
        match visit.kind {
            Kind::Edit => edit(visit.product, numbered, site, &mut counts)?,
            _ => read(&visit, numbered(visit.request()), site, &mut counts)?,
        }
    }
    Ok(counts)
}

fn edit(
    product: usize,
    numbered: impl Fn(Request) -> Request,
    site: &Visited,
    counts: &mut Counts,
) -> Outcome {
    counts.requests += 1;
    counts.edits += 1;
    site.prices.change(product, |cents| {
        let answer = numbered(site.owner.reprice(product, cents)).try_send(site.port);
        let answer = answer.map_err(|error| format!("an owner: {error}"))?;
        site.prices.raise(product, cents);
        match Owner::is_taken(&answer) {
            true => Ok(()),
            false => Err(format!("an owner: {answer:?}")),
        }
    })
}

/// Makes a visit, and counts what came of it.
fn read(visit: &Visit, request: Request, site: &Visited, counts: &mut Counts) -> Outcome {
    let least = site.prices.least();
    let answer = request.try_send(site.port);
    let answer = answer.map_err(|error| format!("a visitor: {error}"))?;
    counts.requests += 1;
    if !is_right(visit, &answer, &least) {
        counts.wrong += 1;
        // A cache that nobody tells of changes has thousands.
        if counts.wrong <= TOLD {
            eprintln!("    wrong: {visit:?}: {answer:?}");
        }
    }
    Ok(())
}

fn is_right(visit: &Visit, answer: &Response, least: &Least) -> bool {
    let seen = Seen::of(answer);
    let has = |text: String| seen.text.contains(&text);
    let is_new = || {
        let rows = seen.rows();
        !rows.is_empty() && least.older(&rows).is_none()
    };
    match visit.kind {
        Kind::Edit | Kind::Basket => seen.status == 200,
        Kind::Old => {
            let to = format!("/products/{}", visit.product);
            seen.status == 301 && answer.header("location") == Some(&*to)
        }
        Kind::Missing => seen.status == 404,
        Kind::Feed | Kind::Json => seen.status == 200 && is_new(),
        Kind::Category if visit.product % 5 == 4 => seen.status == 200,
        Kind::Front | Kind::Category | Kind::Product => {
            // Only where the policy has the same is it taken out.
            let is_one = between(&seen.text, "nonce=\"", '"') == Some("NONCE");
            let token = format!("value=\"{}\"", visit.token);
            let is_badge = match visit.name.is_empty() {
                true => !has("<p>".to_owned()),
                false => has(" 3</p>".to_owned()),
            };
            seen.status == 200
                && is_new()
                && is_one
                && has(format!("<html lang=\"{}\">", visit.language))
                && has(format!("<b>{}</b>", visit.name))
                && (visit.kind != Kind::Product || has(token))
                && (visit.kind != Kind::Category || is_badge)
        }
    }
}
