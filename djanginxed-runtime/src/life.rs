//! How long a page lives, and whether its time is over.

use std::time::{Duration, Instant};

/// From the start of its render a page is fresh for a time, and stale for another:
/// then it is given out while it is rendered anew (RFC 5861, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) fresh: Duration,
    /// Whole seconds.
    pub(crate) stale: Duration,
    /// For how long after the fresh time it stands in for an error of the application
    /// (RFC 5861, section 4).
    pub(crate) error: Duration,
}

impl Life {
    pub(crate) const UNBOUNDED: Life = Life {
        fresh: Duration::MAX,
        stale: Duration::ZERO,
        error: Duration::ZERO,
    };

    /// Both times together.
    pub(crate) fn whole(&self) -> Duration {
        self.fresh.saturating_add(self.stale)
    }

    /// How long there is a copy that stands in for errors, where it outlives the page.
    pub(crate) fn copy(&self) -> Option<Duration> {
        (self.error > self.stale).then(|| self.fresh.saturating_add(self.error))
    }

    /// As long as there is anything of it.
    pub(crate) fn longest(&self) -> Duration {
        self.copy().unwrap_or(self.whole())
    }

    /// How fresh a page is at `now` whose render began at `started`.
    pub(crate) fn freshness(&self, started: Instant, now: Instant) -> Freshness {
        match now
            .saturating_duration_since(started)
            .checked_sub(self.fresh)
        {
            None => Freshness::Fresh,
            Some(past) => Freshness::Stale(past.as_secs()),
        }
    }
}

/// Whether a page is as new as it is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    Fresh,
    /// Its time has been over for so many seconds.
    Stale(u64),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_stale_from_the_end_of_its_timeout() {
        let life = Life {
            fresh: Duration::from_secs(10),
            stale: Duration::from_secs(60),
            error: Duration::ZERO,
        };
        let started = Instant::now();
        let after = |seconds| life.freshness(started, started + Duration::from_secs(seconds));
        assert_eq!(after(9), Freshness::Fresh);
        assert_eq!(after(10), Freshness::Stale(0));
        assert_eq!(after(42), Freshness::Stale(32));
        assert_eq!(life.whole(), Duration::from_secs(70));
        assert_eq!((life.copy(), life.longest()), (None, life.whole()));
        let error = Duration::from_secs(90);
        let life = Life { error, ..life };
        assert_eq!(life.copy(), Some(Duration::from_secs(100)));
        assert_eq!(life.longest(), Duration::from_secs(100));
    }
}
