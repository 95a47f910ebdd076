//! Each process finds what the others store.

use super::Verdict;
use super::Verdict::{Bad, Good, Silent, Unchecked};
use crate::commands::check::answer::{By, by, detail, seen};
use crate::commands::check::cause::Cause;
use crate::commands::check::facts::Facts;
use crate::http::Response;

/// Reasons of an application whose Memcached takes nothing.
const FAILURES: [&str; 3] = ["skipped", "queue-full", "no-writer"];

/// A process that keeps no pages, and what it says.
fn without_store(facts: &Facts) -> Option<(&String, &Response)> {
    let mut answers = (facts.forgetful.iter())
        .filter_map(|(address, answer)| Some((address, answer.as_ref().ok()?)));
    let fails = |answer: &Response| {
        detail(answer).is_some_and(|reason| FAILURES.contains(&reason.as_str()))
    };
    answers.find(|(_, answer)| fails(answer))
}

pub(super) fn processes(facts: &Facts) -> Verdict {
    if let Some((address, answer)) = without_store(facts) {
        let cause = Cause::ApplicationStore(Some(address.clone()));
        return Bad(cause, format!("{address} says {}", seen(answer)));
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
