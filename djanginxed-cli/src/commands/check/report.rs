//! The checklist: the root cause first, then what holds in spite of it.

use std::fmt;
use std::process::ExitCode;

use serde::Serialize;

use super::cause::Cause;
use crate::failure::{Failure, exit_code};
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
    /// Why it does not hold: one word for machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
    /// What to change.
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<String>,
}

/// Every fact that was checked; first the one that does not hold.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    url: String,
    /// None: nothing is known to be wrong, and it could not be checked to the end.
    holds: Option<bool>,
    /// The one root cause.
    cause: Option<&'static str>,
    facts: Vec<Fact>,
}

impl Report {
    pub(super) fn new(url: &str) -> Report {
        Report {
            url: url.to_owned(),
            holds: Some(true),
            cause: None,
            facts: Vec::new(),
        }
    }

    /// Whether there may be more to say.
    pub(super) fn goes_on(&self) -> bool {
        self.holds == Some(true)
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        match self.holds {
            Some(is_all_well) => exit_code(is_all_well),
            None => ExitCode::from(2),
        }
    }

    pub(super) fn good(&mut self, fact: &'static str, seen: impl Into<String>) {
        self.facts.push(Fact::new(fact, Some(true), seen.into()));
    }

    pub(super) fn unchecked(&mut self, fact: &'static str, why: impl Into<String>) {
        self.facts.push(Fact::new(fact, None, why.into()));
    }

    /// Nothing behind it can be checked.
    pub(super) fn ends(&mut self, fact: &'static str, why: impl Into<String>) {
        self.holds = None;
        self.unchecked(fact, why);
    }

    /// `change` is what to change.
    pub(super) fn bad(&mut self, fact: &'static str, cause: &Cause, change: String, seen: String) {
        self.holds = Some(false);
        self.cause = Some(cause.word());
        let mut fact = Fact::new(fact, Some(false), seen);
        fact.cause = Some(cause.word());
        fact.change = Some(change);
        self.facts.insert(0, fact);
    }

    pub(super) fn print(&self, json: bool) -> Result<(), Failure> {
        if json {
            // Strings and bools: there is nothing that JSON cannot carry.
            return output::line(serde_json::to_string_pretty(self).unwrap_or_default());
        }
        self.facts.iter().try_for_each(output::line)
    }
}

impl Fact {
    fn new(fact: &'static str, holds: Option<bool>, seen: String) -> Fact {
        Fact {
            fact,
            holds,
            seen,
            cause: None,
            change: None,
        }
    }
}

/// `✓ hit  what was seen`, and lines that say why not, and what to change.
impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.holds {
            Some(true) => '✓',
            Some(false) => '✗',
            None => '-',
        };
        let seen = output::escaped(&self.seen);
        write!(f, "{mark} {:<14} {seen}", self.fact)?;
        if let Some(cause) = self.cause {
            write!(f, "\n  {:<14} {cause}", "cause:")?;
        }
        match &self.change {
            Some(change) => write!(f, "\n  {:<14} {}", "to change:", output::escaped(change)),
            None => Ok(()),
        }
    }
}
