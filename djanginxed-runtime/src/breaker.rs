//! Skips a server that keeps failing, until a probe says that it is back.

use std::time::Duration;

use crate::sync::{AtomicBool, Mutex, MutexGuard, Ordering, lock};

/// Failures in a row that open the breaker.
const THRESHOLD: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// One server's breaker, shared by all workers and the writer.
///
/// While it is open, visitors do not wait for the server at all: probes are
/// sent from the background, and only a probe closes it.
#[derive(Debug)]
pub(crate) struct Breaker {
    open: AtomicBool,
    failures: Mutex<Failures>,
}

#[derive(Debug)]
struct Failures {
    in_a_row: u32,
    pause: Duration,
}

impl Breaker {
    pub(crate) fn new() -> Breaker {
        Breaker {
            open: AtomicBool::new(false),
            failures: Mutex::new(Failures {
                in_a_row: 0,
                pause: FIRST_PAUSE,
            }),
        }
    }

    fn failures(&self) -> MutexGuard<'_, Failures> {
        lock(&self.failures)
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// Whether the last that is known of the server is a failure.
    pub(crate) fn is_failing(&self) -> bool {
        self.failures().in_a_row > 0
    }

    /// Notes an answer of the server. One that was asked for before the breaker
    /// opened does not close it.
    pub(crate) fn succeeded(&self) {
        let mut failures = self.failures();
        if !self.is_open() {
            failures.in_a_row = 0;
        }
    }

    /// Notes a failure; true for the one that opens the breaker.
    pub(crate) fn failed(&self) -> bool {
        let mut failures = self.failures();
        failures.in_a_row = failures.in_a_row.saturating_add(1);
        let opens = failures.in_a_row >= THRESHOLD && !self.is_open();
        if opens {
            failures.pause = FIRST_PAUSE;
            self.open.store(true, Ordering::Release);
        }
        opens
    }

    /// How long to wait before the next probe: twice as long each time, and
    /// spread by `jitter`, 0 to 1, so that processes do not probe in step.
    pub(crate) fn next_pause(&self, jitter: f64) -> Duration {
        let mut failures = self.failures();
        let pause = failures.pause;
        failures.pause = (pause * 2).min(LONGEST_PAUSE);
        pause.mul_f64(0.75 + 0.5 * jitter.clamp(0.0, 1.0))
    }

    /// A probe was answered.
    pub(crate) fn close(&self) {
        let mut failures = self.failures();
        failures.in_a_row = 0;
        self.open.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened() -> Breaker {
        let breaker = Breaker::new();
        assert!(!breaker.is_failing());
        assert_eq!([(); 3].map(|()| breaker.failed()), [false, false, true]);
        assert!(breaker.is_failing());
        breaker
    }

    #[test]
    fn three_failures_in_a_row_open_it_once() {
        let breaker = opened();
        assert!(breaker.is_open());
        assert!(!breaker.failed());
    }

    #[test]
    fn a_success_between_failures_keeps_it_closed() {
        let breaker = Breaker::new();
        for _ in 0..10 {
            breaker.failed();
            breaker.failed();
            breaker.succeeded();
        }
        assert!(!breaker.is_open());
    }

    #[test]
    fn a_late_answer_does_not_close_it_but_a_probe_does() {
        let breaker = opened();
        breaker.succeeded();
        assert!(breaker.is_open());
        breaker.close();
        assert!(!breaker.is_open());
        assert!(!breaker.failed());
    }

    #[test]
    fn pauses_grow_to_a_bound_and_are_spread() {
        let breaker = opened();
        let pauses: Vec<_> = (0..10).map(|_| breaker.next_pause(0.5)).collect();
        assert_eq!(pauses[0], FIRST_PAUSE);
        assert_eq!(pauses[1], FIRST_PAUSE * 2);
        assert_eq!(pauses[9], LONGEST_PAUSE);
        assert!(breaker.next_pause(0.0) < LONGEST_PAUSE);
        assert!(breaker.next_pause(1.0) > LONGEST_PAUSE);
    }

    #[test]
    fn a_new_outage_begins_with_the_first_pause() {
        let breaker = opened();
        for _ in 0..5 {
            breaker.next_pause(0.5);
        }
        breaker.close();
        for _ in 0..3 {
            breaker.failed();
        }
        assert_eq!(breaker.next_pause(0.5), FIRST_PAUSE);
    }
}
