//! What README, documentation and their pictures show: all of it is made from
//! benches/results/latest.json, so that they say what was measured.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::chart::{Bar, Panel, svg};
use crate::columns::{SERVER, SPEED};
use crate::groups::burst::{self, BURST};
use crate::groups::coverage::{self, COVERAGE};
use crate::groups::waits::{self, WAITS};
use crate::groups::{app_miss as miss, nginx_hit as nginx};
use crate::report::Report;
use crate::stage::root;
use crate::table::{Row, Table};

const RESULTS: &str = "benches/results/latest.json";

/// A file of the project, and what is in it.
type File = (PathBuf, String);

/// Makes them anew from the last run's results.
pub(crate) fn update() -> Result<()> {
    write(of_project(&last()?)?)
}

/// Makes them from `report`, and keeps it.
pub(crate) fn publish(report: &Report) -> Result<()> {
    let json = (root().join(RESULTS), json(report)?);
    write([vec![json], of_project(report)?].concat())
}

/// Writes `report` into a folder of the caller's.
pub(crate) fn write_into(folder: &Path, report: &Report) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let markdown = format!("# What djanginxed costs\n\n{}", report.markdown());
    let json = (folder.join("latest.json"), json(report)?);
    write(vec![json, (folder.join("latest.md"), markdown)])
}

fn json(report: &Report) -> Result<String> {
    Ok(serde_json::to_string_pretty(report)? + "\n")
}

/// The last run's. Its names live as long as the program, as those of a run do; it is read once.
fn last() -> Result<Report> {
    let text = read(&root().join(RESULTS))?;
    serde_json::from_str(text.leak()).context(RESULTS)
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| file.display().to_string())
}

fn write(files: Vec<File>) -> Result<()> {
    for (file, text) in files {
        fs::write(&file, text).with_context(|| file.display().to_string())?;
        eprintln!("Written: {}", file.display());
    }
    Ok(())
}

fn of_project(report: &Report) -> Result<Vec<File>> {
    let mut files = pictures(report);
    for (name, block) in [
        ("README.md", readme(report)),
        ("docs/benchmarks.md", report.markdown()),
    ] {
        let file = root().join(name);
        let text = replace_block(&read(&file)?, &block);
        files.push((
            file,
            text.with_context(|| format!("{name} has no {BEGIN}"))?,
        ));
    }
    Ok(files)
}

const BEGIN: &str = "<!-- bench:begin -->\n";
const END: &str = "<!-- bench:end -->";

/// `text` with `block` between the marks.
fn replace_block(text: &str, block: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{block}\n{END}{after}"))
}

/// The README's rows, what a reader wants to know first: what it is, the table's id and the
/// column's heading, the row that is ours, and one beside it.
const README: [(&str, [&str; 2], [&str; 2]); 5] = [
    (
        "of a shop with baskets and edits nginx answers alone",
        [COVERAGE, "answered by nginx alone"],
        [coverage::OURS, coverage::PROXY_CACHE],
    ),
    (
        "wrong answers there",
        [COVERAGE, "wrong"],
        [coverage::OURS, coverage::PROXY_CACHE],
    ),
    (
        "visitors who wait for a render while pages' times end",
        [WAITS, "waited for a render"],
        [waits::STALE, waits::TIMEOUT],
    ),
    (
        "renders for 1,000 who ask for a cold page at once",
        [BURST, "renders"],
        [burst::OURS, burst::BARE],
    ),
    (
        "misses a second, of those without the attribute (rounds)",
        [miss::NO_RENDER, SPEED.heading],
        [miss::LOOKUP, miss::BY_HAND],
    ),
];

fn readme(report: &Report) -> String {
    let mut text = String::from("| | djanginxed | beside it |\n|---|---:|---|\n");
    for (what, [id, heading], rows) in README {
        let shown = |row| report.table(id)?.shown(row, heading);
        let [our, their] = rows.map(|row| shown(row).unwrap_or_else(|| "not measured".to_owned()));
        text += &format!("| {what} | {our} | {}: {their} |\n", rows[1]);
    }
    let measured = report.machine.short(" for servers and visitors together");
    text + &format!("\n{measured}\n")
}

fn pictures(report: &Report) -> Vec<File> {
    let about = report.machine.short("");
    let hits = report.table(nginx::ONE).map(|table| {
        let under = format!(
            "One page of 10 kB, one nginx worker, {about} By requests a second or by the server's processor time, whichever is less."
        );
        ("hits.svg", svg(&[hits(table)], &under))
    });
    let waits = report.table(WAITS).map(|table| {
        let under = format!("200 pages, timeout 2 s, renders of 50 ms, {about}");
        ("waits.svg", svg(&waits(table), &under))
    });
    let folder = root().join("docs/pictures");
    let pictures = [hits, waits].into_iter().flatten();
    pictures
        .map(|(name, svg)| (folder.join(name), svg))
        .collect()
}

/// The picture's rows, as people call them who have not read about the groups.
const HITS: [(&str, &str); 7] = [
    (nginx::PROXY_CACHE, "nginx's proxy_cache alone"),
    (nginx::MICRO, "djanginxed, --micro-cache 1s"),
    (nginx::WHOLE, "djanginxed, --layout response"),
    (nginx::BODIES, "djanginxed, bodies: the default"),
    (nginx::VARNISH, "Varnish"),
    (nginx::UNCACHED, "nginx before the application, no cache"),
    (nginx::PYTHON, "the Python package's nginx file"),
];

/// How fast hits are.
fn hits(table: &Table) -> Panel {
    let bar = |(row, name): &(&str, &str)| {
        let value = speed(table.row(row)?, table.row(nginx::PROXY_CACHE)?)?;
        Some(Bar {
            name: (*name).to_owned(),
            value,
            label: format!("{value:.2}"),
            is_ours: name.starts_with("djanginxed"),
        })
    };
    let mut bars: Vec<Bar> = HITS.iter().filter_map(bar).collect();
    bars.sort_by(|a, b| b.value.total_cmp(&a.value));
    Panel {
        heading: "Speed of a hit through nginx; proxy_cache is 1 (longer is better)",
        bars,
    }
}

/// Of another row's speed: by requests a second or by the server's processor time, whichever is
/// less.
fn speed(row: &Row, of: &Row) -> Option<f64> {
    let requests = row.ratio(of, SPEED.metric)?.median;
    let time = of.ratio(row, SERVER.metric)?.median;
    Some(requests.min(time))
}

/// Who waits for a render.
fn waits(table: &Table) -> Vec<Panel> {
    let panels = [
        ("waited for a render", "Requests that waited for a render"),
        ("p99", "99 of 100 requests were answered within"),
        ("slowest", "The slowest request"),
    ];
    let panel = |(shown, heading)| {
        let bar = |row: &Row| {
            Some(Bar {
                name: row.name.replace('`', ""),
                value: row.summary(table.column(shown)?.metric)?.median,
                label: table.shown(&row.name, shown)?,
                is_ours: row.name == waits::STALE,
            })
        };
        let bars = table.rows.iter().filter_map(bar).collect();
        Panel { heading, bars }
    };
    panels.map(panel).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readme_documentation_and_pictures_say_what_was_measured() {
        for (file, text) in of_project(&last().unwrap()).unwrap() {
            let there = read(&file).unwrap();
            let file = file.display();
            assert!(
                there == text,
                "{file} says something else: cargo xtask bench --pictures"
            );
        }
    }

    #[test]
    fn a_block_is_replaced_between_its_marks() {
        let text = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let new = format!("a\n{BEGIN}\nnew\n\n{END}\nb\n");
        assert_eq!(replace_block(&text, "new\n"), Some(new));
        assert_eq!(replace_block("no marks", "new"), None);
    }

    #[test]
    fn a_speed_is_the_less_favourable_of_the_two() {
        let row = |requests, seconds| Row {
            name: String::new(),
            failure: None,
            rounds: vec![[(SPEED.metric, requests), (SERVER.metric, seconds)].into()],
        };
        let other = row(100.0, 1.0);
        assert_eq!(speed(&row(80.0, 2.0), &other), Some(0.5));
        assert_eq!(speed(&row(40.0, 1.0), &other), Some(0.4));
    }
}
