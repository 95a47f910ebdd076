//! A dozen real pages, made from the project's own documents.

use std::collections::HashSet;
use std::path::Path;
use std::{fs, io};

use anyhow::{Result, ensure};
use pulldown_cmark::{Options, Parser, html};

use crate::stage::root;

/// Sizes of the pages in kilobytes: a few small, most middling, some large.
const SIZES: [usize; 12] = [2, 3, 5, 8, 10, 15, 20, 30, 50, 80, 120, 200];

/// The page of the tables that have only one: that of 10 kB.
pub(crate) const USUAL: usize = 4;

/// A page, as its handler renders it.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) name: String,
    pub(crate) html: String,
}

impl Page {
    pub(crate) fn target(&self) -> String {
        format!("/{}/hit", self.name)
    }
}

/// The pages, the smallest first.
pub(crate) fn make() -> Result<Vec<Page>> {
    let html = documents(&root())?;
    let length = html.len();
    ensure!(
        length >= SIZES[SIZES.len() - 1] * 1000,
        "{length} bytes of documents are too few"
    );
    // Documents may say the same as others.
    let mut seen = HashSet::new();
    let lines = html.split_inclusive('\n');
    let lines: Vec<&str> = lines
        .filter(|line| line.len() < 100 || seen.insert(*line))
        .collect();
    let page = |(number, size): (usize, usize)| {
        // Each begins elsewhere, so that they differ; none repeats itself.
        let start = number * lines.len() / SIZES.len();
        Page {
            name: format!("kb{size}"),
            html: layout(lines[start..].iter().chain(&lines[..start]), size * 1000),
        }
    };
    Ok(SIZES.into_iter().enumerate().map(page).collect())
}

/// Head and foot around lines that together come to `size` bytes, or a little less; one that
/// does not fit any more is passed over.
fn layout<'a>(lines: impl Iterator<Item = &'a &'a str>, size: usize) -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>djanginxed</title>\n<link rel=\"stylesheet\" href=\"/style.css\">\n\
         </head>\n<body>\n<main>\n",
    );
    let foot = "</main>\n</body>\n</html>\n";
    for line in lines {
        if page.len() + line.len() + foot.len() <= size {
            page.push_str(line);
        }
    }
    page.push_str(foot);
    page
}

/// The project's documents, one after the other, as HTML.
fn documents(root: &Path) -> io::Result<String> {
    let mut files = Vec::new();
    for folder in [root, &root.join("docs")] {
        for file in folder.read_dir()? {
            files.push(file?.path());
        }
    }
    files.retain(|file| file.extension().is_some_and(|kind| kind == "md"));
    files.sort();
    let mut text = String::new();
    for file in files {
        let markdown = fs::read_to_string(&file)?;
        html::push_html(
            &mut text,
            Parser::new_ext(&markdown, Options::ENABLE_TABLES),
        );
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_have_their_sizes_and_do_not_repeat_themselves() {
        let pages = make().unwrap();
        for (page, size) in pages.iter().zip(SIZES) {
            let bytes = page.html.len();
            assert!(
                bytes.abs_diff(size * 1000) < size * 50,
                "{} has {bytes} bytes",
                page.name
            );
            let lines: Vec<_> = page.html.lines().filter(|line| line.len() > 200).collect();
            let distinct: HashSet<_> = lines.iter().collect();
            assert_eq!(lines.len(), distinct.len(), "{}", page.name);
        }
    }
}
