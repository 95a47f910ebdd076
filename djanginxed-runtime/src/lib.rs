//! What an annotated handler of djanginxed calls. Use it through the
//! `djanginxed` crate, which carries the documentation.

mod actix;
mod breaker;
mod budget;
mod cache;
mod clock;
mod coalesce;
mod conditions;
mod config_error;
mod control;
mod counts;
mod date;
mod deletes;
mod entry;
mod etag;
mod expiring;
mod feed;
mod flags;
mod grant;
mod hex;
mod host;
mod key;
mod layout;
mod life;
mod media;
pub mod nginx;
mod notes;
mod observe;
mod page;
mod parts;
pub mod personal;
mod placement;
mod policy;
mod purged;
mod reason;
mod refresh;
mod render;
mod request;
mod server;
mod settings;
mod status;
mod store;
mod sync;
mod tag;
mod token;
mod vary;
mod visit;
mod writer;

pub mod test;

pub use actix::{CachedPage, ScopeCache, Variant};
pub use cache::{PageCache, PageCacheBuilder, Purge};
pub use config_error::ConfigError;
pub use feed::Hot;
pub use key::PageKey;
pub use layout::Layout;
pub use placement::Placement;
pub use purged::Purged;
pub use store::error::StoreError;
pub use vary::Vary;

/// What the expansion of `#[cache_page]` uses; not for people.
#[doc(hidden)]
pub mod private {
    /// Another name, by which an attribute tells what the other one has made.
    pub use crate::actix::Served as Purging;
    pub use crate::actix::{Incoming, PurgedTags, Seen, Served, purge_after, rendering, serve};
    pub use crate::page::Page;
}

/// What a tool beside the application must know as the application does: where a
/// page lies and under which key, and which fields its hits lack.
pub mod tool {
    pub use crate::feed::{FeedReport, ask as ask_feed};
    pub use crate::flags::{of as flags_of, read as read_flags, split as split_flags};
    pub use crate::key::KeyRecipe;
    pub use crate::nginx::files::SCRIPT;
    pub use crate::parts::{
        group_forgers, has_commands, index_items, index_lists, refresh_lead, variant_rules,
        variant_visitors, variants,
    };
    pub use crate::placement::Ring;
    pub use crate::policy::Loss;
    pub use crate::server::Server;
    pub use crate::server::denied::denied_to_nginx;
    pub use crate::server::socket::explain as explain_socket;
    pub use crate::store::names::{
        copy as copy_name, delete as delete_name, lock as lock_name, note as note_name,
    };
    pub use crate::vary::{GroupForger, VariantRule, VariantVisitor};
}

/// What the tests and benchmarks of this workspace reach into; not for people.
#[doc(hidden)]
pub mod internals {
    pub use crate::parts::{Flights, body_of, entry_of, is_stored};
    pub use crate::placement::upstream_lines;
}
