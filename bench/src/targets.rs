//! What the project wants to reach, beside what was measured. Nothing fails
//! here because a machine is slow.

use crate::columns::SPEED;
use crate::groups::{app_hit as hit, app_miss as miss, coverage, nginx_hit as nginx};
use crate::table::{Table, grid};

/// A bound for a number of a row, or for its ratio to that of another row.
struct Target {
    table: &'static str,
    row: &'static str,
    metric: &'static str,
    to: Option<&'static str>,
    bound: Bound,
}

enum Bound {
    AtLeast(f64),
    AtMost(f64),
}
use Bound::{AtLeast, AtMost};

/// Of the requests a second of the row `to`.
const fn ratio(table: &'static str, row: &'static str, to: &'static str, least: f64) -> Target {
    Target {
        table,
        row,
        metric: SPEED.metric,
        to: Some(to),
        bound: AtLeast(least),
    }
}

const fn shop(metric: &'static str, bound: Bound) -> Target {
    Target {
        table: coverage::COVERAGE,
        row: coverage::OURS,
        metric,
        to: None,
        bound,
    }
}

const TARGETS: [Target; 19] = [
    shop("alone", AtLeast(0.95)),
    shop("wrong", AtMost(0.0)),
    ratio(nginx::ONE, nginx::SOCKETS, nginx::PROXY_CACHE, 0.85),
    ratio(nginx::TWELVE, nginx::SOCKETS, nginx::PROXY_CACHE, 0.85),
    ratio(nginx::ONE, nginx::MICRO, nginx::PROXY_CACHE, 0.95),
    ratio(nginx::TWELVE, nginx::MICRO, nginx::PROXY_CACHE, 0.95),
    ratio(nginx::ONE, nginx::WHOLE, nginx::BODIES, 1.0),
    ratio(nginx::ONE, nginx::WHOLE, nginx::PASS, 1.0),
    ratio(nginx::ONE, nginx::BODIES, nginx::PYTHON, 1.0),
    ratio(miss::NO_RENDER, miss::NO_LOOKUP, miss::BARE, 0.75),
    ratio(miss::NO_RENDER, miss::LOOKUP, miss::BARE, 0.5),
    ratio(miss::NO_RENDER, miss::EMBEDDED, miss::BARE, 0.75),
    ratio(miss::NO_RENDER, miss::HUNG, miss::BARE, 0.85),
    ratio(miss::RENDER, miss::NO_LOOKUP, miss::BARE, 0.95),
    ratio(miss::RENDER, miss::LOOKUP, miss::BARE, 0.95),
    ratio(miss::RENDER, miss::EMBEDDED, miss::BARE, 0.95),
    ratio(hit::ONE_PAGE, hit::EMBEDDED, hit::READY, 0.95),
    ratio(hit::ONE_PAGE, hit::MEMCACHED, hit::READY, 0.9),
    ratio(hit::ONE_PAGE, hit::MEMCACHED, hit::BY_HAND, 1.0),
];

/// Every target of `tables`, with what was measured for it.
pub(crate) fn table(tables: &[Table]) -> String {
    let head = ["target", "wanted", "measured", ""].map(str::to_owned);
    let row = |target: &Target| {
        let table = tables.iter().find(|table| table.id == target.table)?;
        Some(target.row(table))
    };
    let rows = TARGETS.iter().filter_map(row);
    grid([head].into_iter().chain(rows).map(Vec::from).collect())
}

impl Target {
    fn row(&self, table: &Table) -> [String; 4] {
        let what = match self.to {
            Some(to) => format!("{}: requests/s of {}, to {to}", self.table, self.row),
            None => format!("{}: {} of {}", self.table, self.metric, self.row),
        };
        let wanted = match self.bound {
            AtLeast(least) => format!("at least {least:.2}"),
            AtMost(most) => format!("at most {most:.2}"),
        };
        let Some(measured) = self.measured(table) else {
            return [what, wanted, "not measured".to_owned(), String::new()];
        };
        let is_met = match self.bound {
            AtLeast(least) => measured >= least,
            AtMost(most) => measured <= most,
        };
        let met = if is_met { "met" } else { "not met" };
        [what, wanted, format!("{measured:.2}"), met.to_owned()]
    }

    /// The median.
    fn measured(&self, table: &Table) -> Option<f64> {
        let row = table.row(self.row)?;
        let summary = match self.to {
            Some(to) => row.ratio(table.row(to)?, self.metric),
            None => row.summary(self.metric),
        };
        Some(summary?.median)
    }
}
