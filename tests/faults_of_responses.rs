//! The tests of `faults/`, with whole responses for entries.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use djanginxed::Layout;

pub(crate) const LAYOUT: Layout = Layout::Response;

#[path = "faults/app.rs"]
mod app;
#[path = "faults/coalescing.rs"]
mod coalescing;
#[path = "faults/deletes.rs"]
mod deletes;
#[path = "faults/garbage.rs"]
mod garbage;
#[path = "faults/impostor.rs"]
mod impostor;
#[path = "faults/model.rs"]
mod model;
#[path = "faults/nginx.rs"]
mod nginx;
#[path = "faults/outages.rs"]
mod outages;
#[path = "faults/processes.rs"]
mod processes;
#[path = "faults/queue.rs"]
mod queue;
#[path = "faults/refresh.rs"]
mod refresh;
#[path = "faults/refusals.rs"]
mod refusals;
#[path = "faults/slow_line.rs"]
mod slow_line;
#[path = "faults/sockets.rs"]
mod sockets;
#[path = "faults/streams.rs"]
mod streams;
