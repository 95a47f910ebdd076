//! The adapter: the only place that knows actix's requests and responses.

mod admin;
mod answer;
mod around;
mod ask;
mod background;
mod cached_page;
mod fill;
mod find;
mod incoming;
mod middleware;
mod panic;
mod purging;
mod rendering;
mod seen;
mod serve;
mod tee;
mod through;
mod variant;

pub use self::cached_page::CachedPage;
pub use self::incoming::Incoming;
pub use self::middleware::ScopeCache;
pub use self::purging::{PurgedTags, purge_after};
pub use self::rendering::rendering;
pub use self::seen::Seen;
pub use self::serve::{Served, serve};
pub use self::variant::Variant;
