//! What the project wants to reach, beside what was measured. Nothing fails
//! here because a machine is slow.

use crate::columns::SPEED;
use crate::groups::{app_hit as hit, app_miss as miss, coverage, nginx_hit as nginx};
use crate::table::{Table, grid};

/// A table, its row, the row whose requests a second are one, and how many are wanted.
const SPEEDS: [(&str, &str, &str, f64); 19] = [
    (nginx::ONE, nginx::SOCKETS, nginx::PROXY_CACHE, 0.85),
    (nginx::TWELVE, nginx::SOCKETS, nginx::PROXY_CACHE, 0.85),
    (nginx::ONE, nginx::WHOLE_SOCKET, nginx::PROXY_CACHE, 0.85),
    (nginx::TWELVE, nginx::WHOLE_SOCKET, nginx::PROXY_CACHE, 0.85),
    (nginx::ONE, nginx::MICRO, nginx::PROXY_CACHE, 0.95),
    (nginx::TWELVE, nginx::MICRO, nginx::PROXY_CACHE, 0.95),
    (nginx::ONE, nginx::WHOLE, nginx::BODIES, 1.0),
    (nginx::ONE, nginx::WHOLE, nginx::PASS, 1.0),
    (nginx::ONE, nginx::BODIES, nginx::PYTHON, 1.0),
    (miss::NO_RENDER, miss::NO_LOOKUP, miss::BARE, 0.75),
    (miss::NO_RENDER, miss::LOOKUP, miss::BARE, 0.5),
    (miss::NO_RENDER, miss::EMBEDDED, miss::BARE, 0.75),
    (miss::NO_RENDER, miss::HUNG, miss::BARE, 0.85),
    (miss::RENDER, miss::NO_LOOKUP, miss::BARE, 0.95),
    (miss::RENDER, miss::LOOKUP, miss::BARE, 0.95),
    (miss::RENDER, miss::EMBEDDED, miss::BARE, 0.95),
    (hit::ONE_PAGE, hit::EMBEDDED, hit::READY, 0.95),
    (hit::ONE_PAGE, hit::MEMCACHED, hit::READY, 0.9),
    (hit::ONE_PAGE, hit::MEMCACHED, hit::BY_HAND, 1.0),
];

/// What is wanted of the shop.
const SHOP: [(&str, Bound, f64); 2] = [("alone", AT_LEAST, 0.95), ("wrong", AT_MOST, 0.0)];

type Bound = (&'static str, fn(&f64, &f64) -> bool);
const AT_LEAST: Bound = ("at least", f64::ge);
const AT_MOST: Bound = ("at most", f64::le);

/// Every target of `tables`, with what was measured for it.
pub(crate) fn table(tables: &[Table]) -> String {
    let find = |id: &str| tables.iter().find(|table| table.id == id);
    let shop = SHOP.iter().filter_map(|&(metric, bound, wanted)| {
        let row = find(coverage::COVERAGE)?.row(coverage::OURS);
        let measured = row.and_then(|row| row.summary(metric));
        let what = format!("{}: {metric} of {}", coverage::COVERAGE, coverage::OURS);
        Some(line(what, bound, wanted, measured.map(|all| all.median)))
    });
    let speeds = SPEEDS.iter().filter_map(|&(id, row, to, wanted)| {
        let table = find(id)?;
        let ratio = || Some(table.row(row)?.ratio(table.row(to)?, SPEED.metric)?.median);
        let what = format!("{id}: requests/s of {row}, to {to}");
        Some(line(what, AT_LEAST, wanted, ratio()))
    });
    let head = ["target", "wanted", "measured", ""].map(str::to_owned);
    let lines = [head].into_iter().chain(shop).chain(speeds);
    grid(lines.map(Vec::from).collect())
}

fn line(what: String, bound: Bound, wanted: f64, measured: Option<f64>) -> [String; 4] {
    let (words, is_met) = bound;
    let (measured, met) = match measured {
        Some(measured) if is_met(&measured, &wanted) => (format!("{measured:.2}"), "met"),
        Some(measured) => (format!("{measured:.2}"), "not met"),
        None => ("not measured".to_owned(), ""),
    };
    [
        what,
        format!("{words} {wanted:.2}"),
        measured,
        met.to_owned(),
    ]
}
