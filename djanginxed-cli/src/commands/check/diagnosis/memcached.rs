//! Each server can keep pages.

use std::mem::discriminant;

use super::Verdict;
use super::Verdict::{Bad, Good, Silent, Unchecked};
use crate::commands::check::cause::Cause;
use crate::commands::check::facts::{Facts, Trial};
use crate::memcached::{Connections, Health, Vitals};

pub(super) fn memcached(facts: &Facts) -> Verdict {
    if facts.health.is_empty() {
        return Unchecked("give --servers to see how they are".to_owned());
    }
    if let Some(bad) = ill(facts) {
        return bad;
    }
    let (mut versions, mut remarks) = (Vec::new(), Vec::new());
    for (index, (server, health)) in facts.health.iter().enumerate() {
        let Health::Well(vitals) = health else {
            continue;
        };
        if let Some(bad) = unfit(facts, server, vitals).or_else(|| full(facts, index, vitals)) {
            return bad;
        }
        versions.push(format!("{server} {}", vitals.version));
        remarks.extend(evicts(server, vitals));
        remarks.extend(refuses(server, vitals));
        remarks.extend(must_not_evict(server, vitals));
        remarks.extend(turns_away(server, vitals));
    }
    Good(format!(
        "answers: {}{}",
        versions.join(", "),
        remarks.concat()
    ))
}

/// Pages that were evicted are rendered anew; but an index that was hides its pages from
/// purges.
fn evicts(server: &str, vitals: &Vitals) -> Option<String> {
    let evicted = vitals.evictions.filter(|evicted| *evicted > 0)?;
    Some(format!(
        "; {server} has evicted {evicted} items: give it more memory (-m), or purges by tag may \
         miss pages, and say so"
    ))
}

/// It had no memory for them; it has for those of this check.
fn refuses(server: &str, vitals: &Vitals) -> Option<String> {
    let refused = vitals.refused.filter(|refused| *refused > 0)?;
    Some(format!(
        "; {server} has refused {refused} stores for want of memory since it was started: give \
         it more (-m), and start it without -M"
    ))
}

/// When it is full, each new page is rendered for each visitor, and what a stranger fills it
/// with stays.
fn must_not_evict(server: &str, vitals: &Vitals) -> Option<String> {
    vitals.must_not_evict.then(|| {
        format!(
            "; {server} runs with -M: when it is full it takes neither new pages nor the markers \
             of purges; start it without"
        )
    })
}

/// While it was full, nginx found no pages there; it is not now.
fn turns_away(server: &str, vitals: &Vitals) -> Option<String> {
    (vitals.turned_away > 0).then(|| {
        format!(
            "; {server} has turned away {} connections since it was started: give it more (-c)",
            vitals.turned_away
        )
    })
}

/// Each server has connections left for more visitors than there are now.
pub(super) fn connections(facts: &Facts) -> Verdict {
    let mut told = Vec::new();
    for (server, health) in &facts.health {
        let Health::Well(vitals) = health else {
            continue;
        };
        let Some(connections) = vitals.connections else {
            continue;
        };
        let Connections { open, limit, .. } = connections;
        let seen = format!("{server} has {open} of {limit} connections open");
        if connections.are_almost_all() {
            return Bad(Cause::MemcachedConnections(server.clone()), seen);
        }
        told.push(seen);
    }
    match told.is_empty() {
        true => Silent,
        false => Good(told.join(", ")),
    }
}

/// Servers that keep no pages: the cause is the first one's, and of all that are as it is.
fn ill(facts: &Facts) -> Option<Verdict> {
    let all = facts.health.iter().enumerate();
    let ill: Vec<_> = all
        .filter(|(_, (_, health))| !matches!(health, Health::Well(_)))
        .collect();
    let (_, (_, first)) = ill.first()?;
    let is_alike = |health: &Health| discriminant(health) == discriminant(first);
    let alike = ill.iter().filter(|(_, (_, health))| is_alike(health));
    let names: Vec<&str> = alike.map(|(_, (server, _))| server.as_str()).collect();
    let seen: Vec<String> = (ill.iter())
        .map(|(_, (server, health))| format!("{server}: {}", said(health)))
        .collect();
    let seen = seen.join("; ");
    if ill.iter().any(|(index, _)| is_served(facts, *index)) {
        let seen = format!("{seen}; and nginx serves its pages");
        return Some(Bad(Cause::ServersOption(None), seen));
    }
    Some(Bad(why_ill(first, names.join(" and ")), seen))
}

fn why_ill(health: &Health, servers: String) -> Cause {
    match health {
        Health::Away(_) => Cause::MemcachedDown(servers),
        Health::Hangs(_) => Cause::MemcachedHangs(servers),
        Health::WantsPassword => Cause::MemcachedPassword(servers),
        Health::Full => Cause::MemcachedConnections(servers),
        Health::TooOld(_) => Cause::MemcachedOld(servers),
        Health::Other(_) => Cause::NotMemcached(servers),
        Health::Well(_) => Cause::Unexplained,
    }
}

fn said(health: &Health) -> String {
    match health {
        Health::Away(why) | Health::Hangs(why) => why.clone(),
        Health::WantsPassword => "it wants a password".to_owned(),
        Health::Full => "it answers \"ERROR Too many open connections\"".to_owned(),
        Health::TooOld(version) => version.clone(),
        Health::Other(line) => format!("it answers {line:?}"),
        Health::Well(_) => String::new(),
    }
}

/// nginx serves a page of this very server: then it has other ones.
fn is_served(facts: &Facts, index: usize) -> bool {
    let mut hits = facts.trials.iter().filter(|trial| trial.is_hit());
    let placing = facts.placing();
    hits.any(|trial| (placing.as_ref()).is_some_and(|ours| ours.server_of(&trial.key) == index))
}

/// A server that has refused stores while a page of this check was to be stored.
fn full(facts: &Facts, index: usize, before: &Vitals) -> Option<Verdict> {
    let (server, Health::Well(after)) = facts.health_after.get(index)? else {
        return None;
    };
    let refused = after.refused?.checked_sub(before.refused?)?;
    let seen = format!("{server} has refused {refused} stores meanwhile: it is out of memory");
    let is_full = refused > 0 && facts.trials.iter().any(is_missing);
    is_full.then(|| Bad(Cause::MemcachedFull(server.clone()), seen))
}

fn is_missing(trial: &Trial) -> bool {
    !trial.holds_page() && !trial.is_hit()
}

/// A server that answers, and cannot keep this page.
fn unfit(facts: &Facts, server: &str, vitals: &Vitals) -> Option<Verdict> {
    /// Beyond 30 days Memcached takes a date.
    const DATED: u64 = 30 * 24 * 60 * 60;
    const APART: u64 = 10 * 60;
    let missing = facts.trials.iter().any(is_missing);
    let bodies = facts.trials.iter().filter_map(Trial::page);
    let size = bodies.map(|body| body.body.len()).max().unwrap_or(0);
    let fits = |largest: u64| u64::try_from(size).is_ok_and(|size| size < largest);
    if let Some(largest) = vitals
        .largest_item
        .filter(|largest| missing && !fits(*largest))
    {
        let seen = format!("the page has {size} bytes, and {server} takes {largest}");
        let server = server.to_owned();
        return Some(Bad(Cause::MemcachedItemSize { server, largest }, seen));
    }
    let seconds = vitals.clock.filter(|apart| apart.unsigned_abs() > APART)?;
    let items = facts.trials.iter().flat_map(|trial| &trial.held);
    let dated = items
        .filter_map(|(_, item)| item.seconds_left)
        .any(|left| left > DATED);
    if !missing && !dated {
        return None;
    }
    let seen = format!("the clock of {server} differs from this machine's by {seconds} s");
    let server = server.to_owned();
    Some(Bad(Cause::MemcachedClock { server, seconds }, seen))
}
