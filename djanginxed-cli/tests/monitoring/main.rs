//! The Grafana dashboard and the alerts of docs/grafana ask for what is there, and for all
//! of it; and Prometheus takes them.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod events;
mod grafana;
mod prometheus;
mod promql;
#[path = "../top/site.rs"]
mod site;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex_lite::Regex;

use crate::grafana::{Rule, cases, folder, queries, rules};
use crate::promql::{Selector, selectors};

/// What prometheus/memcached_exporter exports, as its own source has it.
const OF_MEMCACHED_EXPORTER: [&str; 7] = [
    "memcached_connections_listener_disabled_total",
    "memcached_connections_rejected_total",
    "memcached_current_bytes",
    "memcached_current_connections",
    "memcached_items_evicted_total",
    "memcached_limit_bytes",
    "memcached_max_connections",
];

fn runtime() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../djanginxed-runtime/src")
}

/// Each metric that the runtime's source counts, and its kind.
fn counted() -> BTreeMap<String, String> {
    let source = fs::read_to_string(runtime().join("observe.rs")).unwrap();
    let measure = Regex::new(r#"measure!\(\s*(counter|gauge|histogram)\("(\w+)""#).unwrap();
    let found = measure.captures_iter(&source);
    let found: Vec<_> = found
        .map(|found| (found[2].to_owned(), found[1].to_owned()))
        .collect();
    // None is left out.
    assert_eq!(found.len(), source.matches("measure!(").count());
    found.into_iter().collect()
}

/// The names that Prometheus has of a metric.
fn names_of(name: &str, kind: &str) -> Vec<String> {
    match kind {
        "histogram" => ["_sum", "_count"]
            .map(|end| format!("{name}{end}"))
            .to_vec(),
        _ => vec![name.to_owned()],
    }
}

fn asked_for<'a>(texts: impl Iterator<Item = &'a str>) -> BTreeSet<Selector> {
    texts.flat_map(selectors).collect()
}

fn by_panels() -> BTreeSet<Selector> {
    asked_for(queries().iter().map(|query| query.text.as_str()))
}

fn by_rules() -> BTreeSet<Selector> {
    asked_for(rules().iter().map(|rule| rule.text.as_str()))
}

#[test]
fn every_metric_is_on_a_panel() {
    let panels = by_panels();
    for (name, kind) in counted() {
        for name in names_of(&name, &kind) {
            let is_shown = panels.iter().any(|selector| selector.name == name);
            assert!(is_shown, "no panel shows {name}");
        }
    }
}

#[test]
fn every_metric_of_the_dashboard_and_the_rules_is_counted() {
    let counted = counted();
    let names: Vec<_> = counted
        .iter()
        .flat_map(|(name, kind)| names_of(name, kind))
        .collect();
    let rules = rules();
    let (shown, ruled) = (by_panels(), by_rules());
    assert!(shown.len() > 20 && ruled.len() > 15);
    for Selector { name, .. } in shown.iter().chain(&ruled) {
        let is_recorded = rules
            .iter()
            .any(|rule| !rule.is_alert && rule.name == *name);
        let is_of_memcached = OF_MEMCACHED_EXPORTER.contains(&name.as_str());
        let is_known = is_recorded || is_of_memcached || names.contains(name);
        assert!(is_known, "nobody counts {name}");
    }
}

#[test]
fn the_documentation_lists_what_is_counted() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/lib.rs");
    let docs = fs::read_to_string(docs).unwrap();
    let rows = docs
        .lines()
        .filter(|line| line.starts_with("//! | `djanginxed_"));
    let listed: BTreeSet<String> = rows
        .flat_map(|row| {
            row.split('`')
                .filter(|word| word.starts_with("djanginxed_"))
        })
        .map(str::to_owned)
        .collect();
    let counted: BTreeSet<String> = counted().into_keys().collect();
    assert_eq!(listed, counted);
}

/// What is counted is all in one file: the tests above read no other.
#[test]
fn one_file_of_the_runtime_counts() {
    let mut folders = vec![runtime()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("observe.rs") {
                let source = fs::read_to_string(&path).unwrap();
                assert!(!source.contains("metrics::"), "{}", path.display());
                files += 1;
            }
        }
    }
    assert!(files > 50, "{files}");
}

#[test]
fn promtool_takes_the_rules_and_each_alert_fires_when_it_should() {
    for words in [
        ["check", "rules", "alerts.yml"],
        ["test", "rules", "alerts-test.yml"],
    ] {
        let mut promtool = Command::new("promtool");
        let output = promtool.args(words).current_dir(folder()).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(
            output.status.success() && said.contains("SUCCESS"),
            "promtool {}: {said}",
            words.join(" ")
        );
    }
}

#[test]
fn each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not_and_is_explained() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let docs = fs::read_to_string(docs).unwrap();
    let rows: Vec<_> = docs
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let cases = cases();
    let alerts: Vec<_> = rules().into_iter().filter(|rule| rule.is_alert).collect();
    assert!(alerts.len() > 12);
    for Rule { name, .. } in &alerts {
        for fires in [true, false] {
            let case = (name.clone(), fires);
            assert!(cases.contains(&case), "no case of {case:?}");
        }
        let row = rows.iter().find(|row| row.contains(&format!("`{name}`")));
        assert!(row.is_some(), "docs/operations.md does not explain {name}");
    }
    for (name, _) in cases {
        assert!(
            alerts.iter().any(|rule| rule.name == name),
            "no alert {name}"
        );
    }
}
