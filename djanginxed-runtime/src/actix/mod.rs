//! The adapter: the only place that knows actix's requests and responses.

mod answer;
mod find;
mod incoming;
mod serve;
mod tee;

pub use self::incoming::Incoming;
pub use self::serve::{Seen, Served, serve};
