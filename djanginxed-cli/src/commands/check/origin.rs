//! A host that a stranger made up does not get into a page.

use super::answer::seen;
use super::probe::Probe;
use super::report::Report;
use crate::http::{Request, Response};

/// A name that nobody has (RFC 6761).
const STRANGER: &str = "djanginxed-check.invalid";

pub(super) async fn check(probe: &mut Probe, report: &mut Report) {
    foreign_host(probe, report).await;
    forwarded(probe, report).await;
}

async fn foreign_host(probe: &mut Probe, report: &mut Report) {
    let target = probe.fresh();
    let request = Request::get(&target).header("Host", STRANGER);
    let answer = match probe.ask(&request).await {
        Err(_) => return report.good("foreign-host", "is not answered"),
        Ok(answer) => answer,
    };
    let own = probe.get(&target).await;
    if has_stranger(&answer) || own.as_ref().is_ok_and(has_stranger) {
        return report.bad(
            "foreign-host",
            format!("a page for the host {STRANGER} shows that name: {}", seen(&answer)),
            "Name the site in server_name, add a default server with return 444, and send proxy_set_header Host $host.",
        );
    }
    report.good(
        "foreign-host",
        format!("does not show up in the page: {}", seen(&answer)),
    );
}

async fn forwarded(probe: &mut Probe, report: &mut Report) {
    let headers = [
        ("Forwarded", format!("host={STRANGER}")),
        ("X-Forwarded-Host", STRANGER.to_owned()),
    ];
    for (name, value) in headers {
        let target = probe.fresh();
        let request = Request::get(&target).header(name, value);
        if let Ok(answer) = probe.ask(&request).await
            && has_stranger(&answer)
        {
            return report.bad(
                "forwarded",
                format!("the host in a visitor's {name} shows up in the page, which is stored"),
                "Send proxy_set_header Forwarded \"\"; and X-Forwarded-Host $host; towards the application.",
            );
        }
    }
    report.good(
        "forwarded",
        "Forwarded and X-Forwarded-Host of a visitor are not believed",
    );
}

fn has_stranger(response: &Response) -> bool {
    String::from_utf8_lossy(&response.body).contains(STRANGER)
}
