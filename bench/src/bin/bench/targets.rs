//! What the project wants to reach, beside what was measured. Nothing fails
//! here because a machine is slow.

use crate::groups::names::*;
use crate::report::grid;
use crate::table::Table;

/// A bound for a metric of a row, or for its ratio to that of another row.
struct Target {
    table: &'static str,
    metric: &'static str,
    row: &'static str,
    versus: Option<&'static str>,
    bound: Bound,
}

enum Bound {
    AtLeast(f64),
    AtMost(f64),
}
use Bound::{AtLeast, AtMost};

const fn target(
    table: &'static str,
    metric: &'static str,
    row: &'static str,
    versus: &'static str,
    bound: Bound,
) -> Target {
    Target {
        table,
        metric,
        row,
        versus: Some(versus),
        bound,
    }
}

const SPEED: &str = "requests_per_second";
const P99: &str = "p99_seconds";
const TIME: &str = "seconds";

const TARGETS: [Target; 18] = [
    target(NGINX_HIT, SPEED, NGINX_GZIP, PROXY_CACHE, AtLeast(0.85)),
    target(NGINX_HIT, SPEED, NGINX_WHOLE, NGINX_PASS, AtLeast(1.0)),
    target(NGINX_HIT, SPEED, NGINX_GZIP, PYTHON, AtLeast(4.0)),
    target(MISS, SPEED, MISS_NO_LOOKUP, MISS_BARE, AtLeast(0.75)),
    target(MISS, SPEED, MISS_LOOKUP, MISS_BARE, AtLeast(0.5)),
    target(MISS, SPEED, MISS_EMBEDDED, MISS_BARE, AtLeast(0.75)),
    target(MISS_RENDER, SPEED, MISS_NO_LOOKUP, MISS_BARE, AtLeast(0.95)),
    target(MISS_RENDER, SPEED, MISS_LOOKUP, MISS_BARE, AtLeast(0.95)),
    target(MISS_RENDER, SPEED, MISS_EMBEDDED, MISS_BARE, AtLeast(0.95)),
    target(MISS_RENDER, P99, MISS_NO_LOOKUP, MISS_BARE, AtMost(1.2)),
    target(MISS_RENDER, P99, MISS_LOOKUP, MISS_BARE, AtMost(1.2)),
    target(MISS_RENDER, P99, MISS_EMBEDDED, MISS_BARE, AtMost(1.2)),
    target(HIT, SPEED, HIT_EMBEDDED, HIT_READY, AtLeast(0.95)),
    target(HIT, SPEED, HIT_MEMCACHED, HIT_READY, AtLeast(0.55)),
    target(HIT, SPEED, HIT_MEMCACHED, HIT_BY_HAND, AtLeast(1.0)),
    target(HUNG, SPEED, HUNG_LOOKUP, HUNG_BARE, AtLeast(0.85)),
    Target {
        versus: None,
        ..target(KEY, TIME, KEY_SHORT, "", AtMost(250e-9))
    },
    target(BUILD, TIME, BUILD_DJANGINXED, BUILD_MEMCACHE, AtMost(1.15)),
];

/// Every target of `tables`, with what was measured for it.
pub(crate) fn table(tables: &[Table]) -> String {
    let head = ["target", "wanted", "measured", ""].map(str::to_owned);
    let has = |target: &&Target| tables.iter().any(|table| table.id == target.table);
    let rows = TARGETS.iter().filter(has).map(|target| target.row(tables));
    grid([head].into_iter().chain(rows).map(Vec::from).collect())
}

impl Target {
    fn row(&self, tables: &[Table]) -> [String; 4] {
        let measured = self.measured(tables);
        let met = measured.map_or("", |measured| match self.bound.is_met(measured) {
            true => "met",
            false => "not met",
        });
        let metric = match self.metric {
            SPEED => "throughput",
            P99 => "p99",
            _ => "time",
        };
        let what = format!("{}: {metric} of {}", self.table, self.row);
        let versus = self.versus.map(|row| format!(", to that of {row}"));
        let wanted = match self.bound {
            AtLeast(number) => format!("at least {}", shown(number)),
            AtMost(number) => format!("at most {}", shown(number)),
        };
        let measured = measured.map_or_else(|| "not measured".to_owned(), shown);
        [
            what + &versus.unwrap_or_default(),
            wanted,
            measured,
            met.to_owned(),
        ]
    }

    /// The median.
    fn measured(&self, tables: &[Table]) -> Option<f64> {
        let table = tables.iter().find(|table| table.id == self.table)?;
        let row = table.row(self.row)?;
        let summary = match self.versus {
            Some(versus) => row.ratio(table.row(versus)?, self.metric),
            None => row.summary(self.metric),
        };
        Some(summary?.median)
    }
}

impl Bound {
    fn is_met(&self, measured: f64) -> bool {
        match self {
            AtLeast(least) => measured >= *least,
            AtMost(most) => measured <= *most,
        }
    }
}

/// A ratio, or a time where it is that small.
fn shown(number: f64) -> String {
    match number < 0.001 {
        true => format!("{:.0} ns", number * 1e9),
        false => format!("{number:.2}"),
    }
}
