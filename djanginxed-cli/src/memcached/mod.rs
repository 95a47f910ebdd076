//! Memcached, looked at without disturbing what it holds.

mod health;
mod item;
mod link;
mod servers;
mod stats;
mod watch;

pub(crate) use health::{Connections, Health, Vitals, health};
pub(crate) use item::Item;
pub(crate) use link::Trouble;
pub(crate) use servers::Servers;
pub(crate) use stats::{Stats, stats};
pub(crate) use watch::{Event, Kind, Watch};
