//! `cargo xtask soak`: the shop of examples/shop under load and faults for a long time. It fails when
//! memory, descriptors or threads grow, or a visitor saw a wrong page.

use std::collections::BTreeMap;
use std::env;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use clap::Parser;
use djanginxed::Layout;
use visitors::growth::courses;
use visitors::stand::{Setup, Stand};
use visitors::trial::{Fault, Trial};
use visitors::usage::{Usage, children};
use visitors::visit::{PRODUCTS, Random};

/// Runs the shop in two processes behind nginx, with visitors, edits that purge,
/// refreshes and faults
#[derive(Parser)]
#[command(name = "cargo xtask soak")]
struct Args {
    /// How long.
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// Stores bodies, not whole responses.
    #[arg(long)]
    bodies: bool,
    /// Visitors at a time.
    #[arg(long, default_value_t = 6)]
    visitors: u64,
    /// What each visitor leaves between two visits, in milliseconds.
    #[arg(long, default_value_t = 10)]
    pause: u64,
    /// Seconds from one fault to the next.
    #[arg(long, default_value_t = 45)]
    faults_every: u64,
}

/// So that pages end, and are refreshed, all the while.
const LIFE: u64 = 20;

const SAMPLE_EVERY: Duration = Duration::from_secs(2);

fn main() -> Result<()> {
    let args = Args::parse();
    let stand = Stand::start(Setup {
        // Built together with this one.
        program: env::current_exe()?.with_file_name("visitors-shop"),
        layout: match args.bodies {
            true => Layout::Body,
            false => Layout::Response,
        },
        processes: 2,
        products: PRODUCTS,
        life: LIFE,
        replaces: true,
    })?;
    let mut trial = Trial::new(stand);
    trial.pause = Duration::from_millis(args.pause);
    let mut samples = Samples::default();
    thread::scope(|scope| {
        for visitor in 0..args.visitors {
            let trial = &trial;
            scope.spawn(move || trial.visit(Random(visitor)));
        }
        scope.spawn(|| faults(&trial, Duration::from_secs(args.faults_every)));
        let end = Instant::now() + Duration::from_secs(args.minutes * 60);
        let mut said = Instant::now();
        while Instant::now() < end && !trial.is_over() {
            thread::sleep(SAMPLE_EVERY);
            samples.take(&trial.stand.read());
            if said.elapsed() > Duration::from_secs(60) {
                said = Instant::now();
                eprintln!("{:?}", trial.counts);
            }
        }
        trial.end();
    });
    samples.report()?;
    println!("\n{:?}", trial.counts);
    let wrong = trial.wrong.into_inner();
    match wrong.first() {
        Some(first) => bail!("{} answers are wrong, such as {first}", wrong.len()),
        None => Ok(()),
    }
}

fn faults(trial: &Trial, every: Duration) {
    let mut next = Instant::now() + every;
    for fault in Fault::ALL.iter().cycle() {
        while Instant::now() < next {
            if trial.is_over() {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
        if let Err(problem) = trial.suffer(*fault) {
            trial.wrong(problem.to_string());
        }
        next += every;
    }
}

/// What everybody held, time after time.
#[derive(Default)]
struct Samples(BTreeMap<String, Vec<Usage>>);

impl Samples {
    /// Who is not there in a fault is not looked at.
    fn take(&mut self, stand: &Stand) {
        let workers = children(stand.nginx.id()).unwrap_or_default();
        let workers = (1..).zip(workers);
        let workers = workers.map(|(number, id)| (format!("nginx, worker {number}"), id));
        let apps = (1..).zip(&stand.apps);
        let apps = apps.map(|(number, app)| (format!("application {number}"), app.id()));
        let memcached = ("Memcached".to_owned(), stand.memcached.id());
        for (name, id) in workers.chain(apps).chain([memcached]) {
            if let Ok(usage) = Usage::of(id) {
                self.0.entry(name).or_default().push(usage);
            }
        }
    }

    /// Says what it was; what grows is an error.
    fn report(&self) -> Result<()> {
        let mut grown = Vec::new();
        println!("| | | second quarter | last quarter | most |\n|---|---|---|---|---|");
        for (name, samples) in &self.0 {
            let courses = courses(samples);
            let count = samples.len();
            ensure!(!courses.is_empty(), "{name}: {count} samples are too few");
            for course in courses {
                let (early, late, most) = (course.early, course.late, course.most);
                println!("| {name} | {} | {early} | {late} | {most} |", course.name);
                if course.grows {
                    grown.push(format!("{} of {name}", course.name));
                }
            }
        }
        ensure!(grown.is_empty(), "these grow: {}", grown.join("; "));
        Ok(())
    }
}
