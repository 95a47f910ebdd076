//! The first request is stored, the second answered by nginx.

use super::answer::{By, by, is_nginx_error_page, seen, unpacked};
use super::probe::{Probe, Trial};
use super::report::Report;
use crate::http::{CLOSED, Response};
use crate::memcached::Item;

/// The generated file answers 444 for hosts that it does not name.
const NOT_NAMED: &str = "Probably the URL's host is not in server_name, and nginx's default server returns 444: ask for a host that is, with --connect HOST:PORT where its name does not lead to this nginx.";

const OWN_TYPE: &str = "Where this page is not text/html, give its type to the handler (content_type = …), to nginx's file (--page PATH=PREFIX,TYPE) and to this check (--content-type TYPE): the type is a part of the key.";

/// The trial that the other facts build on; none where the site does not answer.
pub(super) async fn check(probe: &mut Probe, report: &mut Report) -> Option<Trial> {
    let target = probe.fresh();
    let trial = match probe.trial(target).await {
        Ok(trial) => trial,
        Err(problem) => {
            let change = match problem.as_str() {
                CLOSED => NOT_NAMED,
                _ => "Start nginx, or correct the URL.",
            };
            report.bad("reachable", problem, change);
            return None;
        }
    };
    reachable(&trial, report);
    stored(&trial, report);
    status(&trial, report);
    private(&trial, report);
    hit(&trial, report);
    same_page(&trial, report);
    key(probe, &trial, report).await;
    Some(trial)
}

fn reachable(trial: &Trial, report: &mut Report) {
    let first = &trial.first;
    if is_nginx_error_page(first) {
        report.bad(
            "reachable",
            format!("{}, nginx's own error page", seen(first)),
            "The application does not answer, or its location lacks one of 404 405 418 500 502 504 in error_page.",
        );
    } else {
        report.good("reachable", seen(first));
    }
}

fn stored(trial: &Trial, report: &mut Report) {
    let first = &trial.first;
    match by(first) {
        By::Stored => report.good("stored", "the first request is a miss that the application stores"),
        By::Refused if seen(first).contains("detail=content-type") => {
            report.bad("stored", seen(first), OWN_TYPE);
        }
        By::Refused => report.bad(
            "stored",
            seen(first),
            "The application does not store this page; the reason is in detail=.",
        ),
        By::Unknown => report.bad(
            "stored",
            seen(first),
            "Annotate the handler with #[cache_page]; leave cache_status on.",
        ),
        By::Nginx | By::Application => report.bad(
            "stored",
            seen(first),
            "The page is answered from the cache though this target was never asked for: the key must contain the whole target, query included ($request_uri).",
        ),
    }
}

fn status(trial: &Trial, report: &mut Report) {
    match (by(&trial.first), trial.first.status) {
        (By::Stored, 200) => report.good("miss-status", "a miss has the application's status"),
        (By::Stored, status) => report.bad(
            "miss-status",
            format!("the application stores the page, and the visitor gets status {status}"),
            "Write \"=\" into error_page: error_page 404 405 418 500 502 504 = @…;",
        ),
        _ => report.unchecked("miss-status", "the page is not stored"),
    }
}

/// A middleware may have added what the policy could not see.
fn private(trial: &Trial, report: &mut Report) {
    if by(&trial.first) != By::Stored {
        return report.unchecked("private", "the page is not stored");
    }
    if let Some(cookie) = trial.first.header("set-cookie") {
        let name = cookie.split('=').next().unwrap_or_default();
        return report.bad(
            "private",
            format!("the page is stored, and leaves with Set-Cookie: {name}"),
            "Take the middleware that sets it off this page, or remove #[cache_page].",
        );
    }
    let control = trial.first.header("cache-control").unwrap_or_default();
    let lower = control.to_ascii_lowercase();
    if ["private", "no-store", "no-cache"]
        .iter()
        .any(|word| lower.contains(word))
    {
        return report.bad(
            "private",
            format!("the page is stored, and leaves with Cache-Control: {control}"),
            "Take the middleware that adds it off this page, or remove #[cache_page].",
        );
    }
    report.good(
        "private",
        "what is stored leaves without Set-Cookie, private and no-store",
    );
}

fn hit(trial: &Trial, report: &mut Report) {
    if trial.is_hit() {
        return report.good(
            "hit",
            format!("nginx answers the second request: {}", seen(&trial.second)),
        );
    }
    let change = match by(&trial.second) {
        By::Application if !is_html(&trial.first) => OWN_TYPE,
        By::Application => {
            "The application finds its page and nginx does not: compare key prefix, Memcached servers with their order and weights, and see \"key\" and \"target\" below."
        }
        By::Stored => {
            "The application stores it each time: is Memcached running, and are the application's servers the right ones?"
        }
        _ => "See \"stored\" above.",
    };
    report.bad(
        "hit",
        format!(
            "nginx does not answer the second request: {}",
            seen(&trial.second)
        ),
        change,
    );
}

fn is_html(response: &Response) -> bool {
    let content_type = response.header("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("text/html")
}

fn same_page(trial: &Trial, report: &mut Report) {
    if !trial.is_hit() {
        return report.unchecked("same-page", "nginx does not answer");
    }
    let types = [&trial.first, &trial.second].map(|response| response.header("content-type"));
    let [rendered, served] = types.map(|value| value.unwrap_or_else(|| "none".to_owned()));
    if !rendered.eq_ignore_ascii_case(&served) && normal(&rendered) != normal(&served) {
        return report.bad(
            "same-page",
            format!("the application says {rendered}, nginx says {served}"),
            format!("Set default_type (with an empty types block) and charset utf-8 in nginx's location, or content_type in #[cache_page]. {OWN_TYPE}"),
        );
    }
    if trial.first.body != trial.second.body {
        return report.bad(
            "same-page",
            "nginx serves other bytes than the application rendered",
            "See \"gzip\" below; and let no filter (sub_filter, ssi) work on the cached location.",
        );
    }
    report.good(
        "same-page",
        format!("both are {} bytes of {served}", trial.second.body.len()),
    );
}

/// White space and case do not matter in a media type.
fn normal(content_type: &str) -> String {
    content_type.to_ascii_lowercase().replace(' ', "")
}

async fn key(probe: &Probe, trial: &Trial, report: &mut Report) {
    let Some(servers) = &probe.servers else {
        return report.unchecked("key", "give --servers to look into Memcached");
    };
    let key = probe.key(&trial.target);
    let server = servers.server_of(&key);
    match servers.peek(&key).await {
        Err(failure) => report.bad(
            "key",
            failure.to_string(),
            "Start it, or correct --servers.",
        ),
        Ok(Some(item)) if holds_page(&item, trial) => {
            report.good("key", format!("{key} on {server} holds the page"));
        }
        Ok(Some(_)) => report.bad(
            "key",
            format!("{key} on {server} holds something else"),
            "Give each site on one Memcached its own key prefix.",
        ),
        // Then neither prefix nor servers are to blame.
        Ok(None) if matches!(by(&trial.first), By::Refused | By::Unknown) => {
            report.unchecked("key", "the page is not stored");
        }
        Ok(None) => {
            let found = elsewhere(probe, trial).await;
            report.bad("key", format!("{key} on {server} holds nothing"), found);
        }
    }
}

fn holds_page(item: &Item, trial: &Trial) -> bool {
    match item.flags {
        2 => unpacked(&item.value).as_deref() == Some(&trial.first.body),
        _ => item.value == trial.first.body,
    }
}

/// Where the page lies instead, as far as it can be guessed.
async fn elsewhere(probe: &Probe, trial: &Trial) -> String {
    let Some(servers) = &probe.servers else {
        return String::new();
    };
    for (target, why) in super::target::variants_seen(&trial.target) {
        if is_there(servers, &probe.key(&target)).await {
            return format!("The page lies under the target {target}: {why}.");
        }
    }
    if !is_html(&trial.first) {
        return OWN_TYPE.to_owned();
    }
    if is_there(servers, &djanginxed::PageKey::new("", &trial.target)).await {
        return "The page lies under no prefix: give the application this prefix, or drop --prefix.".to_owned();
    }
    "The application's key prefix or servers are others than the ones given here, or it has not stored the page.".to_owned()
}

async fn is_there(servers: &crate::memcached::Servers, key: &djanginxed::PageKey) -> bool {
    matches!(servers.peek(key).await, Ok(Some(_)))
}
