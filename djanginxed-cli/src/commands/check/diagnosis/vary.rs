//! What pages vary by, as answers, keys and options say it.

use crate::commands::check::answer::Answer;
use crate::commands::check::facts::Facts;
use crate::http::Response;

/// What a key has of what pages vary by.
pub(super) fn in_keys(variant: &str) -> String {
    match variant {
        "" => "nothing in its keys".to_owned(),
        variant => format!("{variant:?} in its keys"),
    }
}

/// What Vary names.
pub(super) fn in_vary(fields: &[String]) -> String {
    format!("the page's Vary names {}", fields.join(", "))
}

/// Rules as options.
pub(in crate::commands::check) fn options<'a>(
    rules: impl IntoIterator<Item = &'a String>,
) -> Vec<String> {
    let rules = rules.into_iter();
    rules.map(|rule| format!("--vary {rule}")).collect()
}

/// The fields that an answer's Vary names.
pub(super) fn named_in_vary(answer: &Response) -> Vec<String> {
    let vary = answer.header("vary").unwrap_or_default();
    let names = vary.split(',').map(|name| name.trim().to_owned());
    names.filter(|name| !name.is_empty()).collect()
}

/// Whether an answer's Vary names `field`.
pub(super) fn says(answer: &Response, field: &str) -> bool {
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
    if let Some(site) = facts.site().filter(|site| !site.rules.is_empty()) {
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
