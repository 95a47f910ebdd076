//! What is measured, a file each.

pub(crate) mod app_hit;
pub(crate) mod app_miss;
pub(crate) mod burst;
pub(crate) mod coverage;
mod hit_costs;
mod instructions;
pub(crate) mod nginx_hit;
mod purge;
pub(crate) mod waits;

use anyhow::Result;
use clap::ValueEnum;

use crate::stage::Stage;
use crate::table::Table;

/// A part of the suite, in the order of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// Hits that nginx answers, beside its peers.
    NginxHit,
    /// What variants, groups, ignored parameters and parts add to such a hit.
    HitCosts,
    /// Misses in the application, also where Memcached hangs.
    Miss,
    /// Hits in the application, of few pages and of many.
    Hit,
    /// A thousand clients on one cold page.
    Burst,
    /// Visitors who wait for a render, while pages' times end.
    Waits,
    /// Purges of a tag that very many pages have.
    Purge,
    /// What share of the example shop's requests nginx answers alone.
    Coverage,
    /// Instructions and allocations a request, which no other load disturbs.
    Instructions,
}

impl Group {
    pub(crate) fn measure(self, stage: &Stage) -> Result<Vec<Table>> {
        match self {
            Group::NginxHit => nginx_hit::measure(stage),
            Group::HitCosts => hit_costs::measure(stage),
            Group::Miss => app_miss::measure(stage),
            Group::Hit => app_hit::measure(stage),
            Group::Burst => burst::measure(stage),
            Group::Waits => waits::measure(stage),
            Group::Purge => purge::measure(stage),
            Group::Coverage => coverage::measure(stage),
            Group::Instructions => instructions::measure(stage),
        }
    }
}
