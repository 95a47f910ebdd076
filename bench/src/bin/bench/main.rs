//! `cargo xtask bench`: what djanginxed costs, measured side by side.

mod app;
mod chart;
mod client;
mod columns;
mod contest;
mod effort;
mod fill;
mod groups;
mod machine;
mod page_set;
mod peers;
mod pictures;
mod report;
mod stage;
mod table;
mod targets;
mod wrk;

use std::path::PathBuf;
use std::process::ExitCode;
use std::{fs, io};

use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use contest::{Outcome, guarded};
use effort::Effort;
use groups::Group;
use machine::Machine;
use report::Report;
use stage::{Stage, root};

/// Measures djanginxed beside its peers and writes benches/results/latest.*
#[derive(Parser)]
#[command(name = "cargo xtask bench")]
struct Args {
    /// A look in a few minutes: fewer and shorter rounds, nothing compiled.
    #[arg(long)]
    quick: bool,
    /// Measures this group alone; may be given several times.
    #[arg(long, value_enum)]
    only: Vec<Group>,
    /// Where the results go. Without it a whole run writes benches/results; --quick and
    /// --only write nothing.
    #[arg(long)]
    output: Option<PathBuf>,
    /// Measures nothing, and draws docs/pictures from the tables of docs/benchmarks.md.
    #[arg(long)]
    pictures: bool,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("bench: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Outcome {
    if args.pictures {
        return pictures::draw();
    }
    let machine = Machine::look(args.quick);
    raise_file_limit();
    let stage = Stage::set(Effort::new(args.quick))?;
    let mut tables = Vec::new();
    for group in args.groups() {
        eprintln!("{group:?}");
        match guarded(|| group.measure(&stage)) {
            Ok(more) => tables.extend(more),
            // The other groups have their own servers.
            Err(message) => eprintln!("  FAILED: {message}"),
        }
    }
    let report = Report {
        machine,
        load_after: machine::load(),
        targets: targets::judge(&tables),
        tables,
    };
    println!("{}", report.markdown());
    match args.folder() {
        Some(folder) => write(&report, &folder),
        None => Ok(()),
    }
}

impl Args {
    fn groups(&self) -> Vec<Group> {
        let mut groups = match self.only.is_empty() {
            true => Group::ALL.to_vec(),
            false => self.only.clone(),
        };
        if self.quick && self.only.is_empty() {
            groups.retain(|group| *group != Group::Build);
        }
        groups
    }

    fn is_whole(&self) -> bool {
        !self.quick && self.only.is_empty() && self.output.is_none()
    }

    /// Half a measurement does not take a whole one's place unless asked for.
    fn folder(&self) -> Option<PathBuf> {
        let usual = self.is_whole().then(|| root().join("benches/results"));
        self.output.clone().or(usual)
    }
}

fn write(report: &Report, folder: &std::path::Path) -> Outcome {
    let failed = |error: io::Error| format!("cannot write into {}: {error}", folder.display());
    fs::create_dir_all(folder).map_err(failed)?;
    let json = serde_json::to_string_pretty(report).map_err(|error| error.to_string())?;
    fs::write(folder.join("latest.json"), json + "\n").map_err(failed)?;
    fs::write(folder.join("latest.md"), report.markdown()).map_err(failed)?;
    let machine = &report.machine;
    let under = format!(
        "{}, {} cores, {}. Green: djanginxed.",
        machine.processor, machine.cores, machine.date
    );
    chart::draw(&report.tables, &under, &folder.join("latest.svg"))?;
    pictures::draw_waits(&report.tables, &under, &folder.join("waits.svg"))?;
    eprintln!(
        "Written: latest.json, latest.md and pictures in {}",
        folder.display()
    );
    Ok(())
}

/// A thousand clients need a thousand files, here and in the application.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        eprintln!("cannot raise the number of open files: {error}");
    }
}
