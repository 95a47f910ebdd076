//! What pages vary by: each visitor gets the page of his own variant.

use super::Verdict;
use super::Verdict::{Bad, Good, Silent, Unchecked};
use super::vary::{hints, options, says, undeclared};
use crate::commands::check::answer::{Answer, By, by, is_by, is_rendered, said, seen};
use crate::commands::check::cause::Cause;
use crate::commands::check::facts::{Facts, Forged, Trial, VariantTrial, Variants};
use crate::http::Response;

/// More names than this say less.
const NAMED: usize = 8;

pub(super) fn variants(facts: &Facts) -> Verdict {
    let found = &facts.variants;
    let others = undeclared_in_pages(facts);
    let Some(plain) = &found.plain else {
        return match others {
            Some(others) => Unchecked(others),
            None => Silent,
        };
    };
    if !plain.is_hit() {
        return Unchecked(no_page(found, plain));
    }
    if let Some(bad) = found.forged.iter().find_map(believed) {
        return bad;
    }
    if let Some(bad) = found.trials.iter().find_map(|trial| wrong(facts, trial)) {
        return bad;
    }
    let unproved: Vec<String> = unproved(found).into_iter().chain(others).collect();
    match (proved(found), unproved.is_empty()) {
        (Some(proved), true) => Good(proved),
        (proved, _) => Unchecked(
            proved
                .into_iter()
                .chain(unproved)
                .collect::<Vec<_>>()
                .join("; "),
        ),
    }
}

/// What pages say that they depend on beside what was given.
fn undeclared_in_pages(facts: &Facts) -> Option<String> {
    let trial = facts.trial()?;
    let fields = undeclared(facts, &[&trial.first, &trial.second]);
    if fields.is_empty() {
        return None;
    }
    Some(format!(
        "Vary says that pages depend on {}: give {} to ask as visitors of other values",
        fields.join(", "),
        hints(facts, &fields).join(" ")
    ))
}

/// Nothing can be asked for where who says nothing finds no page.
fn no_page(found: &Variants, plain: &Trial) -> String {
    let said = said(&plain.second);
    let mut values = found.unasked.clone();
    if values.is_empty() {
        values.push(format!("{} variants of groups", found.unsigned));
    }
    format!(
        "not asked for: {}. A new page of those who say nothing is no hit ({said})",
        named(&values)
    )
}

fn proved(found: &Variants) -> Option<String> {
    let mut parts = Vec::new();
    let values: Vec<String> = (found.trials.iter())
        .filter(|trial| is_right(trial))
        .map(|trial| trial.value.clone())
        .collect();
    if !values.is_empty() {
        parts.push(format!(
            "visitors with {} get pages of their own",
            named(&values)
        ));
    }
    let nobody = found.forged.iter().filter(|forged| is_nobody(forged));
    let mut faults: Vec<_> = nobody.map(|forged| forged.fault).collect();
    faults.sort_unstable();
    faults.dedup();
    if !faults.is_empty() {
        parts.push(format!(
            "a group's cookie {} is nobody's",
            faults.join(", or ")
        ));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn unproved(found: &Variants) -> Vec<String> {
    let mut parts = Vec::new();
    let unclear = found.trials.iter().filter(|trial| !is_right(trial));
    let unclear: Vec<String> = unclear
        .map(|trial| told(&trial.value, &trial.first))
        .collect();
    if !unclear.is_empty() {
        parts.push(format!("nothing is proved of {}", named(&unclear)));
    }
    let unclear = found.forged.iter().find(|forged| !is_nobody(forged));
    if let Some(Forged {
        value,
        fault,
        answer,
        ..
    }) = unclear
    {
        let what = format!("{value} {fault}");
        parts.push(format!("nothing is proved of {}", told(&what, answer)));
    }
    if let Some(after) = &found.after
        && !is_by(after, By::Nginx)
        && found.trials.iter().any(is_right)
    {
        let said = told("those who say nothing", after);
        parts.push(format!(
            "the page ended before everybody had asked for it, which proves less ({said})"
        ));
    }
    if found.unsigned > 0 {
        parts.push(format!(
            "{} variants of groups: give DJANGINXED_GROUP_SECRET or --group-secret-file to ask as their members",
            found.unsigned
        ));
    }
    parts
}

fn told(what: &str, answer: &Answer) -> String {
    format!("{what} ({})", said(answer))
}

/// The first of `values`, and how many others there are.
fn named(values: &[String]) -> String {
    match values.len().checked_sub(NAMED) {
        Some(others @ 1..) => format!("{} and {others} others", values[..NAMED].join("; ")),
        _ => values.join("; "),
    }
}

/// Whether he got a page of his own: one that the application has stored for him, and
/// nginx found then.
fn is_right(trial: &VariantTrial) -> bool {
    is_rendered(&trial.first) && is_by(&trial.second, By::Nginx)
}

/// Whether a forger got the page of those who say nothing.
fn is_nobody(forged: &Forged) -> bool {
    is_by(&forged.answer, By::Nginx)
}

/// nginx has the page of those who say nothing, and looked for another: a member's. What
/// takes no part in the cache proves nothing.
fn believed(forged: &Forged) -> Option<Verdict> {
    let Forged {
        value,
        fault,
        answer,
        is_stored,
    } = forged;
    let answer = match answer {
        Ok(answer) => answer,
        Err(problem) => return Some(Bad(Cause::Unexplained, problem.to_string())),
    };
    if !matches!(by(answer), By::Application | By::Stored | By::Streamed) {
        return None;
    }
    let page = match is_stored {
        Some(true) => "; a page lies under its members' key now",
        _ => "",
    };
    let seen = format!(
        "{value} {fault} does not get the page of those who say nothing: {}{page}",
        seen(answer)
    );
    Some(Bad(Cause::GroupForged(format!("{value} {fault}")), seen))
}

fn wrong(facts: &Facts, trial: &VariantTrial) -> Option<Verdict> {
    let value = &trial.value;
    let (first, second) = match (&trial.first, &trial.second) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(problem), _) | (_, Err(problem)) => {
            return Some(Bad(Cause::Unexplained, format!("{value}: {problem}")));
        }
    };
    let bad = |cause, answer: &Response| {
        let of_file = match cause {
            Cause::NginxVariants(_) => of_file(facts),
            _ => None,
        };
        let of_secret = match trial.is_signed {
            true => of_secret(facts),
            false => "",
        };
        let seen = format!(
            "{value}: {}{}{of_secret}",
            seen(answer),
            of_file.unwrap_or_default()
        );
        Some(Bad(cause, seen))
    };
    let what = || value.clone();
    let option = || Cause::VaryOption(what(), hints(facts, &[]));
    match (by(first), by(second), trial.is_stored) {
        (By::Nginx, ..) if agrees_with_nginx(trial) => bad(option(), first),
        (By::Nginx, ..) => bad(Cause::NginxVariants(what()), first),
        (By::Application, ..) => bad(of_application(trial), first),
        (By::Refused | By::Unknown, ..) => None,
        (_, By::Nginx, Some(false)) => bad(option(), second),
        (_, By::Nginx, _) => unsaid(trial, second),
        (.., Some(true)) => bad(Cause::NginxVariants(what()), second),
        (.., Some(false)) => bad(of_application(trial), second),
        (.., None) => bad(Cause::VariantsDiffer(what()), second),
    }
}

/// What nginx's file has, where it is not what was given.
fn of_file(facts: &Facts) -> Option<String> {
    let has = facts.site()?.rules;
    let given = facts
        .given
        .rules
        .iter()
        .map(|rule| in_any_order(&rule.option));
    let is_same = has.iter().map(|rule| in_any_order(rule)).eq(given);
    let has = options(&has).join(" ");
    (!has.is_empty() && !is_same).then(|| format!("; nginx's file has {has}"))
}

/// What nginx's file shows of the group's secret.
fn of_secret(facts: &Facts) -> &'static str {
    match facts.given.is_secret_of_file {
        Some(true) => "; nginx's file has the secret that is given here",
        Some(false) => "; nginx's file has another secret than the one that is given here",
        None => "",
    }
}

/// A rule's name, and its values but for the first, whose order a file does not keep.
fn in_any_order(rule: &str) -> (String, Vec<String>) {
    let (name, values) = rule.split_once('=').unwrap_or((rule, ""));
    let mut values: Vec<String> = values.split(',').map(str::to_owned).collect();
    values[1..].sort_unstable();
    (name.to_ascii_lowercase(), values)
}

/// Whether the application, asked directly, has no page of his own for him either.
fn agrees_with_nginx(trial: &VariantTrial) -> bool {
    let Some(direct) = &trial.direct else {
        return false;
    };
    match direct.answer.as_ref().map(by) {
        Ok(By::Application) => true,
        Ok(By::Stored | By::Streamed) => direct.is_stored == Some(false),
        _ => false,
    }
}

/// The application takes him for another, unless it does not when it is asked directly.
fn of_application(trial: &VariantTrial) -> Cause {
    let knows = trial.direct.as_ref().is_some_and(|direct| {
        let found_another = matches!(trial.first.as_ref().map(by), Ok(By::Application));
        let renders = is_rendered(&direct.answer) && found_another;
        direct.is_stored.unwrap_or(renders)
    });
    match knows {
        true => Cause::RuleFieldLost(trial.looks_at.join(" or ")),
        false => Cause::ApplicationVariants(trial.value.clone()),
    }
}

fn unsaid(trial: &VariantTrial, hit: &Response) -> Option<Verdict> {
    let field = trial.looks_at.iter().find(|field| !says(hit, field))?;
    let vary = hit.header("vary").unwrap_or_default();
    let seen = format!("{}: Vary is {vary:?}", trial.value);
    Some(Bad(Cause::VariantUnsaid(field.clone()), seen))
}
