//! A bar on a terminal, lines elsewhere, and the sum.

use std::collections::BTreeMap;
use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::outcome::Outcome;
use crate::http::Url;
use crate::output::{self, escaped};

/// Counts what became of the pages, and shows it.
#[derive(Debug)]
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    /// Whether each page has a line: on a terminal with a bar only those have
    /// that went wrong.
    lines: bool,
    json: bool,
    sum: Sum,
    all: usize,
}

/// What became of the pages.
#[derive(Debug, Default, Serialize)]
struct Sum {
    stored: usize,
    already_there: usize,
    refused: BTreeMap<String, usize>,
    failed: usize,
    not_asked: usize,
    /// For `--json`.
    pages: Vec<Page>,
}

#[derive(Debug, Serialize)]
struct Page {
    url: String,
    /// Where pages vary: `~de~mobile`.
    #[serde(skip_serializing_if = "String::is_empty")]
    variant: String,
    became: &'static str,
    /// Why it is not stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Progress {
    pub(super) fn new(all: usize, json: bool) -> Progress {
        let has_bar = std::io::stderr().is_terminal() && !is_dumb();
        Progress {
            bar: has_bar.then(|| bar(all)),
            lines: !(json || has_bar && std::io::stdout().is_terminal()),
            json,
            sum: Sum::default(),
            all,
        }
    }

    pub(super) fn count(&mut self, url: &Url, variant: &str, outcome: Outcome) {
        let page = self.sum.count(url, variant, outcome);
        self.show(&page);
        if self.json {
            self.sum.pages.push(page);
        }
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    fn show(&self, page: &Page) {
        let mut line = format!("{:<14} {}", page.became, page.url);
        if !page.variant.is_empty() {
            line.push_str(&format!(" {}", page.variant));
        }
        if let Some(reason) = &page.reason {
            line.push_str(&format!(": {}", escaped(reason)));
        }
        if self.lines {
            match &self.bar {
                // Pages are asked for also if nobody reads about it.
                Some(bar) => bar.suspend(|| drop(output::line(&line))),
                None => drop(output::line(&line)),
            }
        } else if let (Some(bar), Some(_), false) = (&self.bar, &page.reason, self.json) {
            bar.println(line);
        }
    }

    /// Prints the sum; whether every page is stored now.
    pub(super) fn finish(mut self) -> bool {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let refused: usize = self.sum.refused.values().sum();
        let there = self.sum.stored + self.sum.already_there;
        self.sum.not_asked = self.all - there - refused - self.sum.failed;
        if self.json {
            drop(output::line(
                serde_json::to_string_pretty(&self.sum).unwrap_or_default(),
            ));
        } else {
            drop(output::line(self.sum.words(refused)));
        }
        there == self.all
    }
}

impl Sum {
    fn count(&mut self, url: &Url, variant: &str, outcome: Outcome) -> Page {
        let (became, reason) = match outcome {
            Outcome::Stored => {
                self.stored += 1;
                ("stored", None)
            }
            Outcome::AlreadyThere => {
                self.already_there += 1;
                ("already there", None)
            }
            Outcome::Open => self.refuse("not stored after its stream".to_owned()),
            Outcome::Refused(reason) => self.refuse(reason),
            Outcome::Redirect(status, to) => {
                let (refused, _) = self.refuse(format!("redirect, status {status}"));
                (refused, Some(format!("redirect, status {status}, to {to}")))
            }
            Outcome::Failed(problem) => {
                self.failed += 1;
                ("failed", Some(problem))
            }
        };
        Page {
            url: url.to_string(),
            variant: variant.to_owned(),
            became,
            reason,
        }
    }

    fn refuse(&mut self, reason: String) -> (&'static str, Option<String>) {
        *self.refused.entry(reason.clone()).or_default() += 1;
        ("refused", Some(reason))
    }

    fn words(&self, refused: usize) -> String {
        let mut sum = format!(
            "{} stored, {} already there, {refused} refused, {} failed",
            self.stored, self.already_there, self.failed
        );
        for (reason, count) in &self.refused {
            sum.push_str(&format!("\n  {count} refused: {}", escaped(reason)));
        }
        if self.not_asked > 0 {
            sum.push_str(&format!("\n  {} not asked for", self.not_asked));
        }
        sum
    }
}

/// A terminal that cannot go back in its line.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

fn bar(all: usize) -> ProgressBar {
    let template = "{bar:30} {pos}/{len} pages, {per_sec}, {eta} left";
    let bar = ProgressBar::new(u64::try_from(all).unwrap_or(u64::MAX));
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
