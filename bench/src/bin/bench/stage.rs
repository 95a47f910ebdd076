//! What all groups share: the pages, a folder, how much to measure.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::contest::{Outcome, said};
use crate::page_set::{self, Page, USUAL};
use crate::wrk::{SCRIPT, Targets};

pub(crate) struct Stage {
    folder: TempDir,
    pages: Vec<Page>,
    pub(crate) effort: Effort,
}

/// Rounds, and the length of one measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    quick: bool,
    pub(crate) rounds: usize,
    /// wrk counts in whole seconds.
    pub(crate) seconds: u32,
}

impl Effort {
    pub(crate) fn pick<T>(self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }
}

impl Stage {
    pub(crate) fn set(quick: bool) -> Outcome<Stage> {
        let (rounds, seconds) = if quick { (2, 1) } else { (3, 2) };
        let folder = said(
            tempfile::Builder::new()
                .prefix("djanginxed-bench-")
                .tempdir(),
        )?;
        let stage = Stage {
            folder,
            pages: page_set::make(&root())?,
            effort: Effort {
                quick,
                rounds,
                seconds,
            },
        };
        said(fs::write(stage.script(), SCRIPT))?;
        said(fs::create_dir(stage.pages_folder()))?;
        for page in &stage.pages {
            let file = stage.pages_folder().join(&page.name).with_extension("html");
            said(fs::write(file, &page.html))?;
        }
        Ok(stage)
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
