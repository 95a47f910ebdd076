//! What pages vary by: each visitor gets the page of his own variant.

use super::Verdict;
use super::Verdict::{Bad, Good, Silent, Unchecked};
use crate::commands::check::answer::{By, by, seen};
use crate::commands::check::cause::Cause;
use crate::commands::check::facts::{Facts, VariantTrial};
use crate::http::Response;

pub(super) fn variants(facts: &Facts) -> Verdict {
    let trials = &facts.variants;
    if let Some(bad) = trials.iter().find_map(wrong) {
        return bad;
    }
    if facts.unsigned {
        return Unchecked(
            "groups: give DJANGINXED_GROUP_SECRET or --group-secret-file to ask as their members"
                .to_owned(),
        );
    }
    if trials.is_empty() {
        return Silent;
    }
    let values: Vec<_> = trials.iter().map(|trial| trial.value.as_str()).collect();
    Good(format!(
        "visitors with {} get pages of their own",
        values.join(", ")
    ))
}

fn wrong(trial: &VariantTrial) -> Option<Verdict> {
    let value = trial.value.clone();
    let (first, second) = match (&trial.first, &trial.second) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(problem), _) | (_, Err(problem)) => {
            return Some(Bad(Cause::Unexplained, problem.to_string()));
        }
    };
    let said = |answer: &Response| format!("{value}: {}", seen(answer));
    match (by(first), by(second), trial.is_stored) {
        (By::Nginx, ..) => return Some(Bad(Cause::NginxVariants(value.clone()), said(first))),
        (By::Application, ..) => {
            return Some(Bad(Cause::ApplicationVariants(value.clone()), said(first)));
        }
        (By::Refused | By::Unknown, ..) => return Some(Unchecked(said(first))),
        (_, By::Nginx, Some(false)) => {
            return Some(Bad(Cause::VaryOption(value.clone()), said(second)));
        }
        (_, By::Nginx, _) => {}
        (.., Some(true)) => {
            return Some(Bad(Cause::NginxVariants(value.clone()), said(second)));
        }
        (.., Some(false)) => {
            return Some(Bad(Cause::ApplicationVariants(value.clone()), said(second)));
        }
        (.., None) => return Some(Bad(Cause::VariantsDiffer(value.clone()), said(second))),
    }
    if let Some(field) = trial.looks_at.iter().find(|field| !says(second, field)) {
        let seen = format!(
            "{value}: Vary is {:?}",
            second.header("vary").unwrap_or_default()
        );
        return Some(Bad(Cause::VariantUnsaid(field.clone()), seen));
    }
    match &trial.forged {
        Some(Ok(forged)) if by(forged) == By::Nginx => {
            Some(Bad(Cause::GroupForged(value.clone()), said(forged)))
        }
        _ => None,
    }
}

/// Whether an answer's Vary names `field`.
fn says(answer: &Response, field: &str) -> bool {
    let vary = answer.header("vary").unwrap_or_default();
    vary.split(',')
        .any(|name| name.trim().eq_ignore_ascii_case(field))
}
