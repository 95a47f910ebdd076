//! nginx finds what the application stores.

use djanginxed::Layout;
use djanginxed_runtime::tool::has_commands;

use super::Verdict;
use super::Verdict::{Bad, Good, Unchecked};
use super::placed::{
    application_places, application_recipe, in_most, nginx_places, nginx_recipe, nothing_stored,
};
use super::vary::{hints, in_keys, in_vary, undeclared};
use crate::commands::check::answer::{Answer, By, by, detail, said, unpacked};
use crate::commands::check::cause::Cause;
use crate::commands::check::facts::{Facts, Trial};
use crate::commands::check::placing::Difference;
use crate::commands::check::recipe::{Recipe, Rewrite, lost_parameters};
use crate::http::path_of;
use crate::memcached::{Health, Item};

pub(super) fn hit(facts: &Facts) -> Verdict {
    if facts.trials.iter().any(Trial::is_head_shown) {
        let seen = "nginx serves a stored response, head and all, as the page".to_owned();
        return Bad(wrong_layout(facts, Layout::Response), seen);
    }
    let Some(trial) = facts.trials.iter().find(|trial| !trial.is_hit()) else {
        let seen = facts.trial().map(|trial| said(&trial.second));
        let seen = seen.unwrap_or_default();
        let of_all = match facts.trials.len() {
            1 => String::new(),
            count => format!(" for each of {count} pages"),
        };
        return Good(format!("nginx answers the second request{of_all}: {seen}"));
    };
    if trial.is_silent() && trial.seen_hit.is_none() {
        let why =
            "without Cache-Status nothing tells a hit from a miss here: leave cache_status on";
        return Unchecked(why.to_owned());
    }
    let said = said(&trial.second);
    let seen = format!("nginx does not answer the second request: {said}");
    Bad(why_no_hit(facts, trial), seen)
}

impl Trial {
    /// Whether nginx serves a stored response, head and all, as the page.
    pub(super) fn is_head_shown(&self) -> bool {
        self.is_hit() && is_whole(&self.second) && !is_whole(&self.first)
    }
}

/// Whether the body is a response itself.
fn is_whole(answer: &Answer) -> bool {
    (answer.as_ref()).is_ok_and(|answer| answer.body.starts_with(b"HTTP/1.1 "))
}

/// The application stores this layout, and nginx reads the other.
fn wrong_layout(facts: &Facts, stored: Layout) -> Cause {
    let given = &facts.given;
    match given.says_layout && given.layout != stored {
        true => Cause::ApplicationLayout(stored),
        false => Cause::NginxLayout(stored),
    }
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
    let fields = undeclared(facts, &[&trial.first]);
    match application_recipe(facts) {
        Some(Recipe::Exact) if is_spread(facts) => Cause::ApplicationServers(Difference::Unknown),
        Some(Recipe::Exact) => nginx_side(facts),
        Some(Recipe::Prefix(prefix)) => Cause::ApplicationPrefix(Some(prefix)),
        Some(Recipe::Parts(has)) => Cause::ApplicationParts(has),
        Some(Recipe::Vary(variant)) => Cause::ApplicationVariants(in_keys(&variant)),
        Some(Recipe::Target(target, _)) => Cause::of_rewrite(facts.direct.as_ref(), target),
        Some(Recipe::PathAlone) => {
            Cause::of_rewrite(facts.direct.as_ref(), path_of(&trial.target).to_owned())
        }
        Some(Recipe::OfType(_)) if facts.reads_responses == Some(true) => {
            wrong_layout(facts, Layout::Body)
        }
        Some(Recipe::OfType(content_type)) => Cause::PageType(content_type),
        Some(Recipe::WithHost(_)) => Cause::ApplicationPrefix(None),
        None if !fields.is_empty() => Cause::ApplicationVariants(in_vary(&fields)),
        None if !is_watched(facts) => Cause::ApplicationElsewhere,
        None if nothing_stored(facts) => Cause::ApplicationStore(None),
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

/// Of what the application stores, nginx finds what lies on the given servers, and the rest
/// lies on none of them.
fn is_spread(facts: &Facts) -> bool {
    let (found, missed): (Vec<_>, Vec<_>) = facts.trials.iter().partition(|one| one.is_hit());
    found.iter().any(|trial| trial.holds_page()) && !missed.iter().any(|trial| trial.holds_page())
}

/// The application is right, so nginx looks elsewhere.
fn nginx_side(facts: &Facts) -> Cause {
    match nginx_recipe(facts) {
        Some(Some(Recipe::PathAlone | Recipe::Target(..))) => return Cause::KeyPathAlone,
        Some(Some(Recipe::WithHost(variable))) => return Cause::KeyHost(variable),
        Some(Some(Recipe::Prefix(prefix))) => return Cause::NginxPrefix(Some(prefix)),
        Some(Some(Recipe::Parts(has))) => return Cause::NginxParts(has),
        Some(Some(Recipe::Vary(variant))) => return Cause::NginxVariants(in_keys(&variant)),
        Some(Some(Recipe::OfType(_))) => return page_type(facts),
        // Without --page for the page's type nginx has neither its type nor its prefix.
        Some(None) if facts.given.has_type() => return page_type(facts),
        Some(None) => return Cause::NginxPrefix(None),
        Some(Some(Recipe::Exact)) | None => {}
    }
    let places = nginx_places(facts);
    let difference = facts.placing().and_then(|ours| ours.explain(&places));
    if let Some(difference) = difference {
        return Cause::NginxServers(difference);
    }
    if nginx_refuses(facts)
        && let Some(stored) = stored_layout(facts)
    {
        return wrong_layout(facts, stored);
    }
    if let Some(why) = denied(facts) {
        return Cause::SocketDenied(why);
    }
    let watched = is_watched(facts);
    let some_hit = facts.trials.iter().any(Trial::is_hit);
    match (some_hit, watched) {
        // The others are asked of a server that was not given.
        (true, _) => Cause::NginxServers(Difference::Unknown),
        (false, true) => Cause::NginxDoesNotAsk,
        (false, false) => Cause::NginxFindsNothing,
    }
}

/// Keys of whole responses have no type.
fn page_type(facts: &Facts) -> Cause {
    match facts.reads_responses {
        Some(true) => wrong_layout(facts, Layout::Body),
        _ => Cause::PageType(facts.given.content_type.clone()),
    }
}

/// Why nginx may not ask the server of a page that it does not find.
fn denied(facts: &Facts) -> Option<String> {
    let placing = facts.placing()?;
    let mut missed = facts.trials.iter().filter(|trial| !trial.is_hit());
    missed.find_map(
        |trial| match &facts.health.get(placing.server_of(&trial.key))?.1 {
            Health::Well(vitals) => vitals.denied.clone(),
            _ => None,
        },
    )
}

pub(super) fn stored_layout(facts: &Facts) -> Option<Layout> {
    let held = facts.trials.iter().flat_map(|trial| &trial.held);
    held.map(|(_, item)| item.layout()).next()
}

/// nginx finds the page, and hands the request on all the same: what it finds is
/// no page for it. The application's own lookup is told by its answer.
fn nginx_refuses(facts: &Facts) -> bool {
    in_most(facts, |look| {
        let by = look.second.as_ref().map(by);
        let own = usize::from(matches!(by, Ok(By::Application)));
        !matches!(by, Ok(By::Nginx)) && look.found > own
    })
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
        if let Some(layout) = stored_layout(facts)
            && facts.given.says_layout
            && layout != facts.given.layout
        {
            let seen = format!("{key} on {server} holds another layout");
            return Bad(Cause::LayoutOption(layout), seen);
        }
        return match trial.held.iter().all(|(_, item)| is_page(item, trial)) {
            true => Good(format!("{key} on {server} holds the page")),
            false => {
                let seen = format!("{key} on {server} holds something else");
                Bad(Cause::SharedMemcached, seen)
            }
        };
    }
    let stored = facts
        .inspection
        .as_ref()
        .and_then(|found| found.stored_layout);
    let fields = undeclared(facts, &[&trial.first, &trial.second]);
    let cause = match (application_recipe(facts), stored) {
        (Some(Recipe::Target(to, Rewrite::ParametersLost)), _) => {
            let names = lost_parameters(&facts.url.target, &to);
            Cause::IgnoredQuery(names.join(", "))
        }
        // All of them are.
        (Some(Recipe::PathAlone), _) if facts.url.target.contains('?') => {
            Cause::IgnoredQuery(lost_parameters(&facts.url.target, "").join(", "))
        }
        (Some(Recipe::Prefix(prefix)), _) => Cause::PrefixOption(Some(prefix)),
        (Some(Recipe::Parts(has)), _) => Cause::PartsOption(has),
        (Some(Recipe::Vary(variant)), _) => {
            Cause::VaryOption(in_keys(&variant), hints(facts, &fields))
        }
        (None, _) if !fields.is_empty() => {
            Cause::VaryOption(in_vary(&fields), hints(facts, &fields))
        }
        (Some(Recipe::OfType(_)), Some(layout)) if layout != facts.given.layout => {
            Cause::LayoutOption(layout)
        }
        (Some(Recipe::OfType(content_type)), _) => Cause::ContentTypeOption(content_type),
        // Others lie elsewhere.
        (Some(Recipe::Exact), _) => Cause::ServersOption(None),
        (None, _) if nothing_stored(facts) && is_watched(facts) => Cause::ServersOption(None),
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
    // What visitors get has other parts each time.
    has_commands(body)
        || is(body)
        || item.is_packed() && unpacked(body).is_some_and(|plain| is(&plain))
}
