//! A dozen real pages, made from the project's own documents and sources.

use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{Options, Parser, html};

use crate::contest::Outcome;

/// Sizes of the pages in kilobytes: a few small, most middling, some large.
const SIZES: [usize; 12] = [2, 3, 5, 8, 10, 15, 20, 30, 50, 80, 120, 200];

/// The page of the tables that have only one.
pub(crate) const USUAL: &str = "kb10";

/// For what is about the number of pages, not their size.
pub(crate) const TINY: &str = "tiny";

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

/// The pages, the tiny one last.
pub(crate) fn make(root: &Path) -> Outcome<Vec<Page>> {
    let blocks = blocks(root)?;
    let total: usize = blocks.iter().map(String::len).sum();
    if total < SIZES[SIZES.len() - 1] * 1000 {
        return Err(format!(
            "the project's documents and sources are only {total} bytes of HTML: too few for the page set"
        ));
    }
    let mut pages: Vec<Page> = (SIZES.iter().enumerate())
        .map(|(number, size)| {
            // Each begins elsewhere, so that they differ; none repeats itself.
            let start = number * blocks.len() / SIZES.len();
            let text = blocks[start..].iter().chain(&blocks[..start]);
            Page {
                name: format!("kb{size}"),
                html: layout(text, size * 1000),
            }
        })
        .collect();
    pages.push(Page {
        name: TINY.to_owned(),
        html: layout(blocks.iter(), 500),
    });
    Ok(pages)
}

/// Head and foot around blocks that together come to `size` bytes, or a little less;
/// one that does not fit any more is passed over.
fn layout<'a>(blocks: impl Iterator<Item = &'a String>, size: usize) -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>djanginxed</title>\n<link rel=\"stylesheet\" href=\"/style.css\">\n\
         </head>\n<body>\n<main>\n",
    );
    let foot = "</main>\n</body>\n</html>\n";
    for block in blocks {
        let missing = size.saturating_sub(page.len() + foot.len());
        if block.len() <= missing {
            page.push_str(block);
        }
    }
    page.push_str(foot);
    page
}

/// Everything there is to read in the project, in blocks of HTML.
fn blocks(root: &Path) -> Outcome<Vec<String>> {
    let mut files = Vec::new();
    walk(root, &mut files)?;
    files.sort();
    let mut blocks = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file)
            .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let name = file.strip_prefix(root).unwrap_or(&file).display();
        blocks.push(render(&format!("## {name}")));
        let paragraphs = match file.extension().is_some_and(|kind| kind == "rs") {
            true => source(&text),
            false => paragraphs(&text),
        };
        blocks.extend(paragraphs.iter().map(|paragraph| render(paragraph)));
    }
    Ok(blocks)
}

/// Markdown and Rust files, without what is generated.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Outcome {
    let entries = folder
        .read_dir()
        .map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let generated = name.starts_with('.') || name == "target" || name == "results";
        if path.is_dir() && !generated {
            walk(&path, files)?;
        } else if name.ends_with(".md") || name.ends_with(".rs") {
            files.push(path);
        }
    }
    Ok(())
}

fn render(markdown: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut text = String::new();
    html::push_html(&mut text, Parser::new_ext(markdown, options));
    text
}

/// Markdown in parts that can be rendered alone: cut at empty lines, but not in code.
fn paragraphs(markdown: &str) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    let mut code = false;
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            code = !code;
        }
        match paragraphs.last_mut() {
            Some(last) if code || !line.is_empty() => {
                last.push_str(line);
                last.push('\n');
            }
            _ => paragraphs.push(String::new()),
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs
}

/// A Rust file as Markdown: its documentation as text, the rest as code.
fn source(rust: &str) -> Vec<String> {
    let mut markdown = String::new();
    let mut in_code = false;
    for line in rust.lines() {
        let text = ["//!", "///"]
            .iter()
            .find_map(|mark| line.trim_start().strip_prefix(mark));
        let is_code = text.is_none() && !line.is_empty();
        if in_code != is_code {
            markdown.push_str(if is_code { "\n```rust\n" } else { "```\n\n" });
            in_code = is_code;
        }
        // A fence inside documentation would end ours.
        markdown.push_str(&text.unwrap_or(line).replace("```", ""));
        markdown.push('\n');
    }
    if in_code {
        markdown.push_str("```\n");
    }
    paragraphs(&markdown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_have_their_sizes_and_do_not_repeat_themselves() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let pages = make(root).unwrap();
        for (page, size) in pages.iter().zip(SIZES) {
            let bytes = page.html.len();
            assert!(
                bytes.abs_diff(size * 1000) < size * 50,
                "{} has {bytes} bytes",
                page.name
            );
            let headings: Vec<_> = (page.html.lines())
                .filter(|line| line.starts_with("<h2>"))
                .collect();
            let mut distinct = headings.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(headings.len(), distinct.len(), "{}", page.name);
        }
    }
}
