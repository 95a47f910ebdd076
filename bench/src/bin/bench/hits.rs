//! Measuring hits, and being sure that they are some.

use std::thread;
use std::time::{Duration, Instant};

use crate::columns::SERVER;
use crate::contest::Outcome;
use crate::peers::Running;
use crate::stage::Stage;
use crate::table::Sample;
use crate::wrk::Load;

/// Measurements of which one must end with hits as it began.
const ATTEMPTS: u32 = 3;

/// wrk's numbers for the server, and what it took of the processors for a request; `check` asks
/// whether its answers are as they must be. Where there is a cache, nothing is rendered.
pub(crate) fn measure(
    stage: &Stage,
    load: &Load,
    Running { nginx, app }: &Running,
    has_cache: bool,
    check: impl Fn() -> Outcome,
) -> Outcome<Sample> {
    let mut end = Ok(());
    for _ in 0..ATTEMPTS {
        settle(&check)?;
        let (renders, before) = (app.renders(), nginx.processor_time()?);
        let mut sample = load.run(stage)?;
        let took = nginx.processor_time()? - before;
        end = check();
        if has_cache && end.is_ok() {
            end = app.only_hits(renders, &sample);
        }
        if end.is_ok() {
            sample.insert(SERVER.metric, took.as_secs_f64() / sample["requests"]);
            return Ok(sample);
        }
    }
    Err(end.err().unwrap_or_default())
}

/// Waits until every answer is as it should be. On a busy machine a lookup may take too long,
/// and nginx then leaves Memcached alone for ten seconds.
fn settle(check: impl Fn() -> Outcome) -> Outcome {
    let end = Instant::now() + Duration::from_secs(15);
    loop {
        match check() {
            Err(_) if Instant::now() < end => thread::sleep(Duration::from_millis(200)),
            checked => return checked,
        }
    }
}
