//! The pictures of the documentation, drawn from the tables of docs/benchmarks.md, so that
//! they say what stands there.

use std::path::{Path, PathBuf};

use crate::chart::{self, Bar, Panel};
use crate::contest::Outcome;
use crate::groups::names::WAITS;
use crate::stage::root;
use crate::table::{Row, Table, count};

/// Draws all of them.
pub(crate) fn draw() -> Outcome {
    for picture in PICTURES {
        let file = folder().join(picture.file);
        std::fs::write(&file, picture.svg()?)
            .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        eprintln!("Written: {}", file.display());
    }
    Ok(())
}

/// Draws who waited in a run, where that was measured.
pub(crate) fn draw_waits(tables: &[Table], under: &str, file: &Path) -> Outcome {
    let Some(table) = tables.iter().find(|table| table.id == WAITS) else {
        return Ok(());
    };
    let rows: Vec<Waited> = table.rows.iter().filter_map(measured).collect();
    let svg = chart::svg(&waits(&rows), under)?;
    std::fs::write(file, svg).map_err(|error| format!("cannot write {}: {error}", file.display()))
}

fn folder() -> PathBuf {
    root().join("docs/pictures")
}

/// A picture of one table.
struct Picture {
    file: &'static str,
    /// The heading above the table.
    section: &'static str,
    panels: fn(&[Vec<String>]) -> Option<Vec<Panel>>,
    under: &'static str,
}

const PICTURES: [Picture; 2] = [
    Picture {
        file: "hits.svg",
        section: "## The micro cache",
        panels: hits,
        under: "One page of 10 kB, one nginx worker, 26 November 2026 (docs/benchmarks.md). Green: djanginxed.",
    },
    Picture {
        file: "waits.svg",
        section: "## Who waits when pages' times end",
        panels: |rows| {
            let rows = rows.iter().map(|row| written(row));
            Some(waits(&rows.collect::<Option<Vec<_>>>()?))
        },
        under: "200 pages, timeout 2 s, renders of 50 ms, 60 s, 26 November 2026 (docs/benchmarks.md). Green: refresh_through and stale.",
    },
];

impl Picture {
    fn svg(&self) -> Outcome<String> {
        let file = root().join("docs/benchmarks.md");
        let text = std::fs::read_to_string(&file)
            .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let wrong = || format!("docs/benchmarks.md: {:?} has another table", self.section);
        let rows = table_below(&text, self.section).ok_or_else(wrong)?;
        chart::svg(&(self.panels)(&rows).ok_or_else(wrong)?, self.under)
    }
}

/// The cells of the first table below `heading`, without its head.
fn table_below(text: &str, heading: &str) -> Option<Vec<Vec<String>>> {
    let (_, section) = text.split_once(&format!("{heading}\n"))?;
    let rows: Vec<_> = section
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            let cells = line.trim_matches('|').split('|');
            cells.map(|cell| cell.trim().replace('`', "")).collect()
        })
        .collect();
    (!rows.is_empty()).then_some(rows)
}

/// The number with which a cell begins.
fn number(cell: &str) -> Option<f64> {
    let digits: String = cell
        .chars()
        .take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
        .filter(|c| *c != ',')
        .collect();
    digits.parse().ok()
}

/// nginx's processor time a hit.
fn hits(rows: &[Vec<String>]) -> Option<Vec<Panel>> {
    let bar = |row: &Vec<String>| {
        let [name, time, ..] = row.as_slice() else {
            return None;
        };
        Some(Bar {
            is_ours: !name.starts_with("proxy_cache") && !name.starts_with("return"),
            name: name.clone(),
            value: number(time)?,
            label: format!("{time} µs"),
        })
    };
    let mut bars = rows.iter().map(bar).collect::<Option<Vec<_>>>()?;
    bars.sort_by(|a, b| a.value.total_cmp(&b.value));
    Some(vec![Panel {
        heading: "nginx's processor time for a hit (shorter is better)".to_owned(),
        bars,
    }])
}

/// Who waited with one setting.
struct Waited {
    name: String,
    requests: f64,
    waited: f64,
    p99_ms: f64,
    slowest_ms: f64,
}

/// As it stands in the documentation.
fn written(row: &[String]) -> Option<Waited> {
    let [name, requests, waited, p99, slowest, ..] = row else {
        return None;
    };
    Some(Waited {
        name: name.clone(),
        requests: number(requests)?,
        waited: number(waited)?,
        p99_ms: number(p99)?,
        slowest_ms: number(slowest)?,
    })
}

/// As it was measured.
fn measured(row: &Row) -> Option<Waited> {
    let median = |metric| row.summary(metric).map(|summary| summary.median);
    Some(Waited {
        name: row.name.replace('`', ""),
        requests: median("requests")?,
        waited: median("waited")?,
        p99_ms: median("p99_seconds")? * 1000.0,
        slowest_ms: median("slowest_seconds")? * 1000.0,
    })
}

fn waits(rows: &[Waited]) -> Vec<Panel> {
    let panel = |heading: &str, bar: fn(&Waited) -> (f64, String)| Panel {
        heading: heading.to_owned(),
        bars: rows
            .iter()
            .map(|row| {
                let (value, label) = bar(row);
                Bar {
                    is_ours: row.name.contains("stale"),
                    name: row.name.clone(),
                    value,
                    label,
                }
            })
            .collect(),
    };
    vec![
        panel("Requests that waited for a render", |row| {
            let label = format!("{} of {}", count(row.waited), count(row.requests));
            (row.waited, label)
        }),
        panel("99 of 100 requests were answered within", |row| {
            (row.p99_ms, format!("{:.0} ms", row.p99_ms))
        }),
        panel("The slowest request", |row| {
            (row.slowest_ms, format!("{:.0} ms", row.slowest_ms))
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pictures_are_those_of_the_tables_beside_them() {
        for picture in PICTURES {
            let file = folder().join(picture.file);
            let there = std::fs::read_to_string(&file).unwrap();
            assert!(
                there == picture.svg().unwrap(),
                "{} is not drawn from docs/benchmarks.md: cargo xtask bench --pictures",
                file.display()
            );
        }
    }

    #[test]
    fn a_table_is_read_as_it_stands() {
        let text =
            "## A\n\nwords\n\n| | n |\n|---|---:|\n| `a` | 1,234 of 5 |\n| b | 0.5 |\n\n## B\n";
        let rows = table_below(text, "## A").unwrap();
        assert_eq!(rows, [["a", "1,234 of 5"], ["b", "0.5"]]);
        assert_eq!(
            rows.iter().map(|row| number(&row[1])).collect::<Vec<_>>(),
            [Some(1234.0), Some(0.5)]
        );
        assert_eq!(table_below(text, "## B"), None);
    }
}
