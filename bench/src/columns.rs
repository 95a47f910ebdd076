//! The columns of tables that wrk filled.

use crate::table::{Column, Shown, column};

pub(crate) const SPEED: Column = column("requests_per_second", "of the reference", Shown::Ratio);
pub(crate) const P99_RATIO: Column = column("p99_seconds", "p99 of the reference's", Shown::Ratio);

/// What a server took of the processors for a request, the kernel's work for it included.
pub(crate) const SERVER: Column = column(
    "server_seconds",
    "server's processor time",
    Shown::Microseconds,
);
pub(crate) const SERVER_RATIO: Column =
    column("server_seconds", "of the reference's", Shown::Ratio);

/// What every table of requests shows, with `more` before the errors (`failed`: answers that
/// were some, and requests without an answer).
pub(crate) fn load(more: &[Column]) -> Vec<Column> {
    let usual = [
        column(SPEED.metric, "requests/s (rounds)", Shown::Spread),
        SPEED,
        column("p50_seconds", "p50", Shown::Milliseconds),
        column("p99_seconds", "p99", Shown::Milliseconds),
    ];
    let end = [
        column("failed", "failed", Shown::Count),
        // Where that is little, it is wrk that is measured, and not whom it asks.
        column("idle", "wrk idle", Shown::Percent),
    ];
    [&usual, more, &end].concat()
}
