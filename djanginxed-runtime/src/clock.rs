//! What time it is for the pages of one cache.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The system's clock; in users' tests one that can be turned forward.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    /// By how many nanoseconds it has been turned.
    turned: Option<Arc<AtomicU64>>,
}

impl Clock {
    pub(crate) fn to_turn() -> Clock {
        Clock {
            turned: Some(Arc::default()),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        let now = Instant::now();
        match &self.turned {
            None => now,
            Some(turned) => now + Duration::from_nanos(turned.load(Ordering::Relaxed)),
        }
    }

    /// Turns it forward, by 584 years altogether at the most.
    pub(crate) fn turn(&self, by: Duration) {
        if let Some(turned) = &self.turned {
            let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
            let turn = |so_far: u64| Some(so_far.saturating_add(by));
            // It always succeeds.
            let _ = turned.fetch_update(Ordering::Relaxed, Ordering::Relaxed, turn);
        }
    }
}
