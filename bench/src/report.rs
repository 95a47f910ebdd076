//! Tables for people, on the terminal and in docs/benchmarks.md, and JSON for programs.

use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::table::Table;
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
            text += &format!("\n\n{}{}", table.markdown(), failures(table));
        }
        for failed in &self.failed {
            text += &format!("\nNot measured: {failed}.\n");
        }
        text + "\n### Targets\n\n" + &targets::table(&self.tables)
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
