//! Where and when it was measured, and with what.

use std::fs;
use std::process::Command;
use std::time::SystemTime;

use serde::Serialize;

use crate::stage::root;

#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) date: String,
    pub(crate) revision: String,
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory: String,
    pub(crate) kernel: String,
    pub(crate) versions: Vec<String>,
    /// Over one, five and fifteen minutes, before the first measurement; on a
    /// quiet machine near zero.
    pub(crate) load_before: String,
    pub(crate) quick: bool,
}

impl Machine {
    pub(crate) fn look(quick: bool) -> Machine {
        Machine {
            date: httpdate::fmt_http_date(SystemTime::now()),
            revision: revision(),
            processor: line_of("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory: memory(),
            kernel: first_line("uname", &["-sr"]),
            versions: versions(),
            load_before: load(),
            quick,
        }
    }

    /// A paragraph for people.
    pub(crate) fn text(&self) -> String {
        let how = if self.quick {
            " Measured with --quick: a look, not a result."
        } else {
            ""
        };
        format!(
            "Measured on {} at revision {}: {}, {} cores, {} of memory, {}, load average before {}. {}.{how}",
            self.date,
            self.revision,
            self.processor,
            self.cores,
            self.memory,
            self.kernel,
            self.load_before,
            self.versions.join(", "),
        )
    }
}

fn revision() -> String {
    let git = |arguments: &[&str]| {
        let folder = root().display().to_string();
        first_line("git", &[&["-C", &folder], arguments].concat())
    };
    let revision = git(&["rev-parse", "--short", "HEAD"]);
    // Results are written into the work tree themselves.
    let changes = git(&["status", "--porcelain", "--", ".", ":!benches/results"]);
    match changes.is_empty() {
        true => revision,
        false => format!("{revision} with changes"),
    }
}

fn versions() -> Vec<String> {
    let programs: [(&str, &[&str]); 6] = [
        ("rustc", &["--version"]),
        ("nginx", &["-v"]),
        ("memcached", &["--version"]),
        ("wrk", &["-v"]),
        ("varnishd", &["-V"]),
        ("valgrind", &["--version"]),
    ];
    (programs.iter())
        .map(|(program, arguments)| first_line(program, arguments))
        .map(|line| line.replace("nginx version: ", ""))
        .map(|line| {
            line.split(['[', '('])
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned()
        })
        .filter(|line| !line.is_empty())
        .collect()
}

/// The first line that a program says, on whichever output; empty without it.
fn first_line(program: &str, arguments: &[&str]) -> String {
    let Ok(output) = Command::new(program).args(arguments).output() else {
        return String::new();
    };
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    said.lines().next().unwrap_or_default().trim().to_owned()
}

/// What stands behind the colon of the first line that begins with `name`.
fn line_of(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_once(':'));
    value.map_or_else(
        || "unknown".to_owned(),
        |(_, value)| value.trim().to_owned(),
    )
}

fn memory() -> String {
    let kilobytes = line_of("/proc/meminfo", "MemTotal");
    let number = kilobytes
        .split(' ')
        .next()
        .and_then(|number| number.parse().ok());
    number.map_or(kilobytes.clone(), |kilobytes: f64| {
        format!("{:.0} GB", kilobytes / 1e6)
    })
}

pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
