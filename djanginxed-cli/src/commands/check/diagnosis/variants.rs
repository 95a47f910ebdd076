//! What pages vary by: each visitor gets the page of his own variant.

use super::Verdict;
use super::Verdict::{Bad, Good, Silent, Unchecked};
use super::conf::options;
use crate::commands::check::answer::{By, by, seen};
use crate::commands::check::cause::Cause;
use crate::commands::check::facts::{Answer, Facts, Forged, Trial, VariantTrial, Variants};
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
    let said = match &plain.second {
        Ok(second) => seen(second),
        Err(problem) => problem.to_string(),
    };
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
        && !is_hit(after)
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

fn is_hit(answer: &Answer) -> bool {
    answer.as_ref().is_ok_and(|answer| by(answer) == By::Nginx)
}

fn is_rendered(answer: &Answer) -> bool {
    matches!(answer.as_ref().map(by), Ok(By::Stored | By::Streamed))
}

fn told(what: &str, answer: &Answer) -> String {
    match answer {
        Ok(answer) => format!("{what} ({})", seen(answer)),
        Err(problem) => format!("{what} ({problem})"),
    }
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
    is_rendered(&trial.first) && is_hit(&trial.second)
}

/// Whether a forger got the page of those who say nothing.
fn is_nobody(forged: &Forged) -> bool {
    is_hit(&forged.answer)
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
        let seen = format!("{value}: {}{}", seen(answer), of_file.unwrap_or_default());
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
    let has = facts.given.conf.as_ref()?.site(&facts.url)?.rules;
    let given = facts
        .given
        .rules
        .iter()
        .map(|rule| in_any_order(&rule.option));
    let is_same = has.iter().map(|rule| in_any_order(rule)).eq(given);
    let has = options(&has).join(" ");
    (!has.is_empty() && !is_same).then(|| format!("; nginx's file has {has}"))
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

/// The fields that an answer's Vary names.
fn named_in_vary(answer: &Response) -> Vec<String> {
    let vary = answer.header("vary").unwrap_or_default();
    let names = vary.split(',').map(|name| name.trim().to_owned());
    names.filter(|name| !name.is_empty()).collect()
}

/// Whether an answer's Vary names `field`.
fn says(answer: &Response, field: &str) -> bool {
    let named = named_in_vary(answer);
    named.iter().any(|name| name.eq_ignore_ascii_case(field))
}

/// Fields that all of these answers say they depend on, and that no rule of `--vary` looks
/// at.
pub(super) fn undeclared(facts: &Facts, answers: &[&Answer]) -> Vec<String> {
    let mut all = answers.iter().map(|answer| match answer {
        Ok(answer) => named_in_vary(answer),
        Err(_) => Vec::new(),
    });
    let mut fields = all.next().unwrap_or_default();
    for others in all {
        fields.retain(|field| others.iter().any(|other| other.eq_ignore_ascii_case(field)));
    }
    let rules = &facts.given.rules;
    fields.retain(|field| {
        let is = |known: &str| known.eq_ignore_ascii_case(field);
        let is_declared = rules
            .iter()
            .flat_map(|rule| &rule.fields)
            .any(|own| is(own));
        // These are for what hits have in common, and for who may read an answer.
        let is_other = ["*", "accept-encoding", "origin"].into_iter().any(is)
            || field.to_ascii_lowercase().starts_with("access-control-");
        !is_declared && !is_other
    });
    fields
}

/// What may be given with `--vary`: what nginx's file has, or by `fields`.
pub(super) fn hints(facts: &Facts, fields: &[String]) -> Vec<String> {
    let conf = facts.given.conf.as_ref();
    let site = conf.and_then(|conf| conf.site(&facts.url));
    if let Some(site) = site.filter(|site| !site.rules.is_empty()) {
        return options(&site.rules);
    }
    let mut hints: Vec<String> = fields.iter().map(|field| hint(field)).collect();
    hints.dedup();
    hints
}

fn hint(field: &str) -> String {
    match field.to_ascii_lowercase().as_str() {
        "accept-language" => "--vary language=FIRST,…".to_owned(),
        "cookie" => "--vary cookie:NAME=FIRST,… or group:NAME=…".to_owned(),
        "sec-ch-ua-mobile" | "user-agent" => "--vary mobile".to_owned(),
        _ => format!("--vary header:{field}=FIRST,…"),
    }
}
