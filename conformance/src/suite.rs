//! The suite itself: its server, its client, and what it says of each test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

/// Tells for each test its kind and its outcome, by the suite's own rules: one line
/// a test, `kind outcome id`. It runs in the suite's folder.
const JUDGE: &str = r#"
import { readFileSync } from 'node:fs'
const [, file] = process.argv
const { determineTestResult, resultTypes: testResults } = await import(`${process.cwd()}/test-engine/lib/results.mjs`)
const suites = (await import(`${process.cwd()}/tests/index.mjs`)).default
const results = JSON.parse(readFileSync(file))
for (const suite of suites) for (const test of suite.tests) {
  const symbol = determineTestResult(suites, test.id, results, false)
  const name = Object.keys(testResults).find(name => testResults[name] === symbol) || 'unknown'
  const detail = results[test.id] === undefined || results[test.id] === true ? '' : results[test.id].join(' ')
  console.log(`${test.kind || 'required'} ${name} ${test.id} ${detail.replace(/\s+/g, ' ')}`)
}
"#;

pub(crate) struct Suite {
    folder: PathBuf,
}

/// What the suite says of one test.
pub(crate) struct Judged {
    pub(crate) kind: String,
    pub(crate) outcome: String,
    pub(crate) id: String,
    pub(crate) detail: String,
}

/// The suite's server, which ends with this value.
pub(crate) struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Suite {
    pub(crate) fn of(folder: &Path) -> Result<Suite, String> {
        let folder = folder.to_owned();
        if folder.join("test-engine/cli.mjs").is_file() {
            return Ok(Suite { folder });
        }
        Err(format!(
            "{} is not http-tests/cache-tests",
            folder.display()
        ))
    }

    fn node(&self) -> Command {
        let mut node = Command::new("node");
        node.current_dir(&self.folder).arg("--no-warnings");
        node
    }

    pub(crate) fn serve(&self, port: u16) -> Result<Server, String> {
        let child = self
            .node()
            .arg("test-engine/server/server.mjs")
            .env("npm_config_protocol", "http")
            .env("npm_config_port", port.to_string())
            .env("npm_config_pidfile", self.folder.join("server.pid"))
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| format!("node: {error}"))?;
        let server = Server(child);
        for _ in 0..100 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(server);
            }
            thread::sleep(Duration::from_millis(100));
        }
        Err("the suite's server does not listen".to_owned())
    }

    /// Runs every test against `port`, and judges.
    pub(crate) fn run(&self, port: u16) -> Result<Vec<Judged>, String> {
        let output = self
            .node()
            .arg("test-engine/cli.mjs")
            .env("npm_config_base", format!("http://127.0.0.1:{port}"))
            .env("npm_package_config_id", "")
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("node: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let start = text.find('{').ok_or("the suite printed no results")?;
        let file = self.folder.join("djanginxed.json");
        fs::write(&file, &text[start..]).map_err(|error| error.to_string())?;
        self.judge(&file)
    }

    /// The published results of another cache.
    pub(crate) fn published(&self, name: &str) -> Result<Vec<Judged>, String> {
        self.judge(&self.folder.join(format!("results/{name}.json")))
    }

    fn judge(&self, results: &Path) -> Result<Vec<Judged>, String> {
        let output = self
            .node()
            .args(["--input-type=module", "-e", JUDGE])
            .arg(results)
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("node: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let judged: Vec<_> = text.lines().filter_map(Judged::read).collect();
        if judged.is_empty() {
            return Err(format!("{} cannot be judged", results.display()));
        }
        Ok(judged)
    }
}

impl Judged {
    fn read(line: &str) -> Option<Judged> {
        let mut words = line.splitn(4, ' ').map(str::to_owned);
        Some(Judged {
            kind: words.next()?,
            outcome: words.next()?,
            id: words.next()?,
            detail: words.next().unwrap_or_default(),
        })
    }
}
