//! The checklist.

use std::fmt;

use serde::Serialize;

use crate::failure::Failure;
use crate::output;

/// A fact about the site, and whether it holds.
#[derive(Debug, Serialize)]
struct Fact {
    /// One word for machines.
    fact: &'static str,
    /// None: it was not checked.
    holds: Option<bool>,
    /// What was seen, or why it was not checked.
    seen: String,
    /// What to change.
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<String>,
}

/// Every fact, in the order in which it was checked.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    url: String,
    holds: bool,
    facts: Vec<Fact>,
}

impl Report {
    pub(super) fn new(url: &str) -> Report {
        Report {
            url: url.to_owned(),
            holds: true,
            facts: Vec::new(),
        }
    }

    pub(super) fn holds(&self) -> bool {
        self.holds
    }

    pub(super) fn good(&mut self, fact: &'static str, seen: impl Into<String>) {
        self.push(fact, Some(true), seen.into(), None);
    }

    pub(super) fn bad(
        &mut self,
        fact: &'static str,
        seen: impl Into<String>,
        change: impl Into<String>,
    ) {
        self.holds = false;
        self.push(fact, Some(false), seen.into(), Some(change.into()));
    }

    pub(super) fn unchecked(&mut self, fact: &'static str, why: impl Into<String>) {
        self.push(fact, None, why.into(), None);
    }

    fn push(
        &mut self,
        fact: &'static str,
        holds: Option<bool>,
        seen: String,
        change: Option<String>,
    ) {
        self.facts.push(Fact {
            fact,
            holds,
            seen,
            change,
        });
    }

    pub(super) fn print(&self, json: bool) -> Result<(), Failure> {
        if json {
            // Strings and bools: there is nothing that JSON cannot carry.
            return output::line(serde_json::to_string_pretty(self).unwrap_or_default());
        }
        self.facts.iter().try_for_each(output::line)
    }
}

/// `✓ hit  what was seen`, and a line that says what to change.
impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.holds {
            Some(true) => '✓',
            Some(false) => '✗',
            None => '-',
        };
        write!(f, "{mark} {:<14} {}", self.fact, self.seen)?;
        match &self.change {
            Some(change) => write!(f, "\n  {:<14} {change}", "to change:"),
            None => Ok(()),
        }
    }
}
