//! The pages that every variant of the application serves.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::web::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use rustix::time::{ClockId, clock_gettime};

use crate::variant::Variant;

/// One page, in the forms that the variants hand out.
struct Page {
    text: String,
    ready: Bytes,
    gzip: Bytes,
}

/// The pages by name, and what it takes to render one.
pub struct Site {
    pages: HashMap<String, Page>,
    computing: Duration,
    /// As for a database.
    waiting: Duration,
    renders: AtomicU64,
}

impl Site {
    /// Reads every `NAME.html` in the folder of the pages.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn open(variant: &Variant) -> io::Result<Site> {
        let mut pages = HashMap::new();
        for file in variant.pages.read_dir()? {
            let path = file?.path();
            if let Some(name) = path.file_stem().and_then(|name| name.to_str()) {
                pages.insert(name.to_owned(), Page::new(std::fs::read_to_string(&path)?)?);
            }
        }
        Ok(Site {
            pages,
            computing: variant.computing_ms,
            waiting: variant.waiting_ms,
            renders: AtomicU64::new(0),
        })
    }

    /// Renders a page, as a template engine would: into a string of its own.
    pub async fn render(&self, name: &str) -> Option<String> {
        let page = self.pages.get(name)?;
        self.renders.fetch_add(1, Ordering::Relaxed);
        if !self.waiting.is_zero() {
            tokio::time::sleep(self.waiting).await;
        }
        if !self.computing.is_zero() {
            compute(self.computing);
        }
        Some(page.text.clone())
    }

    /// Renders made since the start.
    pub fn renders(&self) -> u64 {
        self.renders.load(Ordering::Relaxed)
    }

    /// A page's bytes, made beforehand.
    pub fn ready(&self, name: &str) -> Option<Bytes> {
        Some(self.pages.get(name)?.ready.clone())
    }

    /// A page's bytes in gzip, made beforehand.
    pub fn gzip(&self, name: &str) -> Option<Bytes> {
        Some(self.pages.get(name)?.gzip.clone())
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
    let end = used() + time;
    while used() < end {
        std::hint::spin_loop();
    }
}

fn used() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanoseconds)
}
