//! The target that the application sees is the one that nginx hashes.

use super::Verdict;
use super::Verdict::{Bad, Good, Unchecked};
use crate::commands::check::answer::{By, is_by, is_rendered};
use crate::commands::check::cause::Cause;
use crate::commands::check::facts::{Facts, Spelling, Trial};
use crate::commands::check::recipe::rewritten;

pub(super) fn target(facts: &Facts) -> Verdict {
    // Bare applications do not know each spelling: then there is nothing to find.
    let (normalized, stored): (Vec<_>, Vec<_>) = facts
        .spellings
        .iter()
        .filter(|spelling| is_rendered(&spelling.trial.first))
        .partition(|spelling| is_normalized(spelling));
    let stored = || stored.iter().copied();
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
    let mut seen = format!(
        "nginx and the application see the same: {}",
        kept.join(", ")
    );
    if !normalized.is_empty() {
        let names: Vec<_> = normalized.iter().map(|spelling| spelling.name).collect();
        let more = format!(
            "; what has a {} the application itself answers, with the page of the usual target",
            names.join(" or a ")
        );
        seen.push_str(&more);
    }
    Good(seen)
}

/// Whether the application takes slashes out of a target before the page is stored, as
/// NormalizePath does. nginx finds such a page under the usual target alone, and the
/// application answers the others with it: that is right, and only slower.
fn is_normalized(spelling: &Spelling) -> bool {
    let is_of_slashes = matches!(spelling.name, "doubled slash" | "slash at the end");
    let is_kept_as_sent = |trial: &Trial| trial.holds_page();
    is_of_slashes
        && is_by(&spelling.trial.second, By::Application)
        && !is_kept_as_sent(&spelling.trial)
        && !spelling.direct.as_ref().is_some_and(is_kept_as_sent)
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
    Cause::of_rewrite(direct.as_ref(), to)
}

/// Spellings by which nginx chooses another location.
fn is_of_path(name: &str) -> bool {
    name == "dot segment" || name == "encoded slash"
}
