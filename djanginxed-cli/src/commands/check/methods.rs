//! Methods other than GET answer as the bare application does.

use super::answer::{By, by, is_nginx_error_page, seen};
use super::probe::{Probe, Trial};
use super::report::Report;
use crate::http::{Request, Response};

const ERROR_PAGE: &str = "Write error_page 404 405 418 500 502 504 = @…; with its \"=\" and 405, and limit_except nothing.";

const NO_ROUTE: &str =
    "The application has no HEAD route; add method = \"HEAD\" to answer it on a miss too";

pub(super) async fn check(probe: &mut Probe, trial: &Trial, report: &mut Report) {
    for (fact, method) in [("post", "POST"), ("options", "OPTIONS")] {
        passes(probe, trial, report, fact, method).await;
    }
    head(probe, trial, report).await;
}

async fn passes(
    probe: &mut Probe,
    trial: &Trial,
    report: &mut Report,
    fact: &'static str,
    method: &'static str,
) {
    let request = Request::new(method, &trial.target);
    let answer = match probe.ask(&request).await {
        Ok(answer) => answer,
        Err(problem) => return report.bad(fact, problem, ERROR_PAGE),
    };
    if is_nginx_error_page(&answer) || by(&answer) == By::Nginx {
        let seen = format!("nginx answers {method} itself: {}", seen(&answer));
        return report.bad(fact, seen, ERROR_PAGE);
    }
    if let Some(bare) = bare(probe, &request).await {
        return compare(report, fact, &answer, &bare);
    }
    // The handler ran, so the status is nginx's.
    if matches!(answer.status, 405 | 418) && by(&answer) != By::Unknown {
        let status = answer.status;
        let seen = format!("{method} reaches the page and is answered with status {status}");
        return report.bad(fact, seen, ERROR_PAGE);
    }
    report.good(
        fact,
        format!("the application answers {method}: status {}", answer.status),
    );
}

async fn head(probe: &mut Probe, trial: &Trial, report: &mut Report) {
    let request = Request::new("HEAD", &trial.target);
    let answer = match probe.ask(&request).await {
        Ok(answer) => answer,
        Err(problem) => return report.bad("head", problem, ERROR_PAGE),
    };
    if let Some(bare) = bare(probe, &request).await {
        // A hit knows no routes.
        if has_no_head(&bare) && trial.is_hit() && answer.status == 200 {
            let seen = format!("nginx answers it on a hit. {NO_ROUTE}");
            return report.good("head", seen);
        }
        return compare(report, "head", &answer, &bare);
    }
    // Without a body, nginx's own 404 looks like the application's.
    if has_no_head(&answer) && !trial.is_hit() {
        let why = format!("status {}; give --app to compare", answer.status);
        return report.unchecked("head", why);
    }
    if answer.status != trial.second.status {
        let seen = format!(
            "HEAD has status {}, GET {}",
            answer.status, trial.second.status
        );
        return report.bad("head", seen, ERROR_PAGE);
    }
    report.good(
        "head",
        format!("HEAD answers as GET: status {}", answer.status),
    );
}

/// actix's `#[get]` leaves HEAD to the default service, usually 404.
pub(super) fn has_no_head(response: &Response) -> bool {
    matches!(response.status, 404 | 405)
}

pub(super) async fn bare(probe: &mut Probe, request: &Request) -> Option<Response> {
    probe.app.as_mut()?.send(request).await.ok()
}

fn compare(report: &mut Report, fact: &'static str, answer: &Response, bare: &Response) {
    if answer.status == bare.status {
        let seen = format!("as the bare application: status {}", bare.status);
        return report.good(fact, seen);
    }
    let seen = format!(
        "status {}, and the bare application's is {}",
        answer.status, bare.status
    );
    report.bad(fact, seen, ERROR_PAGE);
}
