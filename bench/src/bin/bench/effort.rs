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
        let (rounds, seconds) = if quick { (2, 1) } else { (3, 2) };
        Effort {
            quick,
            rounds,
            seconds,
        }
    }

    /// Of a table of one page, or of twelve.
    pub(crate) fn rounds_of(self, twelve: bool) -> usize {
        self.pick(if twelve { 1 } else { 2 }, self.rounds)
    }

    pub(crate) fn pick<T>(self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }
}
