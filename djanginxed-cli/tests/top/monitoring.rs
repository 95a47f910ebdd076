//! The Grafana dashboard and the alerts of docs/grafana ask for what is there.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::thread;

use actix_web::rt;
use djanginxed::Purge;
use serde_json::Value;
use testkit::http::Request;
use testkit::{eventually, free_port};
use yaml_rust2::YamlLoader;

use crate::promql::{Selector, selectors};
use crate::site::{Running, exported};

/// What Prometheus adds to what it reads.
const OF_PROMETHEUS: [&str; 2] = ["instance", "job"];

/// What prometheus/memcached_exporter exports, as its own source has it.
const OF_MEMCACHED_EXPORTER: [&str; 5] = [
    "memcached_current_bytes",
    "memcached_current_connections",
    "memcached_items_evicted_total",
    "memcached_limit_bytes",
    "memcached_max_connections",
];

/// What is counted only where much goes wrong; the source has them.
const IN_TROUBLE: [&str; 2] = [
    "djanginxed_stale_if_error_total",
    "djanginxed_watch_full_total",
];

fn read(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/grafana");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// The expressions of all panels.
fn of_dashboard() -> BTreeSet<Selector> {
    let dashboard: Value = serde_json::from_str(&read("djanginxed.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .filter_map(|panel| panel["targets"].as_array());
    let found = targets
        .flatten()
        .flat_map(|target| selectors(target["expr"].as_str().unwrap()));
    found.collect()
}

/// The expressions of all rules, and the names that they record.
fn of_alerts() -> (BTreeSet<Selector>, Vec<String>) {
    let files = YamlLoader::load_from_str(&read("alerts.yml")).unwrap();
    let groups = files[0]["groups"].as_vec().unwrap();
    let rules = groups
        .iter()
        .flat_map(|group| group["rules"].as_vec().unwrap());
    let (mut found, mut recorded) = (BTreeSet::new(), Vec::new());
    for rule in rules {
        found.extend(selectors(rule["expr"].as_str().unwrap()));
        recorded.extend(rule["record"].as_str().map(str::to_owned));
    }
    (found, recorded)
}

/// Everything happens that is counted.
fn everything_happens() {
    // Nobody renders pages anew there.
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let mut site = Running::with(|pages| pages.refresh_through(&nobody));
    site.until_hit("/articles/1");
    site.get("/session");
    site.ask(Request::get("/articles/1").header("Authorization", "x"));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| site.ask(Request::get("/slow")));
        }
    });
    let stranger = UnixDatagram::unbound().unwrap();
    stranger.send_to(b"hello", &site.feed).unwrap();
    eventually("a stale page is rendered anew", || {
        site.ask(Request::get("/stale"));
        exported().contains("djanginxed_refreshes_total{")
    });
    eventually("a page that is looked after is not rendered", || {
        site.get("/stale");
        exported().contains("djanginxed_refresh_failures_total")
    });
    let pages = &site.pages;
    rt::System::new().block_on(async {
        pages.delete(&pages.key("/articles/1")).await.unwrap();
        pages.purge(Purge::tag("articles")).await.unwrap();
    });
    site.memcached.stop();
    eventually("the breaker opens", || {
        site.ask(Request::get("/articles/2"));
        exported().contains("djanginxed_breaker_open{")
    });
    site.ask(Request::new("POST", "/change"));
    eventually("a page is dropped", || {
        site.ask(Request::get("/articles/3"));
        exported().contains("djanginxed_dropped_total{")
    });
}

/// Whether `exported` has a sample of this name and with these labels.
fn is_there(exported: &str, selector: &Selector) -> bool {
    let labels = selector.labels.iter();
    let own = labels.filter(|label| !OF_PROMETHEUS.contains(&label.as_str()));
    let own: Vec<_> = own.map(|label| format!("{label}=\"")).collect();
    exported.lines().any(|line| {
        let end = line.find(['{', ' ']).unwrap_or(line.len());
        line[..end] == selector.name && own.iter().all(|label| line.contains(label))
    })
}

#[test]
fn every_metric_of_the_dashboard_and_the_alerts_is_exported() {
    everything_happens();
    let exported = exported();
    let (alerts, recorded) = of_alerts();
    let dashboard = of_dashboard();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../djanginxed-runtime/src/observe.rs");
    let counted = fs::read_to_string(source).unwrap();
    assert!(dashboard.len() > 20 && alerts.len() > 8);
    for selector in dashboard.iter().chain(&alerts) {
        let name = selector.name.as_str();
        if IN_TROUBLE.contains(&name) {
            assert!(counted.contains(&format!("counter(\"{name}\")")), "{name}");
            continue;
        }
        let elsewhere =
            OF_MEMCACHED_EXPORTER.contains(&name) || recorded.iter().any(|own| own == name);
        assert!(
            elsewhere || is_there(&exported, selector),
            "{selector:?} is not in\n{exported}"
        );
    }
}
