//! Measuring hits, and being sure that they are some.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};

use crate::app::App;
use crate::columns::SERVER;
use crate::peers::Peer;
use crate::stage::Stage;
use crate::table::Sample;
use crate::wrk::Load;

/// Measurements of which one must end with hits as it began.
const ATTEMPTS: u32 = 3;

/// wrk's numbers for hits in the application, or in a `server` before it, and then what that
/// took of the processors for a request; `check` asks whether its answers are as they must be.
pub(crate) fn measure(
    stage: &Stage,
    load: &Load,
    app: &App,
    server: Option<&Peer>,
    check: impl Fn() -> Result<()>,
) -> Result<Sample> {
    let mut end = Err(anyhow!("nothing was measured"));
    for _ in 0..ATTEMPTS {
        settle(&check)?;
        let renders = app.renders();
        let sample = match server {
            Some(server) => observed(stage, load, server)?,
            None => load.run(stage)?,
        };
        end = check().and_then(|()| only_hits(app.renders() - renders, sample));
        if end.is_ok() {
            break;
        }
    }
    end
}

/// wrk's numbers, and what the server took.
pub(crate) fn observed(stage: &Stage, load: &Load, server: &Peer) -> Result<Sample> {
    let before = server.processor_time()?;
    let mut sample = load.run(stage)?;
    let took = server.processor_time()? - before;
    sample.insert(SERVER.metric, took.as_secs_f64() / sample["requests"]);
    Ok(sample)
}

/// An error unless nearly all of a run's requests were hits: under load a lookup may now and
/// then take longer than its time-out.
fn only_hits(renders: u64, sample: Sample) -> Result<Sample> {
    let is_little = renders as f64 <= sample["requests"] / 1000.0;
    ensure!(
        is_little,
        "{renders} pages were rendered: these are no hits"
    );
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
