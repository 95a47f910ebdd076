//! What a handler does before its page is there.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Computes for `time`, counted in the processor's time of this thread: on a
/// busy machine the clock on the wall would count the work of others.
pub fn compute(time: Duration) {
    let end = used() + time;
    while used() < end {
        std::hint::spin_loop();
    }
}

fn used() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanoseconds)
}
