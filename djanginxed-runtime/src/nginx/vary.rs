//! The maps by which nginx works out a request's variant, as `vary` does it.

use super::plan::Plan;
use super::text::{Text, quoted};
use super::values::header_variable;
use crate::vary::{CLIENT_HINT, Languages, Rule, Seal, Signature, TENTHS, Test, message};

/// What a regular expression has found. Sites share it: it is read where it is set.
const FOUND: &str = "djanginxed_found";

/// The maps from a request to the value of each rule.
pub(super) fn maps(text: &mut Text, plan: &Plan) {
    if plan.vary.is_empty() {
        return;
    }
    text.why("What pages vary by, read as the application reads it; the first value is for");
    text.why("all others.");
    for (number, rule) in plan.vary.iter().enumerate() {
        let to = variable(plan, number);
        match &rule.test {
            Test::Language(languages) => language(text, rule, languages, &to),
            Test::Cookie => cookie(text, rule, &to),
            Test::Header(name) => exact(text, rule, &header_variable(name.as_str()), &to),
            Test::Mobile => mobile(text, rule, &to),
            Test::Group(seal) => group(text, plan, rule, seal, &to),
        }
    }
}

/// What stands in the key: `~$djanginxed_vary0~$djanginxed_vary1`.
pub(super) fn expression(plan: &Plan) -> String {
    let values = plan.vary.iter().enumerate();
    values
        .map(|(number, _)| format!("~{}", variable(plan, number)))
        .collect()
}

fn variable(plan: &Plan, number: usize) -> String {
    format!("${}_vary{number}", plan.name)
}

fn language(text: &mut Text, rule: &Rule, languages: &Languages, to: &str) {
    let ranges: Vec<&str> = languages
        .ranges()
        .iter()
        .map(|(range, _)| &**range)
        .collect();
    let ranges = ranges.join("|");
    let source = format!("{to}_in");
    text.block(format_args!("map $http_accept_language {source}"), |text| {
        text.line("default \"\"");
        for tenths in TENTHS.rev() {
            let weight = match tenths {
                10 => "(?:;[ \\t]*+q=1(?:\\.0{0,3}+)?)?+".to_owned(),
                0 => ";[ \\t]*+q=0\\.0(?:0[1-9]|[1-9][0-9]?)".to_owned(),
                tenths => format!(";[ \\t]*+q=0\\.{tenths}[0-9]{{0,2}}+"),
            };
            let pattern = format!(
                "~*(?:^|,)[ \\t]*+(?<{FOUND}>{ranges})(?:-[a-z0-9-]*+)?+[ \\t]*+{weight}[ \\t]*+(?:,|$)"
            );
            text.line(format_args!("{} ${FOUND}", quoted(&pattern)));
        }
    });
    text.block(format_args!("map {source} {to}"), |text| {
        text.line(format_args!("default {}", rule.values[0]));
        for (range, at) in languages.ranges() {
            let pattern = format!("~*^{range}$");
            text.line(format_args!("{} {}", quoted(&pattern), rule.values[*at]));
        }
    });
}

/// What the cookie says, by parts; nothing where it is not written as it should be. Of
/// the last digit of a signature four bits must be zero (md5), or two (HMAC).
fn group(text: &mut Text, plan: &Plan, rule: &Rule, seal: &Seal, to: &str) {
    let name = &plan.name;
    let source = cookie_value(text, rule, to);
    let values: Vec<String> = rule.values[1..]
        .iter()
        .map(|value| literal(value))
        .collect();
    let values = values.join("|");
    const END: &str = "[1-9][0-9]{9}";
    let (hash, signed, verdict) = match seal.signature {
        Signature::Md5 => (
            "[A-Za-z0-9_-]{21}[AQgw]",
            format!("${{{FOUND}2}},${FOUND}"),
            "$secure_link".to_owned(),
        ),
        Signature::Hmac => (
            "[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]",
            format!(
                "{} ${{{FOUND}2}}",
                message(&format!("${FOUND}"), &rule.name, &format!("${{{FOUND}1}}"))
            ),
            format!("${name}_believed"),
        ),
    };
    text.block(format_args!("map {source} ${name}_group"), |text| {
        text.line("default \"\"");
        let pattern = format!("~^[ \\t]*+(?<{FOUND}>{values})\\.{END}\\.{hash}[ \\t]*+$");
        text.line(format_args!("{} ${FOUND}", quoted(&pattern)));
    });
    text.block(format_args!("map {source} ${name}_signed"), |text| {
        text.line("default \"\"");
        let pattern = format!(
            "~^[ \\t]*+(?<{FOUND}1>{values})\\.(?<{FOUND}>{END})\\.(?<{FOUND}2>{hash})[ \\t]*+$"
        );
        text.line(format_args!("{} {}", quoted(&pattern), quoted(&signed)));
    });
    text.block(format_args!("map {verdict} {to}"), |text| {
        text.line("default \"\"");
        text.line(format_args!("1 ${name}_group"));
    });
}

/// In a location of pages: whether a group's cookie is signed and has not ended.
pub(super) fn check_signature(text: &mut Text, plan: &Plan) {
    let name = &plan.name;
    for (rule, seal) in plan.vary.seals() {
        text.why("A group is believed where this secret has signed it.");
        let secret = seal.secret.reveal();
        match seal.signature {
            Signature::Md5 => {
                text.line(format_args!("secure_link ${name}_signed"));
                let signed = message(
                    "$secure_link_expires",
                    &rule.name,
                    &format!("${name}_group"),
                );
                let hashed = quoted(&format!("{signed} {secret}"));
                text.line(format_args!("secure_link_md5 {hashed}"));
            }
            Signature::Hmac => {
                text.line(format_args!("set $djanginxed_secret {}", quoted(secret)));
                text.line(format_args!("set $djanginxed_signed ${name}_signed"));
            }
        }
    }
}

/// In a location of pages, once the key's variant is known: no page, log or script is to
/// see the secret.
pub(super) fn forget_secret(text: &mut Text, plan: &Plan) {
    if has_hmac(plan) {
        text.line("set $djanginxed_secret \"\"");
    }
}

/// Whether the script works signatures out.
pub(super) fn has_hmac(plan: &Plan) -> bool {
    let mut seals = plan.vary.seals();
    seals.any(|(_, seal)| seal.signature == Signature::Hmac)
}

fn cookie(text: &mut Text, rule: &Rule, to: &str) {
    let source = cookie_value(text, rule, to);
    exact(text, rule, &source, to);
}

fn cookie_value(text: &mut Text, rule: &Rule, to: &str) -> String {
    let source = format!("{to}_in");
    text.block(format_args!("map $http_cookie {source}"), |text| {
        text.line("default \"\"");
        let name = literal(&rule.name);
        let pattern = format!("~(?:^|;)[ \\t]*+{name}[ \\t]*+=(?<{FOUND}>[^;]*+)");
        text.line(format_args!("{} ${FOUND}", quoted(&pattern)));
    });
    source
}

/// nginx compares words without case, expressions with it.
fn exact(text: &mut Text, rule: &Rule, source: &str, to: &str) {
    text.block(format_args!("map {source} {to}"), |text| {
        text.line(format_args!("default {}", rule.values[0]));
        for value in &rule.values {
            let pattern = format!("~^[ \\t]*+{}[ \\t]*+$", literal(value));
            text.line(format_args!("{} {value}", quoted(&pattern)));
        }
    });
}

fn mobile(text: &mut Text, rule: &Rule, to: &str) {
    let [desktop, mobile] = &rule.values[..] else {
        return;
    };
    let hint = header_variable(CLIENT_HINT);
    let agent = format!("{to}_in");
    text.block(format_args!("map $http_user_agent {agent}"), |text| {
        text.line(format_args!("default {desktop}"));
        text.line(format_args!("~Mobi {mobile}"));
    });
    text.block(format_args!("map {hint} {to}"), |text| {
        text.line(format_args!("default {agent}"));
        for (hint, value) in [("1", mobile), ("0", desktop)] {
            let pattern = format!("~^[ \\t]*+\\?{hint}[ \\t]*+$");
            text.line(format_args!("{} {value}", quoted(&pattern)));
        }
    });
}

/// What is allowed in names and values, as a part of a regular expression.
fn literal(word: &str) -> String {
    word.replace('.', "\\.")
}

/// In the application's location: it reads what nginx has read, also where a client
/// sends a field several times, of which versions of nginx take the first or all.
pub(super) fn pass_on(text: &mut Text, plan: &Plan) {
    let mut fields = plan.vary.fields();
    // Those are passed on by themselves.
    fields.retain(|field| !plan.is_bypass_header(field));
    if fields.is_empty() {
        return;
    }
    text.why("The application works the variant out from what nginx has read.");
    for field in fields {
        let variable = header_variable(field);
        text.line(format_args!("proxy_set_header {field} {variable}"));
    }
}

/// In a location of pages: caches on the way are told.
pub(super) fn say(text: &mut Text, plan: &Plan) {
    let fields = plan.vary.fields();
    if !fields.is_empty() {
        text.line(format_args!(
            "add_header Vary {}",
            quoted(&fields.join(", "))
        ));
    }
}
