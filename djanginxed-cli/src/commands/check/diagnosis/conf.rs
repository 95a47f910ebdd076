//! What nginx's own configuration says, where it was given.

use djanginxed::{Layout, Placement};

use super::Verdict;
use super::Verdict::{Bad, Good, Silent};
use super::found::stored_layout;
use super::placed::application_places;
use super::vary::{in_keys, options};
use crate::commands::check::cause::Cause;
use crate::commands::check::conf::{Site, Upstream, weight};
use crate::commands::check::facts::{Facts, Given, Trial};
use crate::commands::check::placing::Difference;
use crate::commands::check::recipe::{other_variant, with_other_mark};

pub(super) fn agrees(facts: &Facts) -> Verdict {
    let Some(conf) = &facts.given.conf else {
        return Silent;
    };
    let Some(site) = conf.site(&facts.url) else {
        let seen = format!("no server_name is {}", facts.url.origin.host);
        return Bad(Cause::ServerName, seen);
    };
    let is_sound = |trial: &Trial| trial.is_hit() && !trial.is_head_shown();
    let works = !facts.trials.is_empty() && facts.trials.iter().all(is_sound);
    match disagreement(facts, &site) {
        // By luck nginx finds each page, since the application has the servers that are given.
        Some((cause @ Cause::NginxServers(_), seen)) if is_placed_as_given(facts) => {
            Bad(cause, seen)
        }
        // nginx and the application agree, so it is the command line that says otherwise.
        Some((cause, seen)) if works => Bad(of_the_options(cause, &site), seen),
        Some((cause, seen)) => Bad(cause, seen),
        None => Good(format!(
            "location {} has the prefix, the servers and the error_page that it should{}",
            site.location,
            lag(&site)
        )),
    }
}

/// Whether the application has stored each page where the given servers say.
fn is_placed_as_given(facts: &Facts) -> bool {
    let places = application_places(facts);
    let all = !places.is_empty() && places.len() == facts.trials.len();
    all && facts
        .placing()
        .is_some_and(|ours| ours.explain(&places).is_none())
}

/// What an option says wrongly where nginx's file would be wrong if it were right.
fn of_the_options(cause: Cause, site: &Site) -> Cause {
    match cause {
        Cause::NginxPrefix(prefix) => Cause::PrefixOption(prefix),
        Cause::NginxParts(has_parts) => Cause::PartsOption(has_parts),
        Cause::NginxVariants(what) => Cause::VaryOption(what, options(&site.rules)),
        Cause::NginxLayout(given) => Cause::LayoutOption(site.layout.unwrap_or(given)),
        Cause::NginxServers(further @ Difference::Further(_)) => {
            Cause::ServersOption(Some(further))
        }
        Cause::NginxServers(_) => Cause::ServersOption(None),
        cause => cause,
    }
}

fn lag(site: &Site) -> String {
    let lag = site.lag.as_ref();
    lag.map_or_else(String::new, |lag| {
        format!("; its micro cache does not see purges and deletes {lag}")
    })
}

fn disagreement(facts: &Facts, site: &Site) -> Option<(Cause, String)> {
    let given = &facts.given;
    if let Some(inner) = &site.lost_inner {
        let seen = format!(
            "location {} asks {inner} for stored pages, and no server of the file gives them out there",
            site.location
        );
        return Some((Cause::InnerServer(inner.clone()), seen));
    }
    let Some(upstream) = &site.upstream else {
        let seen = format!("location {} asks no Memcached", site.location);
        return Some((Cause::OtherLocation(site.location.clone()), seen));
    };
    // Keys of a layout are like those of the other for text/html alone.
    let key = || site.key.as_deref().and_then(|key| wrong_key(given, key));
    wrong_layout(given, site)
        .or_else(|| other_layout(facts, site))
        .or_else(key)
        .or_else(|| wrong_servers(given, upstream).filter(|_| !is_one_server(facts, upstream)))
        .or_else(|| wrong_error_page(site))
}

/// Whether both have one server, which is the same however it is written: nginx finds there
/// what the application has stored on the one that is given.
fn is_one_server(facts: &Facts, upstream: &Upstream) -> bool {
    let is_one = facts.given.servers.len() == 1 && upstream.servers.len() == 1;
    is_one && is_placed_as_given(facts) && facts.trials.iter().all(Trial::is_hit)
}

fn wrong_key(given: &Given, key: &str) -> Option<(Cause, String)> {
    let seen = format!("the file makes keys of {key}");
    let plain = key.replace(['{', '}'], "");
    let (prefix, variables) = plain.split_at(plain.find('$').unwrap_or(plain.len()));
    if variables.contains("host") || variables.contains("server_name") {
        return Some((Cause::KeyHost("$host"), seen));
    }
    if !variables.contains("$request_uri") {
        return Some((Cause::KeyPathAlone, seen));
    }
    let start = given.recipe().start();
    if prefix == start {
        return None;
    }
    let (other, has_parts) = with_other_mark(&start);
    if prefix == other {
        return Some((Cause::NginxParts(has_parts), seen));
    }
    if let Some(variant) = other_variant(&start, prefix) {
        return Some((Cause::NginxVariants(in_keys(variant)), seen));
    }
    // A prefix of a page of its own type goes on with "=" and the type: a location of
    // another type may have another prefix, too.
    let [(_, own), (bare, other)] =
        [start.as_str(), prefix].map(|start| start.split_once('=').unwrap_or((start, "")));
    let cause = match own == other {
        true => Cause::NginxPrefix(Some(bare.to_owned())),
        false => Cause::PageType(given.content_type.clone()),
    };
    Some((cause, seen))
}

fn wrong_layout(given: &Given, site: &Site) -> Option<(Cause, String)> {
    let layout = site.layout.filter(|layout| *layout != given.layout)?;
    let seen = format!("the file is for layout {layout}");
    Some((Cause::NginxLayout(given.layout), seen))
}

/// Nobody said which layout the application stores, and it was seen.
fn other_layout(facts: &Facts, site: &Site) -> Option<(Cause, String)> {
    let inspection = facts.inspection.as_ref();
    let seen_there = || inspection.and_then(|found| found.stored_layout);
    let stored = stored_layout(facts).or_else(seen_there)?;
    let of_file = site.layout.filter(|layout| *layout != stored)?;
    let seen = format!("the file is for layout {of_file}, and layout {stored} is stored");
    (!facts.given.says_layout).then_some((Cause::NginxLayout(stored), seen))
}

fn wrong_servers(given: &Given, upstream: &Upstream) -> Option<(Cause, String)> {
    if given.servers.is_empty() {
        return None;
    }
    let entries = given.servers.iter().map(|server| {
        let weight = weight(server.to_string().split(' '));
        (server.address(), weight)
    });
    let ours: Vec<(String, u32)> = entries.collect();
    let difference = difference(given, &ours, upstream)?;
    let shown: Vec<_> = (upstream.servers.iter())
        .map(|(server, weight)| match weight {
            1 => server.clone(),
            weight => format!("{server} weight={weight}"),
        })
        .collect();
    let seen = format!("the file's servers are {}", shown.join(", "));
    Some((Cause::NginxServers(difference), seen))
}

fn difference(given: &Given, ours: &[(String, u32)], upstream: &Upstream) -> Option<Difference> {
    let theirs = &upstream.servers;
    let one = ours.len() == 1 && theirs.len() == 1;
    if one && ours[0].0 == theirs[0].0 {
        return None;
    }
    let missing =
        (ours.iter()).find(|(server, _)| !theirs.iter().any(|(other, _)| other == server));
    if let Some((server, _)) = missing {
        let shorter = theirs.len() < ours.len();
        let known = shorter && theirs.iter().all(|other| ours.contains(other));
        return Some(if known {
            Difference::Missing(server.clone())
        } else {
            Difference::Unknown
        });
    }
    let further = (theirs.iter()).find(|(server, _)| !ours.iter().any(|(own, _)| own == server));
    if let Some((server, _)) = further {
        return Some(Difference::Further(server.clone()));
    }
    if theirs.len() != ours.len() {
        return Some(Difference::Unknown);
    }
    let weighs = |(server, weight): &&(String, u32)| theirs.contains(&(server.clone(), *weight));
    if let Some((server, _)) = ours.iter().find(|entry| !weighs(entry)) {
        return Some(Difference::Weight(server.clone()));
    }
    let consistent = given.placement == Placement::Consistent;
    if consistent != upstream.consistent {
        let other = match upstream.consistent {
            true => Placement::Consistent,
            false => Placement::Modulo,
        };
        return Some(Difference::Placement(other));
    }
    // On the ring the order does not matter.
    (!consistent && ours != theirs).then_some(Difference::Order)
}

fn wrong_error_page(site: &Site) -> Option<(Cause, String)> {
    // srcache takes all that is no whole response for a miss.
    if site.layout == Some(Layout::Response) {
        return None;
    }
    let Some(page) = &site.error_page else {
        let seen = "the location has no error_page".to_owned();
        return Some((Cause::ErrorPageCodes("404, 502 and 504"), seen));
    };
    let seen = format!("the file's error_page is for {}", page.codes.join(" "));
    let lacks = ["404", "502", "504"]
        .into_iter()
        .find(|code| !page.codes.iter().any(|found| found == code));
    match lacks {
        Some(code) => Some((Cause::ErrorPageCodes(code), seen)),
        None if !page.equals => Some((Cause::ErrorPageEquals, format!("{seen}, without \"=\""))),
        None => None,
    }
}
