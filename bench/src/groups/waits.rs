//! Steady traffic through nginx on pages whose times end all the while: who waits for a
//! render.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::app::{Handler, Variant};
use crate::client::ask;
use crate::contest::{Contender, Measure, compete};
use crate::peers::Stored;
use crate::stage::Stage;
use crate::table::{Column, Shown, Table, column};

pub(crate) const WAITS: &str = "waits";
pub(crate) const TIMEOUT: &str = "a timeout alone";
pub(crate) const STALE: &str = "`refresh_through` and `stale`";

const PAGES: usize = 200;

/// What each visitor leaves between his requests, and how many there are.
const PAUSE: Duration = Duration::from_millis(10);
const VISITORS: usize = 10;

/// A render takes 50 ms; who is answered sooner has not waited for one.
const RENDER_MS: u64 = 50;
const WAITED: Duration = Duration::from_millis(45);

pub(crate) const COLUMNS: [Column; 6] = [
    column("requests", "requests", Shown::Count),
    column("waited", "waited for a render", Shown::Percent),
    column("p99_seconds", "p99", Shown::Milliseconds),
    column("p999_seconds", "p99.9", Shown::Milliseconds),
    column("slowest_seconds", "slowest", Shown::Milliseconds),
    column("renders_a_second", "renders a second", Shown::Count),
];

pub(crate) fn measure(stage: &Stage) -> Result<Vec<Table>> {
    let seconds = stage.pick(5, 20);
    let contender = |(name, handler, refreshes): (&str, Handler, usize)| {
        let variant = Variant {
            waiting_ms: RENDER_MS,
            refreshes,
            ..Variant::of(handler)
        };
        Contender::new(name, move || prepare(stage, variant, seconds))
    };
    let contenders = [
        (TIMEOUT, Handler::Brief, 0),
        ("`refresh_through`", Handler::Brief, 16),
        (STALE, Handler::Stale, 16),
    ];
    Ok(vec![Table {
        id: WAITS,
        title: "Who waits when pages' times end",
        about: format!(
            "{PAGES} pages with a timeout of 2 s and renders of 50 ms, behind nginx with the \
             generated file; {VISITORS} visitors ask for one after the other for {seconds} s. \
             One render a page and timeout would be 100 a second. A visitor who \
             waits asks less often, so that there are fewer requests."
        ),
        reference: None,
        columns: COLUMNS.to_vec(),
        rows: compete(contenders.map(contender).into(), 1),
    }])
}

fn prepare(stage: &Stage, variant: Variant, seconds: u64) -> Result<Measure<'_>> {
    let running = Stored::from(variant).start(stage)?;
    let page = &stage.usual().name;
    Ok(Box::new(move |_| {
        // All of it: a part would leave Memcached behind, to end at once.
        let running = &running;
        let traffic = |seconds| traffic(running.nginx.port, page, Duration::from_secs(seconds));
        // Until all pages are there.
        traffic(3)?;
        let (before, began) = (running.app.renders(), Instant::now());
        let mut times = traffic(seconds)?;
        let renders = (running.app.renders() - before) as f64 / began.elapsed().as_secs_f64();
        times.sort_unstable();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64();
        let waited = times.iter().filter(|time| **time >= WAITED).count();
        Ok([
            ("requests", times.len() as f64),
            ("waited", waited as f64 / times.len() as f64),
            ("p99_seconds", at(0.99)),
            ("p999_seconds", at(0.999)),
            ("slowest_seconds", at(1.0)),
            ("renders_a_second", renders),
        ]
        .into())
    }))
}

/// The time of each request.
fn traffic(port: u16, page: &str, length: Duration) -> Result<Vec<Duration>> {
    thread::scope(|scope| {
        // Each begins at a page of his own.
        let firsts = (0..PAGES).step_by(PAGES / VISITORS);
        let visitors: Vec<_> = firsts
            .map(|first| scope.spawn(move || visitor(port, page, first, length)))
            .collect();
        let mut times = Vec::new();
        for visitor in visitors {
            times.extend(visitor.join().ok().context("a visitor panicked")??);
        }
        Ok(times)
    })
}

fn visitor(port: u16, page: &str, first: usize, length: Duration) -> Result<Vec<Duration>> {
    let (end, mut times) = (Instant::now() + length, Vec::new());
    for number in (0..PAGES).cycle().skip(first) {
        let asked = Instant::now();
        if asked >= end {
            break;
        }
        let status = ask(port, &format!("/{page}/{number}"), &[])?.status;
        times.push(asked.elapsed());
        ensure!(status == 200, "status {status}");
        thread::sleep(PAUSE);
    }
    Ok(times)
}
