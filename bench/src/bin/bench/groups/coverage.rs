//! What share of a mixed site's requests nginx answers without the application, and
//! whether each answer is right.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bench::mixed::{self, ARTICLES, settings};
use bench::seen::said;
use bench::served::sibling;
use bench::visit::{Kind, Random, Visit};
use djanginxed::Layout;
use testkit::http::Response;
use testkit::{Module, free_port};

use crate::app::{App, memcached};
use crate::contest::{Contender, Measure, Outcome, compete};
use crate::peers::{Peer, of_site, proxy_cache_of_a_second};
use crate::stage::Stage;
use crate::table::{Column, Sample, Shown, Table};

const VISITORS: u64 = 8;

/// So many wrong answers are told of, a visitor.
const TOLD: u64 = 3;

/// Where the site says how many requests have reached it.
const ASKED: &str = "/-/asked";

const COLUMNS: [Column; 7] = [
    Column {
        metric: "alone",
        heading: "answered by nginx alone",
        shown: Shown::Percent,
    },
    Column {
        metric: "wrong",
        heading: "wrong",
        shown: Shown::Count,
    },
    Column {
        metric: "requests",
        heading: "requests",
        shown: Shown::Count,
    },
    Column {
        metric: "edits",
        heading: "edits",
        shown: Shown::Count,
    },
    Column {
        metric: "asked",
        heading: "asked of the application",
        shown: Shown::Count,
    },
    Column {
        metric: "requests_a_second",
        heading: "requests a second",
        shown: Shown::Count,
    },
    Column {
        metric: "processor_seconds",
        heading: "the application's processor time a request",
        shown: Shown::Nanoseconds,
    },
];

pub(crate) fn measure(stage: &Stage) -> Outcome<Vec<Table>> {
    let seconds = stage.effort.pick(10, 60);
    let contender = |name: &str, cache| {
        Contender::new(name, move || prepare(cache, Duration::from_secs(seconds)))
    };
    Ok(vec![Table {
        id: "coverage",
        title: "A mixed site",
        about: format!(
            "{ARTICLES} articles in two languages with a name, a token and a nonce of the \
             visitor in each page, a front page, a feed, JSON, redirects and pages that are \
             not there; 15 % of the targets have utm parameters, a fifth of the visitors is \
             logged in, and one request in 200 is an edit that purges. {VISITORS} visitors ask \
             for {seconds} s, each page read once before. An answer is wrong that is older than \
             the last edit that had returned, or another visitor's, or in another language. \
             The application's own requests to itself are among those asked of it. \
             `proxy_cache` keeps what its application allows, which no page with the \
             visitor's own parts is."
        ),
        reference: None,
        columns: COLUMNS.to_vec(),
        rows: compete(
            vec![
                contender("djanginxed", Cache::Ours),
                contender("`proxy_cache` for a second", Cache::OfNginx),
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
    let address = memcached.address();
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let app = start(
        &address,
        cache == Cache::Ours,
        &folder.path().join("versions"),
    )?;
    let nginx = match cache {
        Cache::OfNginx => proxy_cache_of_a_second(app.port)?,
        Cache::Ours | Cache::None => generated_file(&address, app.port)?,
    };
    Ok(Box::new(move |_| {
        let _running = (&memcached, &app, &nginx, &folder);
        let floors = Floors::default();
        warm(nginx.port, &floors)?;
        let (before, took) = (app.counted(ASKED), app.processor_time()?);
        let counts = traffic(nginx.port, &floors, length)?;
        let took = app.processor_time()? - took;
        let asked = app.counted(ASKED) - before;
        Ok(sample(&counts, asked, length, took))
    }))
}

/// nginx with the generated file, which serves a site without a cache as well.
fn generated_file(memcached: &str, app: u16) -> Outcome<Peer> {
    let pages = settings(memcached, Layout::Response).build();
    let site =
        mixed::nginx(&pages.map_err(|error| error.to_string())?).app(format!("127.0.0.1:{app}"));
    of_site(&[Module::SetMisc, Module::Srcache, Module::Memc], |port| {
        let site = site.clone().listen(format!("127.0.0.1:{port}"));
        let site = site.inner(format!("127.0.0.1:{}", free_port()));
        let files = site.generate().map_err(|error| error.to_string())?;
        Ok(files.site())
    })
}

fn sample(counts: &Counts, asked: u64, length: Duration, took: Duration) -> Sample {
    let requests = counts.requests as f64;
    [
        ("alone", counts.alone as f64 / requests),
        ("wrong", counts.wrong as f64),
        ("requests", requests),
        ("edits", counts.edits as f64),
        ("asked", asked as f64),
        ("requests_a_second", requests / length.as_secs_f64()),
        ("processor_seconds", took.as_secs_f64() / requests),
    ]
    .into()
}

fn start(memcached: &str, cached: bool, versions: &Path) -> Outcome<App> {
    let mut command = Command::new(sibling("bench-site")?);
    command.args(["--memcached", memcached]);
    command.arg("--versions").arg(versions);
    if cached {
        command.arg("--cached");
    }
    App::run(&mut command)
}

/// Versions below which no answer may be, from when the edit's answer was there.
struct Floors(Vec<AtomicU64>);

impl Default for Floors {
    fn default() -> Floors {
        Floors((0..ARTICLES).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Floors {
    fn of(&self, article: usize) -> u64 {
        self.0[article].load(Ordering::SeqCst)
    }

    fn all(&self) -> u64 {
        self.0.iter().map(|one| one.load(Ordering::SeqCst)).sum()
    }
}

#[derive(Default)]
struct Counts {
    requests: u64,
    alone: u64,
    wrong: u64,
    edits: u64,
}

/// Reads each page once, in both languages.
fn warm(port: u16, floors: &Floors) -> Outcome {
    let mut counts = Counts::default();
    for article in 0..ARTICLES {
        for language in ["en", "de"] {
            for kind in [
                Kind::Front,
                Kind::Article,
                Kind::Json,
                Kind::Feed,
                Kind::Old,
            ] {
                let visit = Visit {
                    kind,
                    article,
                    language,
                    name: String::new(),
                    token: "t".to_owned(),
                    query: String::new(),
                    group: None,
                    more: "",
                    gzip: false,
                };
                make(&visit, port, floors, &mut counts)?;
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

fn traffic(port: u16, floors: &Floors, length: Duration) -> Outcome<Counts> {
    let end = Instant::now() + length;
    std::thread::scope(|scope| {
        let visitors: Vec<_> = (1..=VISITORS)
            .map(|number| scope.spawn(move || visitor(port, floors, number, end)))
            .collect();
        let mut all = Counts::default();
        for visitor in visitors {
            let counts = visitor.join().map_err(|_| "a visitor panicked")??;
            all.requests += counts.requests;
            all.alone += counts.alone;
            all.wrong += counts.wrong;
            all.edits += counts.edits;
        }
        Ok(all)
    })
}

fn visitor(port: u16, floors: &Floors, number: u64, end: Instant) -> Outcome<Counts> {
    let mut random = Random(number);
    let mut counts = Counts::default();
    while Instant::now() < end {
        make(&Visit::usual(&mut random), port, floors, &mut counts)?;
    }
    Ok(counts)
}

/// Makes a visit, and counts what came of it.
fn make(visit: &Visit, port: u16, floors: &Floors, counts: &mut Counts) -> Outcome {
    let oldest = match visit.kind {
        Kind::Front | Kind::Feed => floors.all(),
        _ => floors.of(visit.article),
    };
    let answer = visit.request().try_send(port);
    let answer = answer.map_err(|error| format!("a visitor: {error}"))?;
    counts.requests += 1;
    let alone = answer.header("cache-status");
    counts.alone += u64::from(alone.is_some_and(|said| said.contains("nginx; hit")));
    if visit.kind == Kind::Edit {
        counts.edits += 1;
        floors.0[visit.article].fetch_add(1, Ordering::SeqCst);
    }
    if !is_right(visit, &answer, oldest) {
        counts.wrong += 1;
        // A cache that nobody tells of changes has thousands.
        if counts.wrong <= TOLD {
            let text = answer.text().lines().next().unwrap_or_default().to_owned();
            eprintln!("    wrong, oldest {oldest}: {} {text}", answer.status);
        }
    }
    Ok(())
}

fn is_right(visit: &Visit, answer: &Response, oldest: u64) -> bool {
    let said = |field: &str| said(answer.text(), field);
    let is_new = || said("version").and_then(|version| version.parse().ok()) >= Some(oldest);
    match visit.kind {
        Kind::Edit | Kind::Search => answer.status == 200,
        Kind::Old => {
            let to = format!("/articles/{}", visit.article);
            answer.status == 301 && answer.header("location") == Some(&*to)
        }
        Kind::Missing => answer.status == 404,
        Kind::Feed | Kind::Json => answer.status == 200 && is_new(),
        Kind::Front | Kind::Article | Kind::Member => {
            let policy = answer.header("content-security-policy").unwrap_or_default();
            let nonce = said("nonce").unwrap_or_default();
            answer.status == 200
                && is_new()
                && said("language") == Some(visit.language)
                && said("name") == Some(&visit.name)
                && said("token") == Some(&visit.token)
                && nonce.len() == 32
                && policy.contains(nonce)
        }
    }
}
