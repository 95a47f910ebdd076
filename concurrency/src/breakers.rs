//! A breaker that workers, the writer and its probes share.

use std::time::Duration;

use loom::sync::atomic::AtomicUsize;
use loom::thread;

use crate::runtime::breaker::Breaker;
use crate::sync::{Arc, Ordering};

checks![
    failures_of_many_open_it_exactly_once,
    a_success_at_any_moment_does_not_close_it,
    each_outage_is_opened_once_and_closed_by_its_probe,
];

fn fail(breaker: &Breaker, times: usize) -> usize {
    (0..times).filter(|_| breaker.failed()).count()
}

fn failures_of_many_open_it_exactly_once() {
    loom::model(|| {
        let breaker = Arc::new(Breaker::new());
        let other = Arc::clone(&breaker);
        let third = Arc::clone(&breaker);
        let others = [
            thread::spawn(move || fail(&other, 2)),
            thread::spawn(move || fail(&third, 1)),
        ];
        let mut opened = fail(&breaker, 2);
        for other in others {
            opened += other.join().unwrap();
        }
        assert_eq!(opened, 1);
        assert!(breaker.is_open());
    });
}

fn a_success_at_any_moment_does_not_close_it() {
    loom::model(|| {
        let breaker = Arc::new(Breaker::new());
        let other = Arc::clone(&breaker);
        let other = thread::spawn(move || other.succeeded());
        let opened = fail(&breaker, 3);
        if opened == 1 {
            assert!(breaker.is_open());
        }
        other.join().unwrap();
        assert_eq!(breaker.is_open(), opened == 1);
    });
}

/// Fails until it opens the breaker, if it does, and closes it like a probe.
fn outage(breaker: &Breaker, open: &AtomicUsize) {
    if fail(breaker, 3) > 0 {
        assert_eq!(open.fetch_add(1, Ordering::SeqCst), 0, "opened twice");
        assert!(breaker.next_pause(0.0) <= Duration::from_millis(500));
        assert!(breaker.is_open(), "closed by nobody");
        open.fetch_sub(1, Ordering::SeqCst);
        breaker.close();
    }
}

fn each_outage_is_opened_once_and_closed_by_its_probe() {
    loom::model(|| {
        let breaker = Arc::new(Breaker::new());
        let open = Arc::new(AtomicUsize::new(0));
        let (others_breaker, others_open) = (Arc::clone(&breaker), Arc::clone(&open));
        let other = thread::spawn(move || outage(&others_breaker, &others_open));
        outage(&breaker, &open);
        other.join().unwrap();
        assert!(!breaker.is_open());
    });
}
