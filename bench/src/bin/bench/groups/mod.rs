//! What is measured, a file each.

mod app_hit;
mod app_miss;
mod build;
mod burst;
mod coverage;
mod fault;
mod hit_costs;
mod instructions;
mod key;
mod nginx_hit;
mod purge;
mod scaling;
mod waits;

use clap::ValueEnum;

use crate::contest::Outcome;
use crate::stage::Stage;
use crate::table::Table;

/// A part of the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// Hits that nginx answers, beside its peers.
    NginxHit,
    /// What variants, groups, ignored parameters and parts add to such a hit.
    HitCosts,
    /// Misses in the application.
    Miss,
    /// Hits in the application.
    Hit,
    /// A thousand clients on one cold page.
    Burst,
    /// A Memcached that hangs.
    Fault,
    /// Visitors who wait for a render, while pages' times end.
    Waits,
    /// Purges of a tag that very many pages have.
    Purge,
    /// What share of the example shop's requests nginx answers alone.
    Coverage,
    /// Many pages in memory.
    Scaling,
    /// The time of a page's key.
    Key,
    /// Instructions and allocations a request, which no other load disturbs.
    Instructions,
    /// What it takes to compile (not with --quick, unless asked for).
    Build,
}

impl Group {
    pub(crate) const ALL: [Group; 13] = [
        Group::Key,
        Group::NginxHit,
        Group::HitCosts,
        Group::Miss,
        Group::Hit,
        Group::Burst,
        Group::Fault,
        Group::Waits,
        Group::Purge,
        Group::Coverage,
        Group::Scaling,
        Group::Instructions,
        Group::Build,
    ];

    pub(crate) fn measure(self, stage: &Stage) -> Outcome<Vec<Table>> {
        match self {
            Group::NginxHit => nginx_hit::measure(stage),
            Group::HitCosts => hit_costs::measure(stage),
            Group::Miss => app_miss::measure(stage),
            Group::Hit => app_hit::measure(stage),
            Group::Burst => burst::measure(stage),
            Group::Fault => fault::measure(stage),
            Group::Waits => waits::measure(stage),
            Group::Purge => purge::measure(stage),
            Group::Coverage => coverage::measure(stage),
            Group::Scaling => scaling::measure(stage),
            Group::Key => Ok(vec![key::measure(stage)]),
            Group::Instructions => instructions::measure(stage),
            Group::Build => Ok(vec![build::measure()?]),
        }
    }
}

/// Tables and rows that others speak of.
pub(crate) mod names {
    pub(crate) use super::app_hit::{
        BY_HAND as HIT_BY_HAND, EMBEDDED as HIT_EMBEDDED, MEMCACHED as HIT_MEMCACHED,
        ONE_PAGE as HIT, READY as HIT_READY,
    };
    pub(crate) use super::app_miss::{
        BARE as MISS_BARE, EMBEDDED as MISS_EMBEDDED, LOOKUP as MISS_LOOKUP,
        NO_LOOKUP as MISS_NO_LOOKUP, NO_RENDER as MISS, RENDER as MISS_RENDER,
    };
    pub(crate) use super::build::{
        BUILD, DJANGINXED as BUILD_DJANGINXED, MEMCACHE as BUILD_MEMCACHE,
    };
    pub(crate) use super::burst::{BARE as BURST_BARE, BURST, OURS as BURST_OURS};
    pub(crate) use super::coverage::{COVERAGE, OURS as SITE, PROXY_CACHE as SITE_PROXY_CACHE};
    pub(crate) use super::fault::{BARE as HUNG_BARE, HUNG, LOOKUP as HUNG_LOOKUP};
    pub(crate) use super::key::{KEY, SHORT as KEY_SHORT};
    pub(crate) use super::nginx_hit::{
        BODIES as NGINX_GZIP, MICRO as NGINX_MICRO, ONE_PAGE as NGINX_HIT, PASS as NGINX_PASS,
        PROXY_CACHE, PYTHON, UNCACHED, VARNISH, WHOLE as NGINX_WHOLE,
    };
    pub(crate) use super::waits::{STALE as WAITS_STALE, TIMEOUT as WAITS_TIMEOUT, WAITS};

    /// Of misses, too.
    pub(crate) const MISS_BY_HAND: &str = "by hand: lookup, awaited store";
}
