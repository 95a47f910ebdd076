//! Hits that nginx answers, beside its peers.

mod backends;
mod candidate;
mod unmodified;

use std::rc::Rc;

use crate::columns;
use crate::contest::{Contender, Measure, Outcome, compete};
use crate::page_set::Page;
use crate::stage::Stage;
use crate::table::Table;
use crate::wrk::{Load, Targets};

use backends::Backends;
use candidate::Candidate;

pub(crate) const ONE_PAGE: &str = "nginx-hit-10kb";
pub(crate) const PAGE_SET: &str = "nginx-hit-set";
pub(crate) const GZIP: &str = "generated file, gzip";
pub(crate) const WHOLE: &str = "generated file, whole responses, plain";
pub(crate) const WHOLE_GZIP: &str = "generated file, whole responses, gzip";
pub(crate) const PASS_GZIP: &str = "memcached_pass alone, gzip";
pub(crate) const PROXY_CACHE_GZIP: &str = "proxy_cache, the same gzip bytes";
pub(crate) const PROXY_CACHE_PACKING: &str = "proxy_cache with gzip on";
pub(crate) const PYTHON: &str = "the Python README's file";
const CEILING: &str = "return 200 (nginx's ceiling)";

/// Measurements of which one must end with hits as it began.
const ATTEMPTS: u32 = 3;

pub(crate) fn measure(stage: &Stage) -> Outcome<Vec<Table>> {
    let backends = Backends::start(stage)?;
    // Each server is started once and measured with both workloads.
    let peers: Vec<(&str, Outcome<Rc<Candidate>>)> = backends
        .candidates(stage)
        .into_iter()
        .map(|(name, candidate)| (name, candidate.map(Rc::new)))
        .collect();
    let tables = [
        (ONE_PAGE, "A hit through nginx: one page of 10 kB", false),
        (
            PAGE_SET,
            "A hit through nginx: twelve pages of 2 to 200 kB in turn",
            true,
        ),
    ];
    let table = |(id, title, set)| {
        let (pages, targets) = stage.workload(set);
        let contender = |(name, candidate): &(&str, Outcome<Rc<Candidate>>)| {
            let prepare = || {
                let candidate = Rc::clone(candidate.as_ref().map_err(Clone::clone)?);
                measured(stage, candidate, pages.clone(), targets.clone())
            };
            Contender::new(*name, prepare)
        };
        let rounds = stage
            .effort
            .pick(if set { 1 } else { 2 }, stage.effort.rounds);
        Table {
            id,
            title,
            about: about(&pages),
            reference: Some(PROXY_CACHE_GZIP),
            columns: columns::load(&[]),
            rows: compete(peers.iter().map(contender).collect(), rounds),
        }
    };
    let mut tables: Vec<_> = tables.map(table).into();
    tables.push(unmodified::measure(stage, &backends));
    Ok(tables)
}

fn about(pages: &[Page]) -> String {
    let bytes: usize = pages.iter().map(|page| page.html.len()).sum();
    format!(
        "One nginx worker, memcached with 2 threads, the application with 2 workers, wrk with 1 thread and 32 connections \
         that accept gzip. A page has {:.1} kB on average.",
        bytes as f64 / pages.len() as f64 / 1000.0
    )
}

fn measured<'a>(
    stage: &'a Stage,
    candidate: Rc<Candidate>,
    pages: Vec<Page>,
    targets: Targets,
) -> Outcome<Measure<'a>> {
    candidate.prime(&pages)?;
    let load = Load::usual(stage, candidate.peer.port, targets);
    Ok(Box::new(move |_| {
        let mut end = Ok(());
        for _ in 0..ATTEMPTS {
            candidate.settle(&pages)?;
            let sample = load.run(stage)?;
            end = candidate.check(&pages);
            if end.is_ok() {
                return Ok(sample);
            }
        }
        Err(end.err().unwrap_or_default())
    }))
}
