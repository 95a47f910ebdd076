//! What a real Prometheus makes of the metrics, the dashboard's queries and the rules.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use testkit::http::Request;
use testkit::{Process, eventually_within, free_port};

use crate::events::{
    all_is_well_and_some_is_not, exported, memcached_goes, memcached_is_back,
    tell_the_feed_nonsense, unrefreshed,
};
use crate::grafana::{dashboard, folder, queries, rules};
use crate::promql::{Selector, selectors};
use crate::site::Running;
use crate::{by_panels, by_rules, counted};

/// Two looks of Prometheus at a site that is busy with other tests, too.
const PATIENCE: Duration = Duration::from_secs(60);

/// Counted only where more pages are looked after than a test has.
const OF_VERY_LARGE_SITES: [&str; 1] = ["djanginxed_watch_full_total"];

/// What Prometheus adds to what it reads.
const OF_PROMETHEUS: [&str; 2] = ["instance", "job"];

/// What memcached_exporter exports begins with this.
const OF_MEMCACHED: &str = "memcached_";

/// A Prometheus that reads a site's metrics once a second.
struct Prometheus {
    port: u16,
    _process: Process,
    _folder: TempDir,
}

impl Prometheus {
    fn start(application: u16) -> Prometheus {
        let place = tempfile::tempdir().unwrap();
        let rules = folder().join("alerts.yml").display().to_string();
        let config = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
             rule_files: ['{rules}']\n\
             scrape_configs:\n\
             - job_name: site\n  \
               static_configs: [{{targets: ['127.0.0.1:{application}']}}]\n"
        );
        let file = place.path().join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        let port = free_port();
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                place.path().join("data").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--log.level=error")
            .stdout(Stdio::null());
        let process = Process::spawn("prometheus", &mut command, Some(place.path())).unwrap();
        eventually_within(PATIENCE, "Prometheus is ready", || {
            let answer = Request::get("/-/ready").try_send(port);
            answer.is_ok_and(|answer| answer.status == 200)
        });
        Prometheus {
            port,
            _process: process,
            _folder: place,
        }
    }

    /// What the API says to `target`, or why it does not.
    fn ask(&self, target: &str) -> Result<Value, String> {
        let answer = Request::get(target)
            .header("Host", "127.0.0.1")
            .send(self.port);
        let mut said: Value = serde_json::from_str(answer.text()).unwrap();
        match said["status"].as_str() {
            Some("success") => Ok(said["data"].take()),
            _ => Err(said["error"].to_string()),
        }
    }

    /// The samples of an expression.
    fn query(&self, expression: &str) -> Result<Vec<Value>, String> {
        let data = self.ask(&format!("/api/v1/query?query={}", encoded(expression)))?;
        assert_eq!(data["resultType"], "vector", "{expression}");
        Ok(data["result"].as_array().unwrap().clone())
    }

    /// The first sample's number.
    fn number(&self, expression: &str) -> Option<f64> {
        let samples = self.query(expression).unwrap();
        samples.first()?["value"][1].as_str()?.parse().ok()
    }

    /// Whether an alert fires, or will after its time.
    fn is_active(&self, alert: &str) -> bool {
        let data = self.ask("/api/v1/alerts").unwrap();
        let mut alerts = data["alerts"].as_array().unwrap().iter();
        alerts.any(|found| found["labels"]["alertname"] == alert)
    }

    fn fires(&self, alert: &str) -> bool {
        let expression = format!("ALERTS{{alertname=\"{alert}\", alertstate=\"firing\"}}");
        !self.query(&expression).unwrap().is_empty()
    }

    #[track_caller]
    fn until_active(&self, alert: &str, mut happens: impl FnMut()) {
        eventually_within(PATIENCE, alert, || {
            happens();
            thread::sleep(Duration::from_millis(200));
            self.is_active(alert)
        });
    }
}

fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        write!(encoded, "%{byte:02X}").unwrap();
    }
    encoded
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

/// Whether nothing of this name is exported in this test.
fn is_not_here(name: &str) -> bool {
    name.starts_with(OF_MEMCACHED) || OF_VERY_LARGE_SITES.contains(&name)
}

/// As Grafana sends it.
fn sent(query: &str) -> String {
    query
        .replace("$__rate_interval", "1m")
        .replace("$job", ".+")
}

/// Visitors until the end of `during`.
fn visited<T>(site: &Running, during: impl FnOnce() -> T) -> T {
    struct Over<'a>(&'a AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for id in (1..6).cycle() {
                site.get(&format!("/articles/{id}"));
                thread::sleep(Duration::from_millis(20));
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
        let _over = Over(&is_over);
        during()
    })
}

#[test]
fn a_real_prometheus_answers_each_panel_and_raises_the_alerts() {
    let mut site = unrefreshed();
    let prometheus = Prometheus::start(site.application);
    visited(&site, || {
        eventually_within(PATIENCE, "the site is read", || {
            prometheus.number("up") == Some(1.0)
                && prometheus.number("djanginxed_lost_indexes_total") == Some(0.0)
        });
        all_is_well_and_some_is_not(&site);
        // At once, by the first piece that is lost.
        prometheus.until_active("DjanginxedIndexesLost", || {});
        let mut count = 0;
        prometheus.until_active("DjanginxedWrongTags", || {
            count += 1;
            site.ask(Request::get(format!("/tagged/a%20b?{count}")));
        });
        prometheus.until_active("DjanginxedStandsIn", || {
            site.ask(Request::get("/breaks").header("Broken", "1"));
        });
        prometheus.until_active("DjanginxedHitFeedRefused", || tell_the_feed_nonsense(&site));
        prometheus.until_active("DjanginxedRefreshFails", || {
            site.get("/stale");
        });
        assert!(!prometheus.is_active("DjanginxedBreakerOpen"));
        assert!(!prometheus.is_active("DjanginxedHitFeedSilent"));
    });
    memcached_goes(&mut site);
    prometheus.until_active("DjanginxedBreakerOpen", || {});
    eventually_within(PATIENCE, "what is not purged is told", || {
        prometheus.fires("DjanginxedNotPurged") && prometheus.fires("DjanginxedIndexesLost")
    });

    all_that_is_counted_is_exported();
    let queries = queries();
    assert!(queries.len() > 30);
    for query in &queries {
        let sent = sent(&query.text);
        let has_data = || match prometheus.query(&sent) {
            Ok(samples) => !samples.is_empty(),
            Err(error) => panic!("{}: {error}: {sent}", query.panel),
        };
        let mut names = selectors(&query.text).into_iter();
        if names.any(|found| is_not_here(&found.name)) {
            assert!(!has_data(), "{} has data: {sent}", query.panel);
        } else {
            eventually_within(PATIENCE, &format!("{}: {sent}", query.panel), has_data);
        }
    }
    let ratio = &queries[0];
    assert_eq!(ratio.panel, "Answered by nginx");
    let ratio = prometheus.number(&sent(&ratio.text)).unwrap();
    assert!((0.3..1.0).contains(&ratio), "{ratio}");

    let data = prometheus.ask("/api/v1/rules").unwrap();
    let loaded = data["groups"][0]["rules"].as_array().unwrap();
    assert_eq!(loaded.len(), rules().len());
    for rule in loaded {
        assert_eq!(
            (&rule["health"], rule["lastError"].as_str()),
            (&Value::from("ok"), None),
            "{rule}"
        );
    }
    for rule in rules() {
        prometheus.query(&rule.text).unwrap();
    }
    for variable in dashboard()["templating"]["list"].as_array().unwrap() {
        let Some(query) = variable["query"]["query"].as_str() else {
            continue;
        };
        // Of Grafana's own words for the values of a label.
        let (metric, label) = query
            .strip_prefix("label_values(")
            .and_then(|rest| rest.strip_suffix(")")?.split_once(", "))
            .unwrap();
        let target = format!("/api/v1/label/{label}/values?match[]={}", encoded(metric));
        assert_eq!(
            prometheus.ask(&target).unwrap(),
            serde_json::json!(["site"])
        );
    }
    memcached_is_back(&mut site);
    eventually_within(PATIENCE, "what waited for Memcached is purged", || {
        let waits = prometheus.number("sum(djanginxed_pending_purges)");
        let repeated = prometheus.number("djanginxed_repeated_purges_total");
        waits == Some(0.0) && repeated.is_some_and(|repeated| repeated > 0.0)
    });
}

/// With the labels that the dashboard and the rules look at.
fn all_that_is_counted_is_exported() {
    let exported = exported();
    let types = exported
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    let mut seen: BTreeSet<String> = types
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect();
    seen.extend(OF_VERY_LARGE_SITES.map(str::to_owned));
    assert_eq!(seen, counted().into_keys().collect());
    let rules = rules();
    for selector in by_panels().union(&by_rules()) {
        let name = selector.name.as_str();
        let is_recorded = rules.iter().any(|rule| !rule.is_alert && rule.name == name);
        if !is_recorded && !is_not_here(name) {
            assert!(
                is_there(&exported, selector),
                "{selector:?} is not in\n{exported}"
            );
        }
    }
}

#[test]
fn what_is_no_expression_is_refused() {
    let prometheus = Prometheus::start(free_port());
    let refused = prometheus.query("sum by (rate(x[1m])").unwrap_err();
    assert!(refused.contains("parse error"), "{refused}");
}
