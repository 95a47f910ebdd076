//! What an annotated handler of djanginxed calls. Use it through the
//! `djanginxed` crate, which carries the documentation.

mod config;
mod key;
mod page;
mod placement;
mod serve;
mod server;

pub use config::ConfigError;
pub use key::PageKey;
pub use placement::Placement;

/// What the expansion of `#[cache_page]` uses; not for people.
#[doc(hidden)]
pub mod private {
    pub use crate::page::Page;
    pub use crate::serve::{Seen, Served, serve};
}

/// What the tests and benchmarks of this workspace reach into; not for people.
#[doc(hidden)]
pub mod internals {
    pub use crate::placement::{Ring, upstream_lines};
    pub use crate::server::Server;
}
