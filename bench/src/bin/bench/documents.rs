//! What README, documentation and their pictures show: all of it is made from
//! benches/results/latest.json, so that they say what was measured.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::chart::{Bar, Panel, svg};
use crate::columns::SERVER;
use crate::contest::Outcome;
use crate::groups::names::*;
use crate::report::Report;
use crate::stage::root;
use crate::table::{Row, Table};

const RESULTS: &str = "benches/results/latest.json";

/// A file of the project, and what is in it.
type File = (PathBuf, String);

/// Makes them anew from the last run's results.
pub(crate) fn update() -> Outcome {
    let file = root().join(RESULTS);
    let text = fs::read_to_string(&file).map_err(|error| failed(&file, &error))?;
    write(of_project(&read(text)?)?)
}

/// Makes them from `report`, and keeps it.
pub(crate) fn publish(report: &Report) -> Outcome {
    let json = (root().join(RESULTS), json(report)?);
    write([vec![json], of_project(report)?].concat())
}

/// Writes `report` and its pictures into a folder of the caller's.
pub(crate) fn write_into(folder: &Path, report: &Report) -> Outcome {
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    let markdown = format!("# What djanginxed costs\n\n{}", report.markdown());
    let files = [("latest.json", json(report)?), ("latest.md", markdown)];
    let files = files.into_iter().chain(pictures(report)?);
    write(
        files
            .map(|(name, text)| (folder.join(name), text))
            .collect(),
    )
}

fn failed(file: &Path, error: &io::Error) -> String {
    format!("{}: {error}", file.display())
}

fn json(report: &Report) -> Outcome<String> {
    let json = serde_json::to_string_pretty(report).map_err(|error| error.to_string())?;
    Ok(json + "\n")
}

/// A report's names live as long as the program, as those of a run do; it is read once.
fn read(text: String) -> Outcome<Report> {
    serde_json::from_str(text.leak()).map_err(|error| format!("{RESULTS}: {error}"))
}

fn write(files: Vec<File>) -> Outcome {
    for (file, text) in files {
        fs::write(&file, text).map_err(|error| failed(&file, &error))?;
        eprintln!("Written: {}", file.display());
    }
    Ok(())
}

fn of_project(report: &Report) -> Outcome<Vec<File>> {
    let texts = [
        ("README.md", readme(report)),
        ("docs/benchmarks.md", report.markdown()),
    ];
    let with_block = |(name, block): (&str, String)| {
        let file = root().join(name);
        let text = fs::read_to_string(&file).map_err(|error| failed(&file, &error))?;
        let text = replace_block(&text, &block).ok_or_else(|| format!("{name} has no {BEGIN}"))?;
        Ok((file, text))
    };
    let texts = texts.into_iter().map(with_block);
    let pictures = pictures(report)?.into_iter();
    let folder = root().join("docs/pictures");
    let pictures = pictures.map(|(name, svg)| Ok((folder.join(name), svg)));
    texts.chain(pictures).collect()
}

const BEGIN: &str = "<!-- bench:begin -->\n";
const END: &str = "<!-- bench:end -->";

/// `text` with `block` between the marks.
fn replace_block(text: &str, block: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{block}\n{END}{after}"))
}

/// The README's rows, what a reader wants to know first: the table's id and the column's
/// heading, the row that is ours, and one beside it.
const README: [[&str; 6]; 5] = [
    [
        "of a shop with baskets and edits nginx answers alone",
        COVERAGE,
        "answered by nginx alone",
        SITE,
        "`proxy_cache` for a second",
        SITE_PROXY_CACHE,
    ],
    [
        "wrong answers there",
        COVERAGE,
        "wrong",
        SITE,
        "`proxy_cache` for a second",
        SITE_PROXY_CACHE,
    ],
    [
        "visitors who wait for a render while pages' times end",
        WAITS,
        "waited for a render",
        WAITS_STALE,
        "a timeout alone",
        WAITS_TIMEOUT,
    ],
    [
        "renders for 1,000 who ask for a cold page at once",
        BURST,
        "renders",
        BURST_OURS,
        "without the attribute",
        BURST_BARE,
    ],
    [
        "misses a second, of those without the attribute (rounds)",
        MISS,
        "of the reference",
        MISS_LOOKUP,
        "a lookup and a store by hand",
        MISS_BY_HAND,
    ],
];

fn readme(report: &Report) -> String {
    let cell = |id, heading, row| {
        let table = report.table(id)?;
        let mut columns = table.columns.iter();
        let column = columns.find(|column| column.heading == heading)?;
        let cell = table.cell(table.row(row)?, column);
        // Who has failed has no number.
        (!cell.is_empty()).then_some(cell)
    };
    let cell = |id, heading, row| cell(id, heading, row).unwrap_or("not measured".to_owned());
    let mut text = String::from("| | djanginxed | beside it |\n|---|---:|---|\n");
    for [what, id, heading, ours, beside, theirs] in README {
        let (ours, theirs) = (cell(id, heading, ours), cell(id, heading, theirs));
        text += &format!("| {what} | {ours} | {beside}: {theirs} |\n");
    }
    let machine = &report.machine;
    let (day, cores, warning) = (machine.day(), machine.cores, machine.warning());
    text + &format!("\n{day}, {cores} cores for servers and visitors together.{warning}\n")
}

fn pictures(report: &Report) -> Outcome<Vec<(&'static str, String)>> {
    let machine = &report.machine;
    let about = format!(
        "{}, {} cores.{}",
        machine.day(),
        machine.cores,
        machine.warning()
    );
    let mut pictures = Vec::new();
    if let Some(table) = report.table(NGINX_HIT) {
        let under = format!(
            "One page of 10 kB, one nginx worker, {about} By requests a second or by the server's processor time, whichever is less."
        );
        pictures.push(("hits.svg", svg(&[hits(table)], &under)?));
    }
    if let Some(table) = report.table(WAITS) {
        let under = format!("200 pages, timeout 2 s, renders of 50 ms, {about}");
        pictures.push(("waits.svg", svg(&waits(table), &under)?));
    }
    Ok(pictures)
}

/// The picture's rows, as people call them who have not read about the groups.
const HITS: [(&str, &str, bool); 7] = [
    (PROXY_CACHE, "nginx's proxy_cache alone", false),
    (NGINX_MICRO, "djanginxed, --micro-cache 1s", true),
    (NGINX_WHOLE, "djanginxed, --layout response", true),
    (NGINX_GZIP, "djanginxed, bodies: the default", true),
    (VARNISH, "Varnish", false),
    (UNCACHED, "nginx before the application, no cache", false),
    (PYTHON, "the Python package's nginx file", false),
];

/// How fast hits are.
fn hits(table: &Table) -> Panel {
    let bar = |(row, name, is_ours): &(&str, &str, bool)| {
        let value = speed(table.row(row)?, table.row(PROXY_CACHE)?)?;
        Some(Bar {
            name: (*name).to_owned(),
            value,
            label: format!("{value:.2}"),
            is_ours: *is_ours,
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
    let requests = row.ratio(of, "requests_per_second")?.median;
    let time = of.ratio(row, SERVER.metric)?.median;
    Some(requests.min(time))
}

/// Who waits for a render.
fn waits(table: &Table) -> Vec<Panel> {
    let panel = |heading, metric, label: fn(f64) -> String| {
        let bar = |row: &Row| {
            let value = row.summary(metric)?.median;
            Some(Bar {
                name: row.name.replace('`', ""),
                value,
                label: label(value),
                is_ours: row.name == WAITS_STALE,
            })
        };
        let bars = table.rows.iter().filter_map(bar).collect();
        Panel { heading, bars }
    };
    let percent = |share| format!("{:.1} %", share * 100.0);
    let milliseconds = |seconds| format!("{:.0} ms", seconds * 1e3);
    vec![
        panel("Requests that waited for a render", "waited", percent),
        panel(
            "99 of 100 requests were answered within",
            "p99_seconds",
            milliseconds,
        ),
        panel("The slowest request", "slowest_seconds", milliseconds),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readme_documentation_and_pictures_say_what_was_measured() {
        let report = read(fs::read_to_string(root().join(RESULTS)).unwrap()).unwrap();
        for (file, text) in of_project(&report).unwrap() {
            let there = fs::read_to_string(&file).unwrap();
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
            rounds: vec![[("requests_per_second", requests), (SERVER.metric, seconds)].into()],
        };
        let other = row(100.0, 1.0);
        assert_eq!(speed(&row(80.0, 2.0), &other), Some(0.5));
        assert_eq!(speed(&row(40.0, 1.0), &other), Some(0.4));
    }
}
