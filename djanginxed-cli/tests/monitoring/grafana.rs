//! What is in docs/grafana.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use yaml_rust2::{Yaml, YamlLoader};

/// A panel's query, as it stands in the dashboard.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) panel: String,
    pub(crate) text: String,
}

/// A rule: of an alert, or of a record.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) is_alert: bool,
    pub(crate) text: String,
}

pub(crate) fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/grafana");
    folder.canonicalize().unwrap()
}

fn read(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap()
}

pub(crate) fn dashboard() -> Value {
    serde_json::from_str(&read("djanginxed.json")).unwrap()
}

pub(crate) fn queries() -> Vec<Query> {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let queries = panels.flat_map(|panel| {
        let targets = panel["targets"].as_array().into_iter().flatten();
        targets.map(|target| Query {
            panel: panel["title"].as_str().unwrap().to_owned(),
            text: target["expr"].as_str().unwrap().to_owned(),
        })
    });
    queries.collect()
}

pub(crate) fn rules() -> Vec<Rule> {
    let files = YamlLoader::load_from_str(&read("alerts.yml")).unwrap();
    let groups = files[0]["groups"].as_vec().unwrap().iter();
    let rules = groups.flat_map(|group| group["rules"].as_vec().unwrap());
    let rules = rules.map(|rule| {
        let alert = rule["alert"].as_str();
        let name = alert.or(rule["record"].as_str()).unwrap();
        Rule {
            name: name.to_owned(),
            is_alert: alert.is_some(),
            text: rule["expr"].as_str().unwrap().to_owned(),
        }
    });
    rules.collect()
}

/// The cases of alerts-test.yml: an alert's name, and whether it is to fire.
pub(crate) fn cases() -> Vec<(String, bool)> {
    let files = YamlLoader::load_from_str(&read("alerts-test.yml")).unwrap();
    let tests = files[0]["tests"].as_vec().unwrap().iter();
    let cases = tests.flat_map(|test| test["alert_rule_test"].as_vec().unwrap());
    let fires = |case: &Yaml| !case["exp_alerts"].as_vec().unwrap().is_empty();
    cases
        .map(|case| (case["alertname"].as_str().unwrap().to_owned(), fires(case)))
        .collect()
}
