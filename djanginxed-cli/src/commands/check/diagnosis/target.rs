//! The target that the application sees is the one that nginx hashes.

use super::Verdict;
use super::Verdict::{Bad, Good, Unchecked};
use crate::commands::check::cause::Cause;
use crate::commands::check::facts::{Facts, Spelling, Trial};
use crate::commands::check::recipe::rewritten;

pub(super) fn target(facts: &Facts) -> Verdict {
    // Bare applications do not know each spelling: then there is nothing to find.
    let stored = || {
        facts
            .spellings
            .iter()
            .filter(|spelling| spelling.trial.is_stored_now())
    };
    if let Some(spelling) = stored().find(|spelling| !spelling.trial.is_hit()) {
        let seen = format!(
            "{} is stored under another key than nginx asks for ({})",
            spelling.trial.target, spelling.name
        );
        return Bad(cause(spelling), seen);
    }
    let kept: Vec<_> = stored().map(|spelling| spelling.name).collect();
    if kept.is_empty() {
        let why = "the application stores this page under no other spelling of its target";
        return Unchecked(why.to_owned());
    }
    Good(format!(
        "nginx and the application see the same: {}",
        kept.join(", ")
    ))
}

impl Trial {
    fn is_stored_now(&self) -> bool {
        use crate::commands::check::answer::{By, by};
        matches!(self.first.as_ref().map(by), Ok(By::Stored | By::Streamed))
    }
}

fn cause(spelling: &Spelling) -> Cause {
    let Spelling {
        name,
        trial,
        direct,
    } = spelling;
    // Under the target as sent, in spite of which nginx looks elsewhere.
    if trial.holds_page() || is_of_path(name) {
        return Cause::LocationsDisagree(trial.target.clone());
    }
    let first = rewritten(&trial.target).into_iter().next();
    let to = first.map_or_else(String::new, |(target, _)| target);
    match direct.as_ref().map(Trial::holds_page) {
        Some(true) => Cause::RewriteInNginx(to),
        Some(false) => Cause::RewriteInApplication(to),
        None => Cause::Rewrite(to),
    }
}

/// Spellings by which nginx chooses another location.
fn is_of_path(name: &str) -> bool {
    name == "dot segment" || name == "encoded slash"
}
