//! Cache whole actix-web pages in Memcached, where nginx finds them by itself.

pub use djanginxed_macros::cache_page;
pub use djanginxed_runtime::{
    ConfigError, PageCache, PageCacheBuilder, PageKey, Placement, StoreError,
};

pub use djanginxed_runtime::nginx;

/// What the expansion of `#[cache_page]` uses; not for people.
#[doc(hidden)]
pub mod __private {
    pub use actix_web::HttpRequest;
    pub use djanginxed_runtime::private::{Page, Seen, Served, serve};
}
