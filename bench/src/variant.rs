//! What is measured of the application, as on a command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Parser};
use djanginxed::{Layout, PageCache, PageCacheBuilder, Vary};

use crate::handlers::Handler;
use crate::stand::SECRET;

/// A handler, and the cache that it has.
#[derive(Clone, Debug, Parser)]
pub struct Variant {
    /// Which handler.
    #[arg(value_enum)]
    pub handler: Handler,
    /// Folder of the pages, NAME.html each.
    #[arg(long)]
    pub pages: PathBuf,
    /// Processor time of a render, in milliseconds.
    #[arg(long, value_parser = milliseconds, default_value = "0")]
    pub computing_ms: Duration,
    /// Time that a render waits, in milliseconds.
    #[arg(long, value_parser = milliseconds, default_value = "0")]
    pub waiting_ms: Duration,
    /// Where pages are stored; in memory where it is not given.
    #[arg(long)]
    pub memcached: Option<String>,
    /// Whether the cache looks a page up before it is rendered.
    #[arg(long, action = ArgAction::Set, default_value_t = true)]
    lookup: bool,
    /// Size of the store in memory.
    #[arg(long, default_value_t = 64 << 20)]
    pub memory_bytes: u64,
    #[arg(long)]
    gzip: bool,
    /// Entries are whole responses.
    #[arg(long)]
    whole: bool,
    /// What pages vary by.
    #[arg(long)]
    vary: Vec<Vary>,
    /// Pages may have parts of a visitor's own.
    #[arg(long)]
    parts: bool,
    /// Renders at a time by which it looks after its pages; none where it does not.
    #[arg(long, default_value_t = 0)]
    pub refreshes: usize,
}

fn milliseconds(text: &str) -> Result<Duration, std::num::ParseIntError> {
    Ok(Duration::from_millis(text.parse()?))
}

impl Variant {
    /// The cache's settings.
    pub fn cache(&self) -> PageCacheBuilder {
        let pages = PageCache::builder()
            .key_prefix("bench")
            .lookup(self.lookup)
            .gzip(self.gzip)
            .parts(self.parts)
            .layout(match self.whole {
                true => Layout::Response,
                false => Layout::Body,
            });
        let rules = self.vary.iter().cloned();
        let pages = rules.fold(pages, |pages, rule| pages.vary(rule.with_secret(SECRET)));
        match &self.memcached {
            Some(address) => pages.memcached([address]),
            None => pages.in_memory(self.memory_bytes),
        }
    }
}
