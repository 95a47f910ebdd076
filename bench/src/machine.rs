//! Where and when it was measured, and with what.

use std::process::Command;
use std::time::SystemTime;

use procfs::{CpuInfo, Current, LoadAverage, Meminfo};
use serde::{Deserialize, Serialize};

use crate::stage::root;

/// The programs whose versions matter, and how each says its own.
const PROGRAMS: [(&str, &str); 6] = [
    ("rustc", "--version"),
    ("nginx", "-v"),
    ("memcached", "--version"),
    ("wrk", "-v"),
    ("varnishd", "-V"),
    ("valgrind", "--version"),
];

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Machine {
    pub(crate) date: String,
    pub(crate) revision: String,
    /// Processor, memory and kernel.
    pub(crate) hardware: String,
    pub(crate) cores: usize,
    pub(crate) versions: Vec<String>,
    /// Over one, five and fifteen minutes, before the first measurement; on a
    /// quiet machine near zero.
    pub(crate) load_before: String,
    pub(crate) quick: bool,
}

impl Machine {
    pub(crate) fn look(quick: bool) -> Machine {
        let processor = CpuInfo::current().ok();
        let processor = processor.and_then(|info| info.model_name(0).map(str::to_owned));
        let processor = processor.unwrap_or_else(|| "unknown processor".to_owned());
        let gigabytes = Meminfo::current().map_or(0, |info| info.mem_total) / 1_000_000_000;
        let kernel = first_line("uname", &["-sr"]);
        let versions = PROGRAMS.map(|(program, argument)| {
            let line = first_line(program, &[argument]).replace("nginx version: ", "");
            let line = line.split(['[', '(']).next();
            line.unwrap_or_default().trim().to_owned()
        });
        let is_there = |version: &String| !version.is_empty();
        Machine {
            date: httpdate::fmt_http_date(SystemTime::now()),
            revision: revision(),
            hardware: format!("{processor}, {gigabytes} GB of memory, {kernel}"),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            versions: versions.into_iter().filter(is_there).collect(),
            load_before: load(),
            quick,
        }
    }

    /// A paragraph for people.
    pub(crate) fn text(&self) -> String {
        format!(
            "Measured on {} at revision {}: {} cores of {}, load average before {}. {}.{}",
            self.date,
            self.revision,
            self.cores,
            self.hardware,
            self.load_before,
            self.versions.join(", "),
            self.warning(),
        )
    }

    /// What must stand beside the numbers of a quick run.
    fn warning(&self) -> &'static str {
        match self.quick {
            true => " Measured with --quick: a look, not a result.",
            false => "",
        }
    }

    /// `22 Nov 2026, 2 cores.`, with the cores' use.
    pub(crate) fn short(&self, of_cores: &str) -> String {
        let day = self.date.get(5..16).unwrap_or_default();
        format!("{day}, {} cores{of_cores}.{}", self.cores, self.warning())
    }
}

fn revision() -> String {
    let root = root().display().to_string();
    let git = |arguments: &[&str]| first_line("git", &[&["-C", &root], arguments].concat());
    let revision = git(&["rev-parse", "--short", "HEAD"]);
    // Results are written into the work tree themselves.
    match git(&["status", "--porcelain", "--", ".", ":!benches/results"]).is_empty() {
        true => revision,
        false => format!("{revision} with changes"),
    }
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

/// The load average over one, five and fifteen minutes.
pub(crate) fn load() -> String {
    let load = LoadAverage::current().map(|load| [load.one, load.five, load.fifteen]);
    let load = load.unwrap_or_default().map(|load| format!("{load:.2}"));
    load.join(" ")
}
