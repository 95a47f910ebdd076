//! Measuring hits, and being sure that they are some.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::app::{App, Handler};
use crate::columns::SERVER;
use crate::peers::Peer;
use crate::table::Sample;
use crate::wrk::Load;

/// Measurements of which one must end with hits as it began.
const ATTEMPTS: u32 = 3;

/// wrk's numbers for hits in the application, or in a `server` before it, and then what that
/// took of the processors for a request; `check` asks whether its answers are as they must be.
pub(crate) fn measure(
    load: &Load,
    app: &App,
    server: Option<&Peer>,
    check: impl Fn() -> Result<()>,
) -> Result<Sample> {
    let mut end = Ok(Sample::new());
    for _ in 0..ATTEMPTS {
        settle(&check)?;
        let renders = app.renders();
        let sample = observed(load, server)?;
        let renders = app.renders() - renders;
        end = check().and_then(|()| only_hits(app, renders, sample));
        if end.is_ok() {
            break;
        }
    }
    end
}

fn observed(load: &Load, server: Option<&Peer>) -> Result<Sample> {
    let Some(server) = server else {
        return load.run();
    };
    let before = server.processor_time()?;
    let mut sample = load.run()?;
    let took = server.processor_time()? - before;
    sample.insert(SERVER.metric, took.as_secs_f64() / sample["requests"]);
    Ok(sample)
}

/// An error unless nearly all of a run's requests were hits, where there is a cache: under load
/// a lookup may now and then take longer than its time-out.
fn only_hits(app: &App, renders: u64, sample: Sample) -> Result<Sample> {
    let few = app.handler == Handler::Bare || renders as f64 <= sample["requests"] / 1000.0;
    ensure!(few, "{renders} pages were rendered: these are no hits");
    Ok(sample)
}

/// Waits until every answer is as it should be. On a busy machine a lookup may take too long,
/// and nginx then leaves Memcached alone for ten seconds.
fn settle(check: impl Fn() -> Result<()>) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(15);
    loop {
        match check() {
            Err(_) if Instant::now() < end => thread::sleep(Duration::from_millis(200)),
            checked => return checked,
        }
    }
}
