//! A bar on a terminal, lines elsewhere, and the sum.

use std::collections::BTreeMap;
use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

use super::outcome::Outcome;
use crate::http::Url;
use crate::output;

/// Counts what became of the pages, and shows it.
#[derive(Debug)]
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    stored: usize,
    already_there: usize,
    refused: BTreeMap<String, usize>,
    failed: usize,
    asked: usize,
    all: usize,
}

impl Progress {
    pub(super) fn new(all: usize) -> Progress {
        Progress {
            bar: std::io::stderr().is_terminal().then(|| bar(all)),
            stored: 0,
            already_there: 0,
            refused: BTreeMap::new(),
            failed: 0,
            asked: 0,
            all,
        }
    }

    pub(super) fn count(&mut self, url: &Url, outcome: Outcome) {
        self.asked += 1;
        let line = match outcome {
            Outcome::Stored => {
                self.stored += 1;
                format!("stored         {url}")
            }
            Outcome::AlreadyThere => {
                self.already_there += 1;
                format!("already there  {url}")
            }
            Outcome::Open => self.refuse(url, "not stored after its stream".to_owned()),
            Outcome::Refused(reason) => self.refuse(url, reason),
            Outcome::Failed(problem) => {
                self.failed += 1;
                format!("failed         {url}: {problem}")
            }
        };
        self.show(&line);
    }

    fn refuse(&mut self, url: &Url, reason: String) -> String {
        let line = format!("refused        {url}: {reason}");
        *self.refused.entry(reason).or_default() += 1;
        line
    }

    /// A bar leaves room for what went wrong only.
    fn show(&self, line: &str) {
        match &self.bar {
            // Pages are asked for also if nobody reads about it.
            None => drop(output::line(line)),
            Some(bar) => {
                if line.starts_with("refused") || line.starts_with("failed") {
                    bar.println(line);
                }
                bar.inc(1);
            }
        }
    }

    /// Prints the sum; whether every page is stored now.
    pub(super) fn finish(self) -> bool {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let refused: usize = self.refused.values().sum();
        let mut sum = format!(
            "{} stored, {} already there, {refused} refused, {} failed",
            self.stored, self.already_there, self.failed
        );
        for (reason, count) in &self.refused {
            sum.push_str(&format!("\n  {count} refused: {reason}"));
        }
        if self.asked < self.all {
            sum.push_str(&format!("\n  {} not asked for", self.all - self.asked));
        }
        drop(output::line(sum));
        self.stored + self.already_there == self.all
    }
}

fn bar(all: usize) -> ProgressBar {
    let template = "{bar:30} {pos}/{len} pages, {per_sec}, {eta} left";
    let bar = ProgressBar::new(u64::try_from(all).unwrap_or(u64::MAX));
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
