//! Tables for people, on the terminal and in latest.md, and JSON for programs.

use std::fmt::Write as _;

use serde::Serialize;

use crate::machine::Machine;
use crate::table::{Column, Row, Table};
use crate::targets::{Verdict, shown};

/// Everything that a run found out.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) load_after: String,
    pub(crate) tables: Vec<Table>,
    pub(crate) targets: Vec<Verdict>,
}

impl Report {
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from("# What djanginxed costs\n\n");
        let _ = writeln!(
            text,
            "{} Load after: {}.\n",
            self.machine.text(),
            self.load_after
        );
        text.push_str(
            "Numbers are medians of rounds; contenders take turns in each round, and a ratio is the median of the \
             rounds' own ratios, with the smallest and the largest. How to read and repeat this: docs/benchmarks.md.\n",
        );
        for measured in &self.tables {
            let _ = write!(text, "\n## {}\n\n{}", measured.title, measured.about);
            if let Some(reference) = measured.reference {
                let _ = write!(text, " Reference: {reference}.");
            }
            let _ = write!(
                text,
                "\n\n{}{}{}",
                table(measured, &measured.columns),
                busy(measured),
                failures(measured)
            );
        }
        let _ = write!(text, "\n## Targets\n\n{}", self.targets());
        text
    }

    fn targets(&self) -> String {
        let row = |verdict: &Verdict| {
            vec![
                verdict.what.clone(),
                verdict.wanted(),
                verdict
                    .measured
                    .map_or_else(|| "not measured".to_owned(), shown),
                match verdict.met {
                    Some(true) => "met",
                    Some(false) => "not met",
                    None => "",
                }
                .to_owned(),
            ]
        };
        let heads = ["target", "wanted", "measured", ""]
            .map(str::to_owned)
            .to_vec();
        grid(heads, self.targets.iter().map(row).collect())
    }
}

/// An idle share of wrk's below which a row is not to be trusted.
const LEAST_IDLE: f64 = 0.1;

/// Where wrk is what was measured.
fn busy(table: &Table) -> String {
    let is_busy = |row: &&Row| {
        let idle = row.summary("idle");
        idle.is_some_and(|idle| idle.median < LEAST_IDLE)
    };
    let rows: Vec<_> = (table.rows.iter().filter(is_busy))
        .map(|row| row.name.as_str())
        .collect();
    match rows.is_empty() {
        true => String::new(),
        false => format!(
            "\nwrk was idle for less than {:.0} % of the time, and is what was measured: {}.\n",
            LEAST_IDLE * 100.0,
            rows.join("; ")
        ),
    }
}

/// A line for each row that was not measured to the end.
fn failures(table: &Table) -> String {
    let failed = table.rows.iter().filter_map(|row| {
        let message = row.failure.as_ref()?.replace('\n', " ");
        Some(format!("- {}: {}\n", row.name, message.trim()))
    });
    let failed: String = failed.collect();
    match failed.is_empty() {
        true => failed,
        false => format!("\nFailed:\n\n{failed}"),
    }
}

/// Some `columns` of what was measured.
pub(crate) fn table(table: &Table, columns: &[Column]) -> String {
    let headings = columns.iter().map(|column| column.heading.to_owned());
    let heads = [String::new()].into_iter().chain(headings).collect();
    let rows = (table.rows.iter())
        .map(|row| {
            let cells = columns.iter().map(|column| table.cell(row, column));
            let mut cells: Vec<String> = [row.name.clone()].into_iter().chain(cells).collect();
            if let (Some(_), Some(first)) = (&row.failure, cells.get_mut(1)) {
                *first = "failed, see below".to_owned();
            }
            cells
        })
        .collect();
    grid(heads, rows)
}

/// A Markdown table whose columns stand under each other.
fn grid(heads: Vec<String>, rows: Vec<Vec<String>>) -> String {
    let width = |column: usize| {
        let cells = rows
            .iter()
            .filter_map(|row| row.get(column))
            .chain(heads.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
            .max(3)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |cells: &[String]| {
        let cells: Vec<String> = (cells.iter().zip(&widths).enumerate())
            .map(|(at, (cell, &width))| match at {
                0 => format!("{cell:width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule: Vec<String> = (widths.iter().enumerate())
        .map(|(at, &width)| match at {
            0 => "-".repeat(width),
            _ => format!("{}:", "-".repeat(width - 1)),
        })
        .collect();
    [line(&heads), line(&rule)]
        .into_iter()
        .chain(rows.iter().map(|row| line(row)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_is_a_markdown_table_with_aligned_columns() {
        let text = |words: &[&str]| {
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        let table = grid(
            text(&["", "n"]),
            vec![text(&["a row", "1,000"]), text(&["b", "2"])],
        );
        let expected =
            "|       |     n |\n| ----- | ----: |\n| a row | 1,000 |\n| b     |     2 |\n";
        assert_eq!(table, expected);
    }
}
