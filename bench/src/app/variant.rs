//! What is measured of the application.

use std::time::Duration;

use anyhow::Result;
use djanginxed::{Layout, PageCache, PageCacheBuilder, Vary};
use serde::{Deserialize, Serialize};
use visitors::stand::SECRET;

use super::Handler;

/// A handler, and the cache that it has.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Variant {
    pub(crate) handler: Handler,
    /// Processor time of a render, in milliseconds.
    pub(crate) computing_ms: u64,
    /// Time that a render waits, in milliseconds.
    pub(crate) waiting_ms: u64,
    /// Whether the cache looks a page up before it is rendered.
    pub(crate) lookup: bool,
    /// Size of the store in memory.
    pub(crate) memory_bytes: u64,
    pub(crate) gzip: bool,
    /// Entries are whole responses.
    pub(crate) whole: bool,
    /// What pages vary by, with a blank from rule to rule.
    pub(crate) vary: &'static str,
    /// Pages may have parts of a visitor's own.
    pub(crate) parts: bool,
    /// Renders at a time by which it looks after its pages; none where it does not.
    pub(crate) refreshes: usize,
    pub(crate) render_lock: bool,
    /// Valgrind makes everything fifty times slower: Memcached is waited for longer.
    pub(crate) is_slow: bool,
}

impl Variant {
    /// The handler, and the usual cache.
    pub(crate) const fn of(handler: Handler) -> Variant {
        Variant {
            handler,
            computing_ms: 0,
            waiting_ms: 0,
            lookup: true,
            memory_bytes: 64 << 20,
            gzip: false,
            whole: false,
            vary: "",
            parts: false,
            refreshes: 0,
            render_lock: false,
            is_slow: false,
        }
    }

    pub(crate) fn layout(&self) -> Layout {
        match self.whole {
            true => Layout::Response,
            false => Layout::Body,
        }
    }

    /// The cache's settings, with `memcached` or its own memory.
    pub(crate) fn cache(&self, memcached: Option<&str>) -> Result<PageCacheBuilder> {
        let mut pages = PageCache::builder()
            .key_prefix("bench")
            .lookup(self.lookup)
            .gzip(self.gzip)
            .parts(self.parts)
            .render_lock(self.render_lock)
            .layout(self.layout());
        for rule in self.vary.split_whitespace() {
            pages = pages.vary(rule.parse::<Vary>()?.with_secret(SECRET));
        }
        if self.is_slow {
            pages = pages.operation_timeout(Duration::from_secs(10));
        }
        Ok(match memcached {
            Some(address) => pages.memcached([address]),
            None => pages.in_memory(self.memory_bytes),
        })
    }
}
