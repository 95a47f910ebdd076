//! What all groups share: the pages, and how much to measure.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::page_set::{self, Page, USUAL};
use crate::wrk::Targets;

pub(crate) struct Stage {
    pages: Vec<Page>,
    quick: bool,
    pub(crate) rounds: usize,
    /// Of one measurement; wrk counts in whole ones.
    pub(crate) seconds: u32,
}

impl Stage {
    pub(crate) fn set(quick: bool) -> Result<Stage> {
        let (rounds, seconds) = if quick { (2, 1) } else { (3, 2) };
        Ok(Stage {
            pages: page_set::make()?,
            quick,
            rounds,
            seconds,
        })
    }

    pub(crate) fn pick<T>(&self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }

    /// The page of 10 kB.
    pub(crate) fn usual(&self) -> &Page {
        &self.pages[USUAL]
    }

    /// The smallest.
    pub(crate) fn small(&self) -> &Page {
        &self.pages[0]
    }

    /// The two workloads of hits: one page, and all twelve in turn.
    pub(crate) fn workload(&self, twelve: bool) -> (&[Page], Targets) {
        let pages = match twelve {
            true => &self.pages[..],
            false => &self.pages[USUAL..=USUAL],
        };
        let targets = pages.iter().map(Page::target).collect();
        (pages, Targets::Each(targets))
    }
}

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    bench.parent().unwrap_or(bench).to_owned()
}
