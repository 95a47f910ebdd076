//! Each process finds what the others store.

use super::Verdict;
use super::Verdict::{Bad, Good, Silent, Unchecked};
use crate::commands::check::answer::{By, by, detail, seen};
use crate::commands::check::cause::Cause;
use crate::commands::check::facts::Facts;
use crate::http::Response;

/// Reasons of an application whose Memcached takes nothing.
const FAILURES: [&str; 3] = ["skipped", "queue-full", "no-writer"];

fn fails(answer: &Response) -> bool {
    detail(answer).is_some_and(|reason| FAILURES.contains(&reason.as_str()))
}

/// A process that keeps no pages, and what it says.
fn without_store(facts: &Facts) -> Option<(&String, &Response)> {
    let mut answers = (facts.forgetful.iter())
        .filter_map(|(address, answer)| Some((address, answer.as_ref().ok()?)));
    answers.find(|(_, answer)| fails(answer))
}

/// A process that refuses the page where another takes it, and what it says: the site does
/// as nginx chooses. One refuses for another reason than the other where both do.
pub(super) fn refusing(facts: &Facts) -> Option<(String, &Response)> {
    let first = facts.given.app.as_deref()?;
    facts.processes.iter().find_map(|process| {
        let stored = process.stored.as_ref().ok()?;
        let found = process.found.as_ref().ok()?;
        if fails(stored) || fails(found) {
            return None;
        }
        match (by(stored), by(found)) {
            (By::Refused, By::Refused) => {
                (detail(stored) != detail(found)).then(|| (process.address.clone(), found))
            }
            (By::Refused, By::Stored | By::Streamed | By::Application) => {
                Some((first.to_owned(), stored))
            }
            (By::Stored | By::Streamed | By::Application, By::Refused) => {
                Some((process.address.clone(), found))
            }
            _ => None,
        }
    })
}

pub(super) fn processes(facts: &Facts) -> Verdict {
    if let Some((address, answer)) = without_store(facts) {
        let cause = Cause::ApplicationStore(Some(address.clone()));
        return Bad(cause, format!("{address} says {}", seen(answer)));
    }
    if let Some((process, answer)) = refusing(facts) {
        let seen = format!(
            "other processes take the page, and {process} says {}",
            seen(answer)
        );
        return Bad(Cause::ProcessesDiffer(process), seen);
    }
    let Some(first) = facts
        .given
        .app
        .as_deref()
        .filter(|_| !facts.processes.is_empty())
    else {
        return Silent;
    };
    for process in &facts.processes {
        let address = &process.address;
        match (&process.stored, &process.found) {
            (Err(problem), _) => {
                return Bad(Cause::AppOption(first.to_owned()), problem.to_string());
            }
            (_, Err(problem)) => {
                return Bad(Cause::AppOption(address.clone()), problem.to_string());
            }
            (Ok(stored), _) if by(stored) != By::Application => {
                return Unchecked(format!("{first} itself says {}", seen(stored)));
            }
            (_, Ok(found)) if by(found) != By::Application => {
                let seen = format!(
                    "what {first} has stored is there, and {address} says {}",
                    seen(found)
                );
                return Bad(Cause::ProcessesDiffer(address.clone()), seen);
            }
            _ => {}
        }
    }
    Good(format!(
        "{} processes find the pages of the first",
        facts.processes.len() + 1
    ))
}
