//! Tables for people, on the terminal and in docs/benchmarks.md, and JSON for programs.

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
        for table in &self.tables {
            text += &format!("\n### {}\n\n{}", table.title, table.about);
            if let Some(reference) = table.reference {
                text += &format!(" Reference: {reference}.");
            }
            text += &format!("\n\n{}{}{}", table.markdown(), busy(table), failures(table));
        }
        for failed in &self.failed {
            text += &format!("\nNot measured: {failed}.\n");
        }
        text + "\n### Targets\n\n" + &targets::table(&self.tables)
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
    let rows = table.rows.iter().filter(is_busy);
    let rows: Vec<_> = rows.map(|row| row.name.as_str()).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

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
