//! With Memcached out of reach, pages still come in bounded time.

use std::time::Duration;

use super::Verdict;
use super::Verdict::{Bad, Good, Unchecked};
use super::requests::has_no_head;
use crate::commands::check::answer::{is_nginx_error_page, seen};
use crate::commands::check::cause::Cause;
use crate::commands::check::facts::{Facts, Timed};
use crate::http::Problem;
use crate::memcached::Health;

pub(super) fn out_of_reach(facts: &Facts) -> Verdict {
    if facts.health.is_empty() {
        return Unchecked("give --servers to see that Memcached is".to_owned());
    }
    let ill = facts
        .health
        .iter()
        .filter_map(|(server, health)| match health {
            Health::Away(why) | Health::Hangs(why) => Some(format!("{server}: {why}")),
            _ => None,
        });
    let ill: Vec<String> = ill.collect();
    if ill.is_empty() {
        let seen = "Memcached answers, so nothing is proved".to_owned();
        return Bad(Cause::NotOutOfReach, seen);
    }
    Good(ill.join("; "))
}

pub(super) fn get(facts: &Facts) -> Verdict {
    match in_time(facts, "GET") {
        Good(seen) => skips(facts).unwrap_or(Good(seen)),
        other => other,
    }
}

fn timed<'a>(facts: &'a Facts, method: &str) -> Vec<&'a Timed> {
    let all = facts.faults.iter();
    all.filter(|timed| timed.method == method).collect()
}

pub(super) fn in_time(facts: &Facts, method: &'static str) -> Verdict {
    let within = facts.given.within;
    for timed in timed(facts, method) {
        if let Some(bad) = wrong(timed) {
            return bad;
        }
        if timed.took > within {
            let seen = format!("{method} took {} ms", timed.took.as_millis());
            return Bad(Cause::TimeoutsLong, seen);
        }
    }
    Good(format!("{method} is answered within {within:?}"))
}

fn wrong(timed: &Timed) -> Option<Verdict> {
    let answer = match &timed.answer {
        Ok(answer) => answer,
        Err(Problem::TimedOut(after)) => {
            let seen = format!("{} has no answer within {after:?}", timed.method);
            return Some(Bad(Cause::TimeoutsLong, seen));
        }
        Err(problem) => return Some(Bad(Cause::Unexplained, problem.to_string())),
    };
    let own = timed
        .direct
        .as_ref()
        .and_then(|direct| direct.as_ref().ok());
    let cause = match answer.status {
        502 | 504 | 500 if is_nginx_error_page(answer) || timed.method == "HEAD" => {
            Cause::ErrorPageCodes(if answer.status == 504 { "504" } else { "502" })
        }
        status if own.is_some_and(|own| own.status == status) => return None,
        200 => return None,
        _ if timed.method == "POST" && !is_nginx_error_page(answer) => return None,
        _ if timed.method == "HEAD" && own.is_none() && has_no_head(answer) => return None,
        _ if timed.method == "GET" => Cause::ErrorPageEquals,
        _ => Cause::MethodDiffers(timed.method),
    };
    Some(Bad(cause, seen(answer)))
}

/// Whether only the first requests wait: nginx then asks the server no more.
fn skips(facts: &Facts) -> Option<Verdict> {
    const WAIT: Duration = Duration::from_millis(50);
    let gets = timed(facts, "GET");
    let last = gets.get(gets.len().saturating_sub(4)..)?;
    let fastest = last.iter().map(|timed| timed.took).min()?;
    // A page that is slow by itself is as slow where Memcached is not asked.
    let past = timed(facts, "past-the-cache");
    let usual = past
        .iter()
        .map(|timed| timed.took)
        .min()
        .unwrap_or_default();
    if fastest < usual + WAIT {
        return None;
    }
    let seen = format!(
        "each of {} requests took {} ms or more, and past Memcached it is {} ms",
        gets.len(),
        fastest.as_millis(),
        usual.as_millis()
    );
    Some(Bad(Cause::OnlyServer, seen))
}
