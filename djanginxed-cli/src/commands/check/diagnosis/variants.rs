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
    let value = &trial.value;
    let (first, second) = match (&trial.first, &trial.second) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(problem), _) | (_, Err(problem)) => {
            return Some(Bad(Cause::Unexplained, problem.to_string()));
        }
    };
    let said = |answer: &Response| format!("{value}: {}", seen(answer));
    let bad = |cause: fn(String) -> Cause, answer| Some(Bad(cause(value.clone()), said(answer)));
    match (by(first), by(second), trial.is_stored) {
        (By::Nginx, ..) => bad(Cause::NginxVariants, first),
        (By::Application, ..) => bad(Cause::ApplicationVariants, first),
        (By::Refused | By::Unknown, ..) => Some(Unchecked(said(first))),
        (_, By::Nginx, Some(false)) => bad(Cause::VaryOption, second),
        (_, By::Nginx, _) => unsaid(trial, second).or_else(|| match &trial.forged {
            Some(Ok(forged)) if by(forged) == By::Nginx => bad(Cause::GroupForged, forged),
            _ => None,
        }),
        (.., Some(true)) => bad(Cause::NginxVariants, second),
        (.., Some(false)) => bad(Cause::ApplicationVariants, second),
        (.., None) => bad(Cause::VariantsDiffer, second),
    }
}

fn unsaid(trial: &VariantTrial, hit: &Response) -> Option<Verdict> {
    let field = trial.looks_at.iter().find(|field| !says(hit, field))?;
    let vary = hit.header("vary").unwrap_or_default();
    let seen = format!("{}: Vary is {vary:?}", trial.value);
    Some(Bad(Cause::VariantUnsaid(field.clone()), seen))
}

/// Whether an answer's Vary names `field`.
fn says(answer: &Response, field: &str) -> bool {
    let vary = answer.header("vary").unwrap_or_default();
    vary.split(',')
        .any(|name| name.trim().eq_ignore_ascii_case(field))
}
