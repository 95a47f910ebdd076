//! Tables for people, on the terminal and in docs/benchmarks.md, and JSON for programs.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::columns::IDLE;
use crate::machine::Machine;
use crate::table::{Row, Table};
use crate::targets;

/// Everything that a run found out.
#[derive(Debug, Deserialize, Serialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) load_after: String,
    pub(crate) tables: Vec<Table>,
    /// Groups of which there is no table, and why.
    pub(crate) failed: Vec<String>,
}

impl Report {
    pub(crate) fn table(&self, id: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.id == id)
    }

    /// Machine, tables and targets.
    pub(crate) fn markdown(&self) -> String {
        let machine = self.machine.text();
        let mut text = format!("{machine} Load after: {}.\n", self.load_after);
        for measured in &self.tables {
            let _ = write!(text, "\n### {}\n\n{}", measured.title, measured.about);
            if let Some(reference) = measured.reference {
                let _ = write!(text, " Reference: {reference}.");
            }
            let (busy, failures) = (busy(measured), failures(measured));
            let _ = write!(text, "\n\n{}{busy}{failures}", table(measured));
        }
        for failed in &self.failed {
            let _ = writeln!(text, "\nNot measured: {failed}.");
        }
        let _ = write!(text, "\n### Targets\n\n{}", targets::table(&self.tables));
        text
    }
}

/// An idle share of wrk's below which a row is not to be trusted.
const LEAST_IDLE: f64 = 0.1;

/// Where wrk is what was measured.
fn busy(table: &Table) -> String {
    let is_busy = |row: &&Row| {
        let idle = row.summary(IDLE.metric);
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

fn table(table: &Table) -> String {
    let headings = table.columns.iter().map(|column| column.heading);
    let heads = [""].into_iter().chain(headings).map(str::to_owned);
    let rows = table.rows.iter().map(|row| {
        let cells = table.columns.iter().map(|column| table.cell(row, column));
        let mut cells: Vec<String> = [row.name.clone()].into_iter().chain(cells).collect();
        if let (Some(_), Some(first)) = (&row.failure, cells.get_mut(1)) {
            *first = "failed, see below".to_owned();
        }
        cells
    });
    grid([heads.collect()].into_iter().chain(rows).collect())
}

/// A Markdown table whose columns stand under each other; the first row is its head.
pub(crate) fn grid(mut rows: Vec<Vec<String>>) -> String {
    let length = |row: &Vec<String>, column: usize| row[column].chars().count();
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|column| rows.iter().map(|row| length(row, column)).max())
        .map(|width| width.unwrap_or(0).max(3))
        .collect();
    let rule = widths.iter().enumerate().map(|(at, &width)| match at {
        0 => "-".repeat(width),
        _ => format!("{}:", "-".repeat(width - 1)),
    });
    rows.insert(1, rule.collect());
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells: Vec<String> = cells
            .map(|(at, (cell, &width))| match at {
                0 => format!("{cell:width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        format!("| {} |\n", cells.join(" | "))
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_is_a_markdown_table_with_aligned_columns() {
        let rows = [["", "n"], ["a row", "1,000"], ["b", "2"]];
        let table = grid(rows.map(|row| row.map(str::to_owned).into()).into());
        let expected =
            "|       |     n |\n| ----- | ----: |\n| a row | 1,000 |\n| b     |     2 |\n";
        assert_eq!(table, expected);
    }

    #[test]
    fn where_wrk_had_no_time_left_the_table_says_so() {
        let row = |name: &str, idle| Row {
            name: name.to_owned(),
            failure: None,
            rounds: vec![[("idle", idle)].into()],
        };
        let table = Table {
            id: "t",
            title: "t",
            about: String::new(),
            reference: None,
            columns: Vec::new(),
            rows: vec![row("slow", 0.5), row("fast", 0.05)],
        };
        assert!(busy(&table).ends_with("is what was measured: fast.\n"));
    }
}
