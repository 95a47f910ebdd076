//! Requests that must not get a stored page.

use super::Args;
use super::answer::seen;
use super::answer::{By, by};
use super::probe::{Probe, Trial};
use super::report::Report;
use crate::http::{Request, Response};

pub(super) async fn check(args: &Args, probe: &mut Probe, trial: &Trial, report: &mut Report) {
    bypasses(
        probe,
        trial,
        report,
        "authorization",
        "Authorization",
        "Basic ZGphbmdpbnhlZDo=",
    )
    .await;
    for name in &args.bypass_cookies {
        let cookie = format!("{name}=1");
        bypasses(probe, trial, report, "bypass-cookie", "Cookie", &cookie).await;
    }
    for name in &args.bypass_headers {
        bypasses(probe, trial, report, "bypass-header", name, "1").await;
    }
    if args.bypass_cookies.is_empty() {
        report.unchecked("bypass-cookie", "give --bypass-cookie where there are some");
    }
}

async fn bypasses(
    probe: &mut Probe,
    trial: &Trial,
    report: &mut Report,
    fact: &'static str,
    name: &str,
    value: &str,
) {
    if !trial.is_hit() {
        return report.unchecked(fact, "nginx does not answer");
    }
    let request = Request::get(&trial.target).header(name, value);
    match probe.ask(&request).await {
        Err(problem) => report.bad(fact, problem, "nginx must pass the request on."),
        Ok(answer) => match blame(fact, name, value, &answer) {
            Some(change) => report.bad(
                fact,
                format!(
                    "{name}: {value} does not bypass the cache: {}",
                    seen(&answer)
                ),
                change,
            ),
            None => report.good(
                fact,
                format!("{name} is not answered from the cache: {}", seen(&answer)),
            ),
        },
    }
}

/// What to change, and where: nginx or the application.
fn blame(fact: &str, name: &str, value: &str, answer: &Response) -> Option<String> {
    let cookie = value.split('=').next().unwrap_or(value);
    match (by(answer), fact) {
        // Without a Cache-Status, the application's answer still has one.
        (By::Nginx, _) | (By::Unknown, _) if answer.status == 200 => Some(
            "Generate nginx's file with the application's bypass rules; nginx answers hits before the application sees them."
                .to_owned(),
        ),
        (By::Application | By::Stored, "bypass-cookie") => Some(format!(
            "nginx's file is right; the application uses its cache: add .bypass_cookie({cookie:?}) to it."
        )),
        (By::Application | By::Stored, "bypass-header") => Some(format!(
            "nginx's file is right; the application uses its cache: add .bypass_header({name:?}) to it."
        )),
        (By::Application | By::Stored, _) => Some(format!(
            "nginx passes it on; let {name} reach the application, and let no middleware remove it."
        )),
        _ => None,
    }
}
