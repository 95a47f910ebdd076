//! What is measured of the application, as on a command line.

use std::path::PathBuf;

use clap::{ArgAction, Args};
use djanginxed::{PageCache, PageCacheBuilder};

use crate::handlers::Handler;

/// A handler, and the cache that it has.
#[derive(Args, Clone, Debug)]
pub struct Variant {
    /// Which handler.
    #[arg(value_enum)]
    pub handler: Handler,
    /// Folder of the pages, NAME.html each.
    #[arg(long)]
    pub pages: PathBuf,
    /// Where pages are stored; in memory where it is not given.
    #[arg(long)]
    pub memcached: Option<String>,
    /// Whether the cache looks a page up before it is rendered.
    #[arg(long, action = ArgAction::Set, default_value_t = true)]
    pub lookup: bool,
    /// Size of the store in memory.
    #[arg(long, default_value_t = 64 << 20)]
    pub memory_bytes: u64,
}

impl Variant {
    /// The cache's settings.
    pub fn cache(&self) -> PageCacheBuilder {
        let pages = PageCache::builder().key_prefix("bench").lookup(self.lookup);
        match &self.memcached {
            Some(address) => pages.memcached([address]),
            None => pages.in_memory(self.memory_bytes),
        }
    }
}
