//! Facts -> the one cause that explains them.
//!
//! The checks stand in the order in which one thing depends on another, so the
//! first that does not hold is the root, and all behind it are its consequences.
//! A stage ends where the next facts are to be gathered.

mod conf;
mod faults;
mod found;
mod lasting;
mod memcached;
mod page;
mod placed;
mod processes;
mod reach;
mod refresh;
mod requests;
mod stored;
mod target;
mod unprobed;
mod variants;
mod vary;

#[cfg(test)]
mod tests;

use super::cause::Cause;
use super::facts::Facts;

pub(super) use vary::options;

/// What a check says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The fact holds; what was seen.
    Good(String),
    /// It was not checked; why.
    Unchecked(String),
    /// It cannot be checked, nor can what comes behind it; why, and what to do instead.
    Ends(String),
    /// There is nothing to say.
    Silent,
    /// It does not hold: the cause, and what was seen.
    Bad(Cause, String),
}

pub(super) type Check = (&'static str, fn(&Facts) -> Verdict);

/// Which facts are gathered together, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// One request through nginx, one to the application, each server's health.
    Reach,
    /// Targets asked for twice, and where their pages lie.
    Store,
    /// What a hit is beside a miss.
    Page,
    /// Other spellings of the target.
    Target,
    /// Who must not get a stored page.
    Rules,
    /// Visitors of each variant.
    Variants,
    /// Other methods.
    Methods,
    /// Names that a stranger made up.
    Strangers,
    /// Pages past their timeout, copies, locks, purges.
    Lasting,
    /// A page whose timeout is waited for.
    Refresh,
    /// Memcached is out of reach.
    Faults,
    /// The application is down.
    WithoutApp,
}

pub(super) const RUNNING: &[Stage] = &[
    Stage::Reach,
    Stage::Store,
    Stage::Page,
    Stage::Target,
    Stage::Rules,
    Stage::Variants,
    Stage::Methods,
    Stage::Strangers,
    Stage::Lasting,
    Stage::Refresh,
];

impl Stage {
    /// What can be said once this stage's facts are there.
    pub(super) fn checks(self) -> &'static [Check] {
        match self {
            Stage::Reach => &[
                ("reachable", reach::reachable),
                ("application", reach::application),
            ],
            Stage::Store => &[
                ("memcached", memcached::memcached),
                ("stored", stored::stored),
                ("miss-status", stored::status),
                ("private", stored::private),
                ("processes", processes::processes),
                ("between", stored::between),
                ("conf", conf::agrees),
                ("hit", found::hit),
                ("key", found::key),
            ],
            Stage::Page => &[
                ("gzip", page::gzip),
                ("same-page", page::same),
                ("fields", page::fields),
                ("own-host", page::own_host),
                ("size", page::size),
            ],
            Stage::Target => &[("target", target::target)],
            Stage::Methods => &[
                ("post", |facts| requests::passes(facts, "POST")),
                ("options", |facts| requests::passes(facts, "OPTIONS")),
                ("head", requests::head),
            ],
            Stage::Rules => &[
                ("authorization", |facts| {
                    requests::rules(facts, "authorization")
                }),
                ("bypass-cookie", |facts| {
                    requests::rules(facts, "bypass-cookie")
                }),
                ("bypass-header", |facts| {
                    requests::rules(facts, "bypass-header")
                }),
            ],
            Stage::Variants => &[("variants", variants::variants)],
            Stage::Strangers => &[
                ("foreign-host", requests::foreign_host),
                ("forwarded", requests::forwarded),
            ],
            Stage::Lasting => &[
                ("stale", lasting::stale),
                ("copy", lasting::copy),
                ("render-lock", lasting::lock),
                // Also where a purge fails for the same reason.
                ("pending-purges", lasting::pending),
                ("purge", lasting::purge),
                // The page works; sooner or later it will not.
                ("connections", memcached::connections),
            ],
            Stage::Refresh => &[("refresh", refresh::refresh)],
            Stage::WithoutApp => &[
                ("app-down", lasting::app_is_down),
                ("stand-in", lasting::stand_in),
            ],
            Stage::Faults => &[
                ("out-of-reach", faults::out_of_reach),
                ("fault-get", faults::get),
                ("fault-head", |facts| faults::in_time(facts, "HEAD")),
                ("fault-post", |facts| faults::in_time(facts, "POST")),
            ],
        }
    }
}
