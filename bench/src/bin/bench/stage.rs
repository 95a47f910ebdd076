//! What all groups share: the pages, a folder, how much to measure.

use std::path::{Path, PathBuf};
use std::{fs, io};

use tempfile::TempDir;

use crate::contest::Outcome;
use crate::effort::Effort;
use crate::page_set::{self, Page, USUAL};
use crate::wrk::{SCRIPT, Targets};

pub(crate) struct Stage {
    folder: TempDir,
    pages: Vec<Page>,
    pub(crate) effort: Effort,
}

impl Stage {
    pub(crate) fn set(effort: Effort) -> Outcome<Stage> {
        let folder = tempfile::Builder::new()
            .prefix("djanginxed-bench-")
            .tempdir()
            .map_err(|error| format!("cannot make a temporary folder: {error}"))?;
        let pages = page_set::make(&root())?;
        write(folder.path(), &pages).map_err(|error| format!("cannot write the pages: {error}"))?;
        Ok(Stage {
            folder,
            pages,
            effort,
        })
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

    /// The two workloads of hits: one page, and the whole set in turn.
    pub(crate) fn workload(&self, set: bool) -> (Vec<Page>, Targets) {
        if set {
            let pages = self.pages.clone();
            let targets = pages.iter().map(Page::target).collect();
            (pages, Targets::Cycle(targets))
        } else {
            let page = self.usual().clone();
            let target = page.target();
            (vec![page], Targets::One(target))
        }
    }
}

fn write(folder: &Path, pages: &[Page]) -> io::Result<()> {
    fs::write(folder.join("wrk.lua"), SCRIPT)?;
    let folder = folder.join("pages");
    fs::create_dir(&folder)?;
    for page in pages {
        fs::write(folder.join(&page.name).with_extension("html"), &page.html)?;
    }
    Ok(())
}

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    bench.parent().unwrap_or(bench).to_owned()
}
