//! Who answers, and whether it is with the page.

use super::Verdict;
use super::Verdict::{Bad, Good, Unchecked};
use crate::commands::check::answer::{detail, is_nginx_error_page, is_rendered, said, seen};
use crate::commands::check::cause::Cause;
use crate::commands::check::facts::Facts;
use crate::http::{Problem, Response, TlsProblem};
use crate::memcached::Health;

pub(super) fn reachable(facts: &Facts) -> Verdict {
    let cause = match &facts.first {
        Err(problem) => no_answer(facts, problem),
        Ok(response) => match not_the_page(facts, response) {
            Some(cause) => cause,
            None => return Good(seen(response)),
        },
    };
    let whose = match &facts.first {
        Ok(response) if is_nginx_error_page(response) => ", nginx's own error page",
        _ => "",
    };
    Bad(cause, format!("{}{whose}", said(&facts.first)))
}

fn no_answer(facts: &Facts, problem: &Problem) -> Cause {
    match problem {
        Problem::UnknownHost { .. } => Cause::UnknownHost,
        Problem::Refused(_) => Cause::SiteRefuses,
        Problem::Unreachable { .. } => Cause::Unreachable,
        Problem::Closed | Problem::Tls(TlsProblem::NameRefused) => Cause::ServerName,
        Problem::Tls(problem) => of_tls(problem),
        Problem::TimedOut(_) => who_hangs(facts),
        Problem::NotHttp(_) => Cause::NotHttp,
        Problem::BrokenOff(_) | Problem::Unsendable(_) => Cause::Unexplained,
    }
}

fn of_tls(problem: &TlsProblem) -> Cause {
    match problem {
        TlsProblem::Untrusted => Cause::CertificateUntrusted,
        TlsProblem::WrongName(_) => Cause::CertificateName,
        TlsProblem::OutOfTime(_) => Cause::CertificateExpired,
        TlsProblem::Plain => Cause::PortWithoutTls,
        TlsProblem::NameRefused | TlsProblem::Other(_) => Cause::Tls,
    }
}

fn who_hangs(facts: &Facts) -> Cause {
    let direct = facts.direct.as_ref().map(|trial| &trial.first);
    match (direct, hanging(facts)) {
        (Some(Err(Problem::TimedOut(_))), _) => Cause::ApplicationHangs,
        (_, Some(server)) => Cause::MemcachedHangs(server),
        _ => Cause::SiteHangs,
    }
}

fn hanging(facts: &Facts) -> Option<String> {
    let mut hangs = facts.health.iter();
    let found = hangs.find(|(_, health)| matches!(health, Health::Hangs(_)));
    found.map(|(server, _)| server.clone())
}

fn away(facts: &Facts) -> Option<String> {
    let mut away = facts.health.iter();
    let found = away.find(|(_, health)| matches!(health, Health::Away(_)));
    found.map(|(server, _)| server.clone())
}

/// Why this is not the page; none where it may be.
fn not_the_page(facts: &Facts, response: &Response) -> Option<Cause> {
    if is_nginx_error_page(response) {
        return Some(error_page(facts, response));
    }
    // The handler's own status was 200 then.
    if is_rendered(&facts.first) {
        return None;
    }
    let direct = facts.direct.as_ref().map(|trial| trial.first.as_ref());
    match response.status {
        200 => None,
        401 => Some(Cause::Password),
        403 => Some(Cause::Forbidden),
        300..=399 => Some(Cause::Redirect(
            response.header("location").unwrap_or_default(),
        )),
        404 if matches!(direct, Some(Ok(own)) if own.status == 200) => Some(Cause::ErrorPageEquals),
        404 if detail(response).is_none_or(|detail| detail == "status") => Some(Cause::NoSuchPage),
        404 => Some(Cause::ErrorPageEquals),
        500..=599 => Some(Cause::ApplicationError(response.status)),
        status => Some(Cause::OtherStatus(status)),
    }
}

fn error_page(facts: &Facts, response: &Response) -> Cause {
    if let Some(why) = &facts.app_denied {
        return Cause::ApplicationSocketDenied(why.clone());
    }
    let direct = facts.direct.as_ref().map(|trial| trial.first.as_ref());
    let text = String::from_utf8_lossy(&response.body);
    match response.status {
        400 if text.contains("HTTPS port") => Cause::PortWithTls,
        401 => Cause::Password,
        403 => Cause::Forbidden,
        404 => who_says_404(facts),
        502 => match (direct, away(facts)) {
            (Some(Ok(_)), Some(_)) => Cause::ErrorPageCodes("502"),
            (Some(Ok(_)), None) => Cause::ApplicationAddress,
            (Some(Err(_)), _) => Cause::ApplicationDown,
            (None, Some(server)) => Cause::MemcachedDown(server),
            (None, None) => Cause::ApplicationUnreachable,
        },
        504 => match (direct, hanging(facts)) {
            (Some(Err(_)), _) | (None, None) => Cause::ApplicationHangs,
            (Some(Ok(_)), Some(_)) => Cause::ErrorPageCodes("504"),
            (None, Some(server)) => Cause::MemcachedHangs(server),
            (Some(Ok(_)), None) => Cause::ApplicationAddress,
        },
        300..=399 => Cause::Redirect(response.header("location").unwrap_or_default()),
        status => Cause::NginxAnswers(status),
    }
}

/// nginx's own 404: of a file that is not there, or of a miss that nobody hands on.
fn who_says_404(facts: &Facts) -> Cause {
    match facts.looks().any(|look| !look.lookups.is_empty()) {
        true => Cause::ErrorPageCodes("404"),
        false => Cause::NginxAnswers(404),
    }
}

pub(super) fn application(facts: &Facts) -> Verdict {
    let Some(app) = &facts.given.app else {
        return Unchecked("give --app to compare with the application itself".to_owned());
    };
    if *app == facts.url.origin.address() {
        let seen = format!("{app} is the URL's own address");
        return Bad(Cause::ApplicationPort, seen);
    }
    match facts.direct.as_ref().map(|trial| &trial.first) {
        Some(Ok(response)) => Good(format!("itself says {}", seen(response))),
        Some(Err(problem)) => Bad(Cause::AppOption(app.clone()), problem.to_string()),
        None => Unchecked("it was not asked".to_owned()),
    }
}
