//! How much is measured.

/// Rounds, and the length of one measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) quick: bool,
    pub(crate) rounds: usize,
    /// wrk counts in whole seconds.
    pub(crate) seconds: u32,
}

impl Effort {
    pub(crate) fn new(quick: bool) -> Effort {
        let (rounds, seconds) = if quick { (2, 1) } else { (5, 4) };
        Effort {
            quick,
            rounds,
            seconds,
        }
    }

    /// For what takes minutes rather than seconds.
    pub(crate) fn few(self) -> usize {
        if self.quick { 1 } else { 3 }
    }

    pub(crate) fn pick<T>(self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }
}
