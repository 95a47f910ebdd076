//! What an annotated handler of djanginxed calls. Use it through the
//! `djanginxed` crate, which carries the documentation.

mod answer;
mod breaker;
mod budget;
mod cache;
mod coalesce;
mod config;
mod deletes;
mod entry;
mod expiring;
mod host;
mod incoming;
mod key;
pub mod nginx;
mod observe;
mod page;
mod parts;
mod placement;
mod policy;
mod render;
mod request;
mod serve;
mod server;
mod store;
mod sync;
mod writer;

pub use cache::PageCache;
pub use config::{ConfigError, PageCacheBuilder};
pub use key::PageKey;
pub use placement::Placement;
pub use store::error::StoreError;

/// What the expansion of `#[cache_page]` uses; not for people.
#[doc(hidden)]
pub mod private {
    pub use crate::incoming::Incoming;
    pub use crate::page::Page;
    pub use crate::serve::{Seen, Served, serve};
}

/// What the tests and benchmarks of this workspace reach into; not for people.
#[doc(hidden)]
pub mod internals {
    pub use crate::page::is_media_type;
    pub use crate::parts::{Flights, body_of, entry_of, is_stored};
    pub use crate::placement::{Ring, upstream_lines};
    pub use crate::policy::Loss;
    pub use crate::server::Server;
}
