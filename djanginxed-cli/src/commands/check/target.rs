//! The target that the application sees is the one that nginx hashes.

use super::answer::{By, by};
use super::probe::{Probe, Trial};
use super::report::Report;

/// Asks for the page in spellings that a rewrite on the way would change.
pub(super) async fn check(probe: &mut Probe, trial: &Trial, report: &mut Report) {
    if !trial.is_hit() {
        return report.unchecked("target", "nginx does not answer");
    }
    let mut kept = Vec::new();
    for (name, spelling) in spellings(&probe.url.target) {
        let target = probe.fresh_at(&spelling);
        let trial = match probe.trial(target).await {
            Ok(trial) => trial,
            Err(problem) => {
                return report.bad("target", problem, "nginx must pass every target on.");
            }
        };
        // Bare applications do not know each spelling: then there is nothing to find.
        if by(&trial.first) != By::Stored {
            continue;
        }
        if !trial.is_hit() {
            return report.bad(
                "target",
                format!("{} is stored under another target than nginx asks for ({name})", trial.target),
                "Remove what rewrites it: actix's NormalizePath, a path in proxy_pass, a rewrite in nginx.",
            );
        }
        kept.push(name);
    }
    if kept.is_empty() {
        let why = "the application stores this page under no other spelling of its target";
        return report.unchecked("target", why);
    }
    report.good(
        "target",
        format!(
            "nginx and the application see the same: {}",
            kept.join(", ")
        ),
    );
}

/// Other spellings of `target`. The page's own query stays, since the page may need it.
fn spellings(target: &str) -> Vec<(&'static str, String)> {
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    let joint = if query.is_empty() { '?' } else { '&' };
    let mut spellings = vec![
        ("odd query", format!("{target}{joint}b=%2F|x&&a=//y")),
        ("doubled slash", format!("/{target}")),
        (
            "slash at the end",
            match path.strip_suffix('/') {
                Some(bare) if !bare.is_empty() => format!("{bare}{query}"),
                _ => format!("{path}/{query}"),
            },
        ),
    ];
    if let Some(at) = path.rfind(|c: char| c.is_ascii_alphanumeric()) {
        let (before, rest) = path.split_at(at);
        let encoded = format!("{before}%{:02X}{}{query}", rest.as_bytes()[0], &rest[1..]);
        // A digit of a percent-encoding is not a letter of its own.
        if !path.contains('%') {
            spellings.push(("percent-encoded letter", encoded));
        }
    }
    spellings
}

/// Targets that the application may have seen instead, and why.
pub(super) fn variants_seen(target: &str) -> Vec<(String, &'static str)> {
    const REWRITE: &str = "remove NormalizePath from the application, or a rewrite from nginx";
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    let trimmed = path.trim_end_matches('/');
    let mut variants = vec![
        (format!("{trimmed}{query}"), REWRITE),
        (format!("{trimmed}/{query}"), REWRITE),
        (
            path.to_owned(),
            "the query is lost on its way to the application",
        ),
    ];
    // As a proxy_pass with a path does.
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    for cut in 1..parts.len() {
        let target = format!("/{}{query}", parts[cut..].join("/"));
        variants.push((target, "let proxy_pass end after the host, without a path"));
    }
    variants.retain(|(variant, _)| variant != target);
    variants
}
