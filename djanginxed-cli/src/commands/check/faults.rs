//! With Memcached out of reach, pages still come in bounded time.

use std::time::Instant;

use super::Args;
use super::answer::{is_nginx_error_page, seen};
use super::methods::{bare, has_no_head};
use super::probe::Probe;
use super::report::Report;
use crate::http::{Request, Response};

const TIMEOUTS: &str = "Put 502 and 504 into error_page, and memcached_connect_timeout, _send_timeout and _read_timeout of 100ms into nginx's location.";

pub(super) async fn check(args: &Args, probe: &mut Probe, report: &mut Report) {
    out_of_reach(probe, report).await;
    for (fact, method) in [
        ("fault-get", "GET"),
        ("fault-head", "HEAD"),
        ("fault-post", "POST"),
    ] {
        // The first request may wait for what later ones know.
        for _ in 0..3 {
            if !in_time(args, probe, report, fact, method).await {
                return;
            }
        }
        report.good(
            fact,
            format!("{method} is answered within {:?}", args.bound()),
        );
    }
}

async fn out_of_reach(probe: &mut Probe, report: &mut Report) {
    let Some(servers) = &probe.servers else {
        return report.unchecked("out-of-reach", "give --servers to see that Memcached is");
    };
    let target = probe.url.target.clone();
    match servers.peek(&probe.key(&target)).await {
        Err(failure) => report.good("out-of-reach", failure.to_string()),
        Ok(_) => report.bad(
            "out-of-reach",
            "Memcached answers, so nothing is proved",
            "Stop it (systemctl stop memcached) or let it hang (kill -STOP), and check again.",
        ),
    }
}

async fn in_time(
    args: &Args,
    probe: &mut Probe,
    report: &mut Report,
    fact: &'static str,
    method: &'static str,
) -> bool {
    let begin = Instant::now();
    let target = probe.fresh();
    let request = Request::new(method, target);
    let answer = probe.ask(&request).await;
    let took = begin.elapsed();
    match answer {
        Err(problem) => report.bad(fact, problem, TIMEOUTS),
        Ok(answer) if answer.status >= 500 || is_nginx_error_page(&answer) => {
            report.bad(fact, seen(&answer), TIMEOUTS);
        }
        Ok(answer) if !is_expected(probe, method, &request, &answer).await => {
            report.bad(fact, seen(&answer), TIMEOUTS);
        }
        Ok(_) if took > args.bound() => {
            report.bad(
                fact,
                format!("{method} took {} ms", took.as_millis()),
                TIMEOUTS,
            );
        }
        Ok(_) => return true,
    }
    false
}

/// Whether the status is the one of a page, or the application's own.
async fn is_expected(
    probe: &mut Probe,
    method: &str,
    request: &Request,
    answer: &Response,
) -> bool {
    match method {
        "POST" => true,
        "HEAD" if has_no_head(answer) => {
            let bare = bare(probe, request).await;
            bare.is_none_or(|bare| bare.status == answer.status)
        }
        _ => answer.status == 200,
    }
}
