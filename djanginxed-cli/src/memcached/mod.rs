//! Memcached, looked at without disturbing what it holds.

mod health;
mod link;
mod servers;
mod watch;

pub(crate) use health::{Health, Vitals, health};
pub(crate) use link::Trouble;
pub(crate) use servers::{Item, Servers, address};
pub(crate) use watch::{Event, Kind, Watch};
