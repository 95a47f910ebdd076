//! What the project wants to reach, beside what was measured. Nothing fails
//! here because a machine is slow.

use serde::Serialize;

use crate::groups::names::*;
use crate::table::Table;

/// A number that a metric of a row must not fall below, or rise above.
#[derive(Clone, Copy, Debug, Serialize)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) what: String,
    bound: Bound,
    /// The median; `None` where it was not measured.
    pub(crate) measured: Option<f64>,
    pub(crate) met: Option<bool>,
}

impl Verdict {
    pub(crate) fn wanted(&self) -> String {
        match self.bound {
            Bound::AtLeast(number) => format!("at least {}", shown(number)),
            Bound::AtMost(number) => format!("at most {}", shown(number)),
        }
    }
}

/// A ratio, or a time where it is that small.
pub(crate) fn shown(number: f64) -> String {
    match number < 0.001 {
        true => format!("{:.0} ns", number * 1e9),
        false => format!("{number:.2}"),
    }
}

struct Target {
    table: &'static str,
    row: &'static str,
    metric: &'static str,
    versus: Option<&'static str>,
    bound: Bound,
}

/// A throughput, to that of another row.
const fn throughput(
    table: &'static str,
    row: &'static str,
    versus: &'static str,
    least: f64,
) -> Target {
    Target {
        table,
        row,
        metric: "requests_per_second",
        versus: Some(versus),
        bound: Bound::AtLeast(least),
    }
}

const fn p99(table: &'static str, row: &'static str, versus: &'static str, most: f64) -> Target {
    Target {
        table,
        row,
        metric: "p99_seconds",
        versus: Some(versus),
        bound: Bound::AtMost(most),
    }
}

const TARGETS: [Target; 19] = [
    throughput(NGINX_HIT, NGINX_GZIP, PROXY_CACHE_GZIP, 0.85),
    throughput(NGINX_HIT, NGINX_WHOLE_GZIP, NGINX_PASS_GZIP, 1.0),
    throughput(NGINX_HIT, NGINX_GZIP, PYTHON, 4.0),
    throughput(NGINX_HIT, NGINX_GZIP, PROXY_CACHE_PACKING, 1.3),
    throughput(MISS, MISS_NO_LOOKUP, MISS_BARE, 0.75),
    throughput(MISS, MISS_LOOKUP, MISS_BARE, 0.5),
    throughput(MISS, MISS_EMBEDDED, MISS_BARE, 0.75),
    throughput(MISS_RENDER, MISS_NO_LOOKUP, MISS_BARE, 0.95),
    throughput(MISS_RENDER, MISS_LOOKUP, MISS_BARE, 0.95),
    throughput(MISS_RENDER, MISS_EMBEDDED, MISS_BARE, 0.95),
    p99(MISS_RENDER, MISS_NO_LOOKUP, MISS_BARE, 1.2),
    p99(MISS_RENDER, MISS_LOOKUP, MISS_BARE, 1.2),
    p99(MISS_RENDER, MISS_EMBEDDED, MISS_BARE, 1.2),
    throughput(HIT, HIT_EMBEDDED, HIT_READY, 0.95),
    throughput(HIT, HIT_MEMCACHED, HIT_READY, 0.55),
    throughput(HIT, HIT_MEMCACHED, HIT_BY_HAND, 1.0),
    throughput(HUNG, HUNG_LOOKUP, HUNG_BARE, 0.85),
    Target {
        table: KEY,
        row: KEY_SHORT,
        metric: "seconds",
        versus: None,
        bound: Bound::AtMost(250e-9),
    },
    Target {
        table: BUILD,
        row: BUILD_DJANGINXED,
        metric: "seconds",
        versus: Some(BUILD_MEMCACHE),
        bound: Bound::AtMost(1.15),
    },
];

/// Every target, with what was measured for it.
pub(crate) fn judge(tables: &[Table]) -> Vec<Verdict> {
    TARGETS.iter().map(|target| target.judge(tables)).collect()
}

impl Target {
    fn judge(&self, tables: &[Table]) -> Verdict {
        let measured = self.measured(tables);
        let met = measured.map(|measured| match self.bound {
            Bound::AtLeast(least) => measured >= least,
            Bound::AtMost(most) => measured <= most,
        });
        let versus = self
            .versus
            .map(|row| format!(", to that of {row}"))
            .unwrap_or_default();
        Verdict {
            what: format!(
                "{}: {} of {}{versus}",
                self.table,
                self.quantity(),
                self.row
            ),
            bound: self.bound,
            measured,
            met,
        }
    }

    fn quantity(&self) -> &'static str {
        match self.metric {
            "p99_seconds" => "p99",
            "seconds" => "time",
            _ => "throughput",
        }
    }

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
