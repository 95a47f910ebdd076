//! What share of a mixed site's requests nginx answers without the application, and
//! whether each answer is right.

use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bench::mixed::{ARTICLES, settings};
use djanginxed::nginx::Site;
use testkit::http::{Request, Response};
use testkit::{Module, free_port};

use crate::app::{App, memcached, sibling};
use crate::contest::{Contender, Measure, Outcome, compete};
use crate::peers::of_site;
use crate::stage::Stage;
use crate::table::{Column, Sample, Shown, Table};

const VISITORS: u64 = 8;

/// Where the site says how many requests have reached it.
const ASKED: &str = "/-/asked";

const COLUMNS: [Column; 5] = [
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
];

pub(crate) fn measure(stage: &Stage) -> Outcome<Vec<Table>> {
    let seconds = stage.effort.pick(10, 60);
    let contender = |name: &str, cached| {
        Contender::new(name, move || prepare(cached, Duration::from_secs(seconds)))
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
             The application's own requests to itself are among those asked of it."
        ),
        reference: None,
        columns: COLUMNS.to_vec(),
        rows: compete(
            vec![
                contender("djanginxed", true),
                contender("without a cache", false),
            ],
            1,
        ),
    }])
}

fn prepare<'a>(cached: bool, length: Duration) -> Outcome<Measure<'a>> {
    let memcached = memcached(256)?;
    let address = memcached.address();
    let app = start(&address, cached)?;
    let pages = settings(&address).build();
    let site = Site::new(&pages.map_err(|error| error.to_string())?)
        .server_name("127.0.0.1")
        .app(format!("127.0.0.1:{}", app.port))
        .never_cache("/search")
        .ignore_query("utm_*");
    let nginx = of_site(&[Module::SetMisc, Module::Srcache, Module::Memc], |port| {
        let site = site.clone().listen(format!("127.0.0.1:{port}"));
        let site = site.inner(format!("127.0.0.1:{}", free_port()));
        let files = site.generate().map_err(|error| error.to_string())?;
        Ok(files.site())
    })?;
    Ok(Box::new(move |_| {
        let _running = (&memcached, &app, &nginx);
        let floors = Floors::default();
        warm(nginx.port, &floors)?;
        let before = app.counted(ASKED);
        let counts = traffic(nginx.port, &floors, length)?;
        let asked = app.counted(ASKED) - before;
        Ok(sample(&counts, asked))
    }))
}

fn sample(counts: &Counts, asked: u64) -> Sample {
    let requests = counts.requests as f64;
    [
        ("alone", counts.alone as f64 / requests),
        ("wrong", counts.wrong as f64),
        ("requests", requests),
        ("edits", counts.edits as f64),
        ("asked", asked as f64),
    ]
    .into()
}

fn start(memcached: &str, cached: bool) -> Outcome<App> {
    let mut command = Command::new(sibling("bench-site")?);
    command.args(["--memcached", memcached]);
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
                };
                visit.make(port, floors, &mut counts)?;
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
        Visit::random(&mut random).make(port, floors, &mut counts)?;
    }
    Ok(counts)
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Edit,
    Search,
    Old,
    Missing,
    Feed,
    Json,
    Front,
    Article,
}

struct Visit {
    kind: Kind,
    article: usize,
    language: &'static str,
    /// Empty: not logged in.
    name: String,
    token: String,
    query: String,
}

impl Visit {
    fn random(random: &mut Random) -> Visit {
        let kind = match random.below(1000) {
            0..5 => Kind::Edit,
            5..20 => Kind::Search,
            20..50 => Kind::Old,
            50..70 => Kind::Missing,
            70..150 => Kind::Feed,
            150..270 => Kind::Json,
            270..450 => Kind::Front,
            _ => Kind::Article,
        };
        // Half of the visits go to a tenth of the articles.
        let articles = match random.below(2) {
            0 => ARTICLES as u64 / 10,
            _ => ARTICLES as u64,
        };
        Visit {
            kind,
            article: random.below(articles) as usize,
            language: if random.below(10) < 3 { "de" } else { "en" },
            name: match random.below(5) {
                0 => format!("ann{}", random.below(1000)),
                _ => String::new(),
            },
            token: format!("t{}", random.below(1_000_000)),
            query: match random.below(100) {
                0..15 => format!("?utm_source=mail{}", random.below(1000)),
                _ => String::new(),
            },
        }
    }

    fn request(&self) -> Request {
        let Visit { article, query, .. } = self;
        let target = match self.kind {
            Kind::Edit => format!("/articles/{article}"),
            Kind::Search => "/search?q=a".to_owned(),
            Kind::Old => format!("/old/{article}"),
            Kind::Missing => format!("/articles/{}", ARTICLES + article % 10),
            Kind::Feed => "/feed.xml".to_owned(),
            Kind::Json => format!("/api/articles/{article}"),
            Kind::Front => format!("/{query}"),
            Kind::Article => format!("/articles/{article}{query}"),
        };
        let method = if self.kind == Kind::Edit {
            "POST"
        } else {
            "GET"
        };
        let mut cookies = format!("csrftoken={}", self.token);
        if !self.name.is_empty() {
            cookies.push_str(&format!("; session=1; name={}", self.name));
        }
        Request::new(method, target)
            .header("accept-language", self.language)
            .header("cookie", cookies)
    }

    fn make(&self, port: u16, floors: &Floors, counts: &mut Counts) -> Outcome {
        let oldest = match self.kind {
            Kind::Front | Kind::Feed => floors.all(),
            _ => floors.of(self.article),
        };
        let answer = self.request().try_send(port);
        let answer = answer.map_err(|error| format!("a visitor: {error}"))?;
        counts.requests += 1;
        let alone = answer.header("cache-status");
        counts.alone += u64::from(alone.is_some_and(|said| said.contains("nginx; hit")));
        if self.kind == Kind::Edit {
            counts.edits += 1;
            floors.0[self.article].fetch_add(1, Ordering::SeqCst);
        }
        if !self.is_right(&answer, oldest) {
            counts.wrong += 1;
            let text = answer.text().lines().next().unwrap_or_default().to_owned();
            eprintln!("    wrong, oldest {oldest}: {} {text}", answer.status);
        }
        Ok(())
    }

    fn is_right(&self, answer: &Response, oldest: u64) -> bool {
        let said = |field: &str| {
            let (_, rest) = answer.text().split_once(&format!("{field}="))?;
            rest.split([' ', '\n']).next()
        };
        let is_new = || said("version").and_then(|version| version.parse().ok()) >= Some(oldest);
        match self.kind {
            Kind::Edit | Kind::Search => answer.status == 200,
            Kind::Old => {
                let to = format!("/articles/{}", self.article);
                answer.status == 301 && answer.header("location") == Some(&*to)
            }
            Kind::Missing => answer.status == 404,
            Kind::Feed | Kind::Json => answer.status == 200 && is_new(),
            Kind::Front | Kind::Article => {
                let policy = answer.header("content-security-policy").unwrap_or_default();
                let nonce = said("nonce").unwrap_or_default();
                answer.status == 200
                    && is_new()
                    && said("language") == Some(self.language)
                    && said("name") == Some(&self.name)
                    && said("token") == Some(&self.token)
                    && nonce.len() == 32
                    && policy.contains(nonce)
            }
        }
    }
}

/// Numbers that are the same in each run (Knuth's multiplier).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % bound
    }
}
