//! The columns of tables that wrk filled.

use crate::table::{Column, Shown};

pub(crate) const THROUGHPUT: Column = Column {
    metric: "requests_per_second",
    heading: "requests/s (rounds)",
    shown: Shown::Spread,
};

pub(crate) const THROUGHPUT_RATIO: Column = Column {
    metric: "requests_per_second",
    heading: "of the reference",
    shown: Shown::Ratio,
};

const P50: Column = Column {
    metric: "p50_seconds",
    heading: "p50",
    shown: Shown::Milliseconds,
};

const P99: Column = Column {
    metric: "p99_seconds",
    heading: "p99",
    shown: Shown::Milliseconds,
};

pub(crate) const P99_RATIO: Column = Column {
    metric: "p99_seconds",
    heading: "p99 of the reference's",
    shown: Shown::Ratio,
};

/// Answers that were errors, and requests without one.
pub(crate) const FAILED: Column = Column {
    metric: "failed",
    heading: "failed",
    shown: Shown::Count,
};

/// Pages that were rendered and not stored, of those rendered.
pub(crate) const DROPPED: Column = Column {
    metric: "dropped",
    heading: "not stored",
    shown: Shown::Percent,
};

/// The share of a run in which wrk had nothing to do: where that is little, it is wrk that is
/// measured, and not whom it asks.
const IDLE: Column = Column {
    metric: "idle",
    heading: "wrk idle",
    shown: Shown::Percent,
};

/// What every table of requests shows, with `more` behind it.
pub(crate) fn load(more: &[Column]) -> Vec<Column> {
    let usual = [THROUGHPUT, THROUGHPUT_RATIO, P50, P99];
    [&usual, more, &[FAILED, IDLE]].concat()
}
