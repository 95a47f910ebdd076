//! nginx finds what the application stores.

use super::Verdict;
use super::Verdict::{Bad, Good, Unchecked};
use super::placed::{
    application_places, application_recipe, nginx_places, nginx_recipe, nothing_stored,
};
use crate::commands::check::answer::{By, by, detail, seen, unpacked};
use crate::commands::check::cause::Cause;
use crate::commands::check::facts::{Facts, Trial};
use crate::commands::check::recipe::Recipe;
use crate::memcached::Item;

pub(super) fn hit(facts: &Facts) -> Verdict {
    let Some(trial) = facts.trials.iter().find(|trial| !trial.is_hit()) else {
        let seen = facts
            .trial()
            .and_then(|trial| trial.second.as_ref().ok())
            .map(seen);
        let seen = seen.unwrap_or_default();
        return Good(format!("nginx answers the second request: {seen}"));
    };
    let said = match &trial.second {
        Ok(second) => seen(second),
        Err(problem) => problem.to_string(),
    };
    let cause = why_no_hit(facts, trial);
    Bad(
        cause,
        format!("nginx does not answer the second request: {said}"),
    )
}

fn why_no_hit(facts: &Facts, trial: &Trial) -> Cause {
    if facts.behind_nginx == Some(false) {
        return Cause::ApplicationPort;
    }
    if facts.given.servers.is_empty() {
        return without_servers(facts, trial);
    }
    if facts.trials.iter().all(Trial::holds_page) {
        return application_servers(facts).unwrap_or_else(|| nginx_side(facts));
    }
    match application_recipe(facts) {
        Some(Recipe::Exact) => nginx_side(facts),
        Some(Recipe::Prefix(prefix)) => Cause::ApplicationPrefix(Some(prefix)),
        Some(Recipe::Target(target, _)) => rewrite(facts, target),
        Some(Recipe::PathAlone) => {
            let path = trial.target.split('?').next().unwrap_or_default();
            rewrite(facts, path.to_owned())
        }
        Some(Recipe::OfType(content_type)) => Cause::PageType(content_type),
        Some(Recipe::WithHost(_)) => Cause::ApplicationPrefix(None),
        None if !is_watched(facts) => Cause::ApplicationElsewhere,
        None if nothing_stored(facts) => Cause::ApplicationStore,
        // Asked directly, it stores the target under its own key.
        None if facts.direct.as_ref().is_some_and(Trial::holds_page) => {
            Cause::RewriteInNginx("another target".to_owned())
        }
        None => Cause::ApplicationPrefix(None),
    }
}

fn is_watched(facts: &Facts) -> bool {
    let inspection = facts.inspection.as_ref();
    inspection.is_some_and(|found| found.watched)
}

fn without_servers(facts: &Facts, trial: &Trial) -> Cause {
    let gives_up = |trial: &Trial| {
        let said = trial.first.as_ref().ok().and_then(detail);
        said.as_deref() == Some("skipped")
    };
    if facts.trials.iter().any(gives_up) {
        return Cause::NothingKept;
    }
    if facts.trials.iter().any(Trial::is_hit) {
        return Cause::SomeNotFound;
    }
    match trial.second.as_ref().map(by) {
        Ok(By::Application) => Cause::NginxFindsNothing,
        Ok(By::Stored | By::Streamed) => Cause::NothingKept,
        _ => Cause::Unexplained,
    }
}

/// The application stores under the right keys, on other servers than the given
/// list says.
fn application_servers(facts: &Facts) -> Option<Cause> {
    let difference = facts.placing()?.explain(&application_places(facts))?;
    Some(Cause::ApplicationServers(difference))
}

/// The application is right, so nginx looks elsewhere.
fn nginx_side(facts: &Facts) -> Cause {
    match nginx_recipe(facts) {
        Some(Some(Recipe::PathAlone | Recipe::Target(..))) => return Cause::KeyPathAlone,
        Some(Some(Recipe::WithHost(variable))) => return Cause::KeyHost(variable),
        Some(Some(Recipe::Prefix(prefix))) => return Cause::NginxPrefix(Some(prefix)),
        Some(Some(Recipe::OfType(_)) | None) => return Cause::NginxPrefix(None),
        Some(Some(Recipe::Exact)) | None => {}
    }
    let places = nginx_places(facts);
    let difference = facts.placing().and_then(|ours| ours.explain(&places));
    if let Some(difference) = difference {
        return Cause::NginxServers(difference);
    }
    let watched = is_watched(facts);
    let some_hit = facts.trials.iter().any(Trial::is_hit);
    match (some_hit, watched) {
        // The others are asked of a server that was not given.
        (true, _) => Cause::NginxServers(super::super::placing::Difference::Unknown),
        (false, true) => Cause::NginxDoesNotAsk,
        (false, false) => Cause::NginxFindsNothing,
    }
}

/// Asked directly, the application stores a target as it was sent, or does not.
fn rewrite(facts: &Facts, to: String) -> Cause {
    match facts.direct.as_ref().map(Trial::holds_page) {
        Some(true) => Cause::RewriteInNginx(to),
        Some(false) => Cause::RewriteInApplication(to),
        None => Cause::Rewrite(to),
    }
}

/// The page lies where the given prefix and servers say.
pub(super) fn key(facts: &Facts) -> Verdict {
    let Some(placing) = facts.placing() else {
        return Unchecked("give --servers to look into Memcached".to_owned());
    };
    let Some(trial) = facts.trial() else {
        return Unchecked("there is no page".to_owned());
    };
    let (key, server) = (trial.key, placing.address(placing.server_of(&trial.key)));
    let nothing = format!("{key} on {server} holds nothing, and nginx serves the page");
    if facts.trials.iter().all(Trial::holds_page) {
        if let Some(difference) = placing.explain(&application_places(facts)) {
            return Bad(Cause::ServersOption(Some(difference)), nothing);
        }
        return match trial.held.iter().all(|(_, item)| is_page(item, trial)) {
            true => Good(format!("{key} on {server} holds the page")),
            false => {
                let seen = format!("{key} on {server} holds something else");
                Bad(Cause::SharedMemcached, seen)
            }
        };
    }
    let cause = match application_recipe(facts) {
        Some(Recipe::Prefix(prefix)) => Cause::PrefixOption(Some(prefix)),
        Some(Recipe::OfType(content_type)) => Cause::ContentTypeOption(content_type),
        None if nothing_stored(facts) && is_watched(facts) => Cause::ServersOption(None),
        _ => Cause::PrefixOption(None),
    };
    Bad(cause, nothing)
}

fn is_page(item: &Item, trial: &Trial) -> bool {
    let is = |value: &[u8]| {
        let answers = [&trial.first, &trial.second];
        answers
            .into_iter()
            .flatten()
            .any(|answer| answer.body == value)
    };
    let (_, body) = item.parts();
    is(body) || item.is_packed() && unpacked(body).is_some_and(|plain| is(&plain))
}
