//! Nothing that happens to Memcached, to the network or to another visitor
//! makes a page fail, wait, or be wrong. Every fault here is a real one.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use djanginxed::Layout;

/// `faults_of_responses.rs` has the same tests for the other layout.
pub(crate) const LAYOUT: Layout = Layout::Body;

mod app;
mod coalescing;
mod deletes;
mod garbage;
mod impostor;
mod model;
mod nginx;
mod outages;
mod processes;
mod queue;
mod refresh;
mod refusals;
mod slow_line;
mod small_pages;
mod sockets;
mod stand_in;
mod streams;
#[path = "../stack/way.rs"]
mod way;
