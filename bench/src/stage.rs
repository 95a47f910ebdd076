//! What all groups share: the pages, a folder, how much to measure.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use tempfile::TempDir;

use crate::page_set::{self, Page, USUAL};
use crate::wrk::{SCRIPT, Targets};

pub(crate) struct Stage {
    folder: TempDir,
    pages: Vec<Page>,
    quick: bool,
    pub(crate) rounds: usize,
    /// Of one measurement; wrk counts in whole ones.
    pub(crate) seconds: u32,
}

impl Stage {
    pub(crate) fn set(quick: bool) -> Result<Stage> {
        let (rounds, seconds) = if quick { (2, 1) } else { (3, 2) };
        let stage = Stage {
            folder: tempfile::tempdir()?,
            pages: page_set::make(&root())?,
            quick,
            rounds,
            seconds,
        };
        fs::write(stage.script(), SCRIPT)?;
        fs::create_dir(stage.pages_folder())?;
        for page in &stage.pages {
            let file = stage.pages_folder().join(&page.name).with_extension("html");
            fs::write(file, &page.html)?;
        }
        Ok(stage)
    }

    pub(crate) fn pick<T>(&self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }

    /// The folder of the pages, for the application.
    pub(crate) fn pages_folder(&self) -> PathBuf {
        self.folder.path().join("pages")
    }

    /// wrk's script.
    pub(crate) fn script(&self) -> PathBuf {
        self.folder.path().join("wrk.lua")
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
        match twelve {
            true => {
                let targets = self.pages.iter().map(Page::target);
                (&self.pages, Targets::Each(targets.collect()))
            }
            false => {
                let page = &self.pages[USUAL..=USUAL];
                (page, Targets::One(page[0].target()))
            }
        }
    }
}

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    bench.parent().unwrap_or(bench).to_owned()
}
