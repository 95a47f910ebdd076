//! gzip: every client can read the page.

use super::answer::{is_gzip, unpacked};
use super::probe::{Probe, Trial};
use super::report::Report;
use crate::http::{Request, Response};

const LINES: &str = "Put memcached_gzip_flag 2; gunzip on; gzip_vary on; into nginx's location.";

pub(super) async fn check(probe: &mut Probe, trial: &Trial, report: &mut Report) {
    if !trial.is_hit() {
        return report.unchecked("gzip", "nginx does not answer");
    }
    let request = Request::get(&trial.target).header("Accept-Encoding", "gzip");
    let packed = match probe.ask(&request).await {
        Ok(packed) => packed,
        Err(problem) => return report.bad("gzip", problem, LINES),
    };
    match disagreement(trial, &packed) {
        Some(seen) => report.bad("gzip", seen, LINES),
        None if packed.header("content-encoding").is_some() => {
            report.good("gzip", "readable with Accept-Encoding: gzip, and without");
        }
        None => report.good("gzip", "served as it is, and readable"),
    }
}

fn disagreement(trial: &Trial, packed: &Response) -> Option<&'static str> {
    let plain = &trial.second;
    if is_gzip(&plain.body) || plain.header("content-encoding").is_some() {
        return Some("a client that does not accept gzip gets gzip");
    }
    let encoding = packed.header("content-encoding");
    if encoding.is_none() {
        return is_gzip(&packed.body).then_some("gzip bytes are served as if they were the page");
    }
    if unpacked(&packed.body).as_deref() != Some(&plain.body) {
        return Some("unpacked, the page is another than the plain one");
    }
    let vary = packed
        .header("vary")
        .unwrap_or_default()
        .to_ascii_lowercase();
    (!vary.contains("accept-encoding")).then_some("gzip is served without Vary: Accept-Encoding")
}
