//! The pages that every variant of the application serves.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::web::Bytes;
use anyhow::Result;
use flate2::Compression;
use flate2::write::GzEncoder;
use rustix::time::{ClockId, clock_gettime};

use super::Variant;
use crate::page_set;

/// One page, in the forms that the variants hand out.
pub(super) struct Page {
    text: String,
    pub(super) ready: Bytes,
    pub(super) gzip: Bytes,
}

/// The pages by name, and what it takes to render one.
pub(super) struct Site {
    pages: HashMap<String, Page>,
    computing: Duration,
    /// As for a database.
    waiting: Duration,
    renders: AtomicU64,
}

impl Site {
    pub(super) fn of(variant: &Variant) -> Result<Site> {
        let pages = page_set::make()?.into_iter();
        let pages = pages.map(|page| Ok((page.name, Page::new(page.html)?)));
        Ok(Site {
            pages: pages.collect::<Result<_>>()?,
            computing: Duration::from_millis(variant.computing_ms),
            waiting: Duration::from_millis(variant.waiting_ms),
            renders: AtomicU64::new(0),
        })
    }

    /// The page that `request` asks for.
    ///
    /// # Panics
    /// When there is none: nobody measures that.
    pub(super) fn page(&self, request: &HttpRequest) -> &Page {
        &self.pages[request.match_info().query("page")]
    }

    /// Renders a page, as a template engine would: into a string of its own.
    pub(super) async fn render(&self, request: &HttpRequest) -> String {
        let page = self.page(request);
        self.renders.fetch_add(1, Ordering::Relaxed);
        if !self.waiting.is_zero() {
            tokio::time::sleep(self.waiting).await;
        }
        if !self.computing.is_zero() {
            compute(self.computing);
        }
        page.text.clone()
    }

    /// Renders made since the start.
    pub(super) fn renders(&self) -> u64 {
        self.renders.load(Ordering::Relaxed)
    }
}

impl Page {
    fn new(text: String) -> io::Result<Page> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes())?;
        Ok(Page {
            ready: Bytes::copy_from_slice(text.as_bytes()),
            gzip: encoder.finish()?.into(),
            text,
        })
    }
}

/// Computes for `time`, counted in the processor's time of this thread: on a
/// busy machine the clock on the wall would count the work of others.
fn compute(time: Duration) {
    let used = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default();
    let end = used() + time;
    while used() < end {
        std::hint::spin_loop();
    }
}
