//! Requests that must not get a stored page.

use super::Args;
use super::answer::seen;
use super::answer::{By, by};
use super::probe::{Probe, Trial};
use super::report::Report;
use crate::http::Request;

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
        // Without a Cache-Status, the application's answer still has one.
        Ok(answer)
            if matches!(by(&answer), By::Nginx | By::Application | By::Unknown)
                && answer.status == 200 =>
        {
            report.bad(
                fact,
                format!("{name}: {value} is answered from the cache: {}", seen(&answer)),
                "Generate nginx's file with the application's bypass rules; nginx answers hits before the application sees them.",
            );
        }
        Ok(answer) => report.good(
            fact,
            format!("{name} is not answered from the cache: {}", seen(&answer)),
        ),
    }
}
