//! The admin page in a real browser.

use std::process::{Command, Stdio};
use std::time::Duration;

use actix_web::web;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::http::{Connection, Request};
use testkit::{Process, eventually, free_port};

use crate::admin::{administered, tagged};
use crate::scopes::{in_memory, statuses};
use crate::stack::{Application, Script, ok};

/// A browser of its own, driven by WebDriver. It ends with this value.
struct Browser {
    port: u16,
    session: String,
    _driver: Process,
    /// An empty one: nothing is left of another test.
    _profile: TempDir,
}

/// It needs no screen, and asks nobody but the tests.
const ARGUMENTS: [&str; 8] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

impl Browser {
    fn start() -> Browser {
        let port = free_port();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let driver = Process::spawn("chromedriver", &mut command, None)
            .expect("the tests with a browser need it: apt-get install chromium-driver");
        eventually("the driver listens", || Connection::open(port).is_ok());
        let profile = tempfile::tempdir().unwrap();
        let mut arguments = ARGUMENTS.map(str::to_owned).to_vec();
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        let mut browser = Browser {
            port,
            session: String::new(),
            _driver: driver,
            _profile: profile,
        };
        let options = json!({ "args": arguments });
        let capabilities =
            json!({"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}});
        let session = browser.post("", &json!({"capabilities": {"alwaysMatch": capabilities}}));
        browser.session = format!("/{}", session["sessionId"].as_str().unwrap());
        browser
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        let request = Request::new("POST", format!("/session{}{path}", self.session));
        let request = request.header("Content-Type", "application/json");
        self.answer(&request.body(body.to_string()))
    }

    #[track_caller]
    fn read(&self, path: &str) -> Value {
        self.answer(&Request::get(format!("/session{}{path}", self.session)))
    }

    #[track_caller]
    fn answer(&self, request: &Request) -> Value {
        let mut connection = Connection::open(self.port).unwrap();
        connection.set_patience(Duration::from_secs(60)).unwrap();
        connection.send(request).unwrap();
        let answer = connection.receive().unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        serde_json::from_slice::<Value>(&answer.body).unwrap()["value"].take()
    }

    #[track_caller]
    fn open(&self, port: u16, target: &str) {
        let url = format!("http://127.0.0.1:{port}{target}");
        self.post("/url", &json!({ "url": url }));
    }

    #[track_caller]
    fn element(&self, selector: &str) -> String {
        let wanted = json!({"using": "css selector", "value": selector});
        let found = self.post("/element", &wanted);
        let id = found.as_object().unwrap().values().next().unwrap();
        format!("/element/{}", id.as_str().unwrap())
    }

    #[track_caller]
    fn text(&self, selector: &str) -> String {
        let text = self.read(&format!("{}/text", self.element(selector)));
        text.as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn click(&self, selector: &str) {
        self.post(&format!("{}/click", self.element(selector)), &json!({}));
    }

    /// Clicks, and waits for the page that this leads to: the driver waits only for those
    /// of the same site.
    #[track_caller]
    fn submit(&self, selector: &str) {
        self.evaluate("window.isLeft = true");
        self.click(selector);
        let is_there = "return !window.isLeft && document.readyState == 'complete'";
        eventually("the next page is there", || self.evaluate(is_there) == true);
    }

    #[track_caller]
    fn write(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.post(&format!("{element}/clear"), &json!({}));
        self.post(&format!("{element}/value"), &json!({ "text": text }));
    }

    #[track_caller]
    fn evaluate(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// What the browser complains of in the pages that were opened: of its own page, which
    /// it begins with, it says other things.
    #[track_caller]
    fn complaints(&self) -> Vec<String> {
        let said = self.post("/se/log", &json!({"type": "browser"}));
        let said = said.as_array().unwrap().iter();
        said.map(|line| line["message"].as_str().unwrap().to_owned())
            .filter(|message| !message.starts_with("chrome://"))
            .collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let end = Request::new("DELETE", format!("/session{}", self.session));
        // The process group of the driver is killed next.
        let _ = end.try_send(self.port);
    }
}

#[test]
fn in_a_browser_a_page_is_looked_at_and_deleted() {
    let application = administered(&in_memory(), &Script::html());
    assert_eq!(
        statuses(&application, "/articles?page=2")[1],
        "djanginxed; hit"
    );
    let browser = Browser::start();
    browser.open(application.port(), "/_pages");
    assert_eq!(browser.text("h1"), "Cached pages");
    browser.write("input[name=target]", "/articles?page=2");
    browser.submit("form[method=get] button");
    assert_eq!(browser.text("h2"), "/articles?page=2");
    assert_eq!(browser.text("table td"), "yes");
    browser.submit("button[name=action]");
    assert_eq!(
        browser.text("[role=status]"),
        "It was stored, and is deleted."
    );
    assert_eq!(browser.text("table td"), "no");
    assert_eq!(
        statuses(&application, "/articles?page=2")[0],
        "djanginxed; fwd=uri-miss; stored"
    );
    let said = browser.complaints();
    let is_icon = |message: &String| message.contains("favicon");
    assert!(said.iter().all(is_icon), "{said:?}");
}

#[test]
fn in_a_browser_a_hostile_target_runs_nothing() {
    let application = administered(&in_memory(), &Script::html());
    let hostile = "/\"><script>window.hacked=1</script><img src=x onerror=window.hacked=2>";
    let encoded: String = hostile.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let browser = Browser::start();
    browser.open(application.port(), &format!("/_pages?target={encoded}"));
    assert_eq!(browser.text("h2"), hostile);
    let said = browser.evaluate("return document.querySelector('input[name=target]').value");
    assert_eq!(said, hostile);
    assert_eq!(browser.evaluate("return window.hacked || 0"), 0);
    assert_eq!(browser.evaluate("return document.scripts.length"), 0);
    // And if a script got in, the page's policy would not let it run.
    let inject = "const script = document.createElement('script'); script.text = 'window.hacked=3'; \
                  document.body.append(script); return window.hacked || 0";
    assert_eq!(browser.evaluate(inject), 0);
}

#[test]
fn in_a_browser_another_sites_form_deletes_nothing() {
    let application = administered(&in_memory(), &Script::html());
    assert_eq!(statuses(&application, "/a")[1], "djanginxed; hit");
    let admin = application.port();
    let report = Request::get("/_pages").header("Accept", "application/json");
    let report: Value = serde_json::from_slice(&report.send(admin).body).unwrap();
    let token = report["token"].as_str().unwrap().to_owned();
    let evil = Application::configured(1, &Script::html(), move |config| {
        // Even with a token that it got hold of.
        let form = format!(
            "<form method=post action=http://127.0.0.1:{admin}/_pages>\
             <input name=target value=/a><input name=token value={token}>\
             <button name=action value=delete>Win a prize</button></form>"
        );
        let page = web::to(move || {
            let form = form.clone();
            async move { ok().body(form) }
        });
        config.route("/prize", page);
    });
    let browser = Browser::start();
    browser.open(evil.port(), "/prize");
    browser.submit("button");
    let refused = "the request comes from another site's page";
    assert_eq!(browser.text("[role=status]"), refused);
    assert_eq!(statuses(&application, "/a")[0], "djanginxed; hit");
}

#[test]
fn in_a_browser_a_tag_a_page_and_everything_are_purged() {
    let application = tagged(&in_memory());
    let port = application.port();
    let is_hit = |target| statuses(&application, target)[0] == "djanginxed; hit";
    let browser = Browser::start();
    let said = |browser: &Browser| browser.text("[role=status]");
    for target in ["/a", "/b"] {
        assert!(!is_hit(target));
    }
    browser.open(port, "/_pages?target=/a");
    assert_eq!(browser.text("tr:nth-child(6) td"), "all, page:/a");
    browser.write("input[name=tag]", "page:/a");
    browser.submit("form:has(input[name=tag]) button");
    assert_eq!(said(&browser), "Purged: 1 deleted, 0 rendered anew.");
    assert!(!is_hit("/a") && is_hit("/b"));
    browser.write("form[method=post] input[name=target]", "/b");
    browser.submit("form[method=post]:has(input[name=target]) button");
    assert_eq!(said(&browser), "Purged: 1 deleted, 0 rendered anew.");
    assert!(is_hit("/a") && !is_hit("/b"));
    browser.open(port, "/_pages");
    // Without the tick the browser does not send it.
    browser.click("button[value=purge-everything]");
    assert!(is_hit("/a") && is_hit("/b"));
    browser.click("input[type=checkbox]");
    browser.submit("button[value=purge-everything]");
    assert_eq!(said(&browser), "Purged: 2 deleted, 0 rendered anew.");
    assert!(!is_hit("/a") && !is_hit("/b"));
}
