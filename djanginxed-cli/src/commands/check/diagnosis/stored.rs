//! The first request is stored.

use super::Verdict;
use super::Verdict::{Bad, Ends, Good, Unchecked};
use super::processes::refusing;
use super::unprobed::unprobed;
use crate::commands::check::answer::{Answer, By, by, detail, is_bypass, is_rendered, seen};
use crate::commands::check::cause::Cause;
use crate::commands::check::conf::Site;
use crate::commands::check::facts::{Facts, OtherHost, Trial, Unprobed};
use crate::commands::check::recipe::OUR_PARAMETER;
use crate::http::{Response, path_of};

pub(super) fn stored(facts: &Facts) -> Verdict {
    let Some((trial, first)) = trial(facts) else {
        return Unchecked("there is no page".to_owned());
    };
    if let Some(why) = cannot_be_asked(facts, first) {
        return Ends(why);
    }
    let cause = match by(first) {
        By::Stored => {
            return Good("the first request is a miss that the application stores".to_owned());
        }
        By::Streamed => return Good("a stream, which is stored at its end".to_owned()),
        By::Refused => refused(facts, first),
        By::Nginx => ours_ignored(facts).unwrap_or(Cause::KeyPathAlone),
        By::Application => ours_ignored(facts).unwrap_or_else(|| query_lost(facts, trial)),
        By::Unknown if trial.is_stored() => {
            return Good("the page is stored, though it has no Cache-Status".to_owned());
        }
        By::Unknown => no_cache_status(facts),
    };
    Bad(cause, seen(first))
}

fn trial(facts: &Facts) -> Option<(&Trial, &Response)> {
    let trial = facts.trial()?;
    Some((trial, trial.page()?))
}

/// The application's own answer, where nothing stands between.
fn direct(facts: &Facts) -> Option<&Response> {
    facts.direct.as_ref()?.page()
}

/// Whether the application itself takes the request for a page: it stores it, or would if
/// its query were another.
fn takes_directly(facts: &Facts) -> bool {
    let direct = facts.direct.as_ref();
    direct
        .is_some_and(|direct| is_rendered(&direct.first) || direct.page().is_some_and(is_of_query))
}

/// Whether the page is refused for its query, which is looked at last.
fn is_of_query(answer: &Response) -> bool {
    detail(answer).is_some_and(|reason| reason == "query")
}

/// Why the page cannot be asked for as nobody has; none where that is not why it is refused.
fn cannot_be_asked(facts: &Facts, first: &Response) -> Option<String> {
    let why = facts.unprobed?;
    let shows = match why {
        Unprobed::AllStored => matches!(by(first), By::Nginx | By::Application),
        _ => is_of_query(first) && refusing(facts).is_none(),
    };
    shows.then(|| unprobed(facts, why))
}

fn refused(facts: &Facts, first: &Response) -> Cause {
    let reason = detail(first).unwrap_or_default();
    if let Some((process, _)) = refusing(facts) {
        return Cause::ProcessesDiffer(process);
    }
    match (reason.as_str(), takes_directly(facts)) {
        ("disabled", _) => Cause::Disabled,
        // The application has given its Memcached up for a while.
        ("skipped", _) if facts.given.servers.is_empty() => Cause::NothingKept,
        ("skipped", _) => Cause::ApplicationStore(None),
        ("proxy", _) => by_nginx(facts),
        ("host", true) => Cause::HostNotPassed,
        ("host", _) => host_unknown(facts),
        _ if is_bypass(first) && reason != "query" => Cause::Bypassed(reason),
        _ => Cause::Refused(reason),
    }
}

/// nginx says that each request takes no part: by its rules, or by the page's location.
fn by_nginx(facts: &Facts) -> Cause {
    let site = facts.site();
    match site.as_ref().filter(|site| site.upstream.is_none()) {
        Some(site) => Cause::OtherLocation(site.location.clone()),
        None => cached_host(facts, site).unwrap_or(Cause::NginxBypasses),
    }
}

/// nginx's file names the hosts whose pages are cached, and the page's is none of them.
fn cached_host(facts: &Facts, site: Option<Site>) -> Option<Cause> {
    let host = facts.url.origin.host.to_ascii_lowercase();
    let by_file = site.and_then(|site| site.cached_hosts);
    let cached = by_file.unwrap_or_else(|| {
        let others = facts.other_hosts.iter();
        let others = others.filter(|other| other.answer.as_ref().is_ok_and(is_let_by_nginx));
        others.map(|other| other.host.clone()).collect()
    });
    (!cached.is_empty() && !cached.contains(&host)).then_some(Cause::CachedHost { host, cached })
}

/// Whether nginx has sent a request to the application as one that takes part.
fn is_let_by_nginx(answer: &Response) -> bool {
    by(answer) != By::Unknown && detail(answer).as_deref() != Some("proxy")
}

/// The application does not name the page's host; which others it names, as far as it shows.
fn host_unknown(facts: &Facts) -> Cause {
    let stored = |answer: &Answer| {
        (answer.as_ref()).is_ok_and(|answer| by(answer) != By::Unknown && by(answer) != By::Refused)
    };
    let is_known =
        |other: &&OtherHost| stored(&other.answer) || other.direct.as_ref().is_some_and(stored);
    let known = facts.other_hosts.iter().filter(is_known);
    Cause::HostUnknown {
        host: facts.url.origin.host.to_ascii_lowercase(),
        known: known.map(|other| other.host.clone()).collect(),
    }
}

/// There is a page that nobody has asked for: not all of the query is lost, but this check's
/// own parameter alone.
fn ours_ignored(facts: &Facts) -> Option<Cause> {
    let mut names = facts.site().map(|site| site.ignored).unwrap_or_default();
    names.retain(|name| match name.strip_suffix('*') {
        Some(start) => OUR_PARAMETER.starts_with(start),
        None => name == OUR_PARAMETER,
    });
    let is_new = |answer: &Response| !matches!(by(answer), By::Nginx | By::Application);
    let renamed = facts.renamed.as_ref();
    let is_other = renamed.is_some_and(|answer| answer.as_ref().is_ok_and(is_new));
    (!names.is_empty() || is_other).then_some(Cause::IgnoresOurs(names))
}

/// The application finds a page that was never asked for under this query.
fn query_lost(facts: &Facts, trial: &Trial) -> Cause {
    let path = path_of(&trial.target).to_owned();
    match direct(facts).map(by) {
        Some(By::Stored | By::Streamed) => Cause::RewriteInNginx(path),
        Some(By::Application) => Cause::RewriteInApplication(path),
        _ => Cause::Rewrite(path),
    }
}

fn no_cache_status(facts: &Facts) -> Cause {
    match takes_directly(facts) {
        true => Cause::CacheStatusLost,
        false => Cause::NotCached,
    }
}

pub(super) fn status(facts: &Facts) -> Verdict {
    let Some((trial, first)) = trial(facts) else {
        return Unchecked("there is no page".to_owned());
    };
    if first.status == 200 {
        return Good("a miss has the application's status".to_owned());
    }
    // A whole response has a status of its own, and so has its hit.
    let second = trial
        .second
        .as_ref()
        .map(|second| (by(second), second.status));
    if second.is_ok_and(|hit| hit == (By::Nginx, first.status)) {
        return Good(format!("the page's own status is {}", first.status));
    }
    let seen = format!(
        "the application stores the page, and the visitor gets status {}",
        first.status
    );
    Bad(Cause::ErrorPageEquals, seen)
}

/// What pages with personal parts say.
const PERSONAL: &str = "private, no-cache";

/// Whether pages may have parts: as was said, or as nginx's hits show, which have nothing
/// from a middleware.
fn are_parts_usual(facts: &Facts) -> bool {
    let hit = facts.trial().filter(|trial| trial.is_hit());
    let hit = hit.and_then(|trial| trial.second.as_ref().ok());
    let is_said = |hit: &Response| hit.header("cache-control").as_deref() == Some(PERSONAL);
    facts.given.prefix.contains('+') || hit.is_some_and(is_said)
}

/// A middleware may have added what the policy could not see.
pub(super) fn private(facts: &Facts) -> Verdict {
    let Some((_, first)) = trial(facts) else {
        return Unchecked("there is no page".to_owned());
    };
    if let Some(cookie) = first.header("set-cookie") {
        let name = cookie.split('=').next().unwrap_or_default();
        let field = format!("Set-Cookie: {name}");
        let seen = format!("the page is stored, and leaves with {field}");
        return Bad(Cause::Private("Set-Cookie".to_owned()), seen);
    }
    let control = first.header("cache-control").unwrap_or_default();
    let lower = control.to_ascii_lowercase();
    let private = ["private", "no-store", "no-cache"];
    if control == PERSONAL && are_parts_usual(facts) {
        return Good("the page leaves as one whose parts are the visitor's own".to_owned());
    }
    if private.iter().any(|word| lower.contains(word)) {
        let field = format!("Cache-Control: {control}");
        let seen = format!("the page is stored, and leaves with {field}");
        return Bad(Cause::Private(field), seen);
    }
    Good("what is stored leaves without Set-Cookie, private and no-store".to_owned())
}

/// Nothing else answers between nginx and the application.
pub(super) fn between(facts: &Facts) -> Verdict {
    match facts.another_cache {
        None if facts.given.servers.is_empty() => {
            Unchecked("give --servers to see whether another cache answers".to_owned())
        }
        None => {
            Unchecked("no page lies on the servers that are given, to be taken away".to_owned())
        }
        Some(false) => Good("what Memcached has lost is rendered anew".to_owned()),
        Some(true) => {
            let seen = "the entry was taken away, and the next answer says that it is stored, and it is not";
            Bad(Cause::CacheBetween, seen.to_owned())
        }
    }
}
