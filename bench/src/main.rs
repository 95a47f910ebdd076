//! `cargo xtask bench`: what djanginxed costs, measured side by side.

mod app;
mod chart;
mod client;
mod columns;
mod contest;
mod documents;
mod groups;
mod hits;
mod machine;
mod page_set;
mod peers;
mod report;
mod stage;
mod table;
mod targets;
mod wrk;

use std::env;
use std::path::PathBuf;

use actix_web::rt::System;
use anyhow::Result;
use clap::{Parser, ValueEnum};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use app::server;
use contest::guarded;
use groups::Group;
use machine::Machine;
use report::Report;
use stage::Stage;

/// Measures djanginxed beside its peers, and writes what README and documentation show of it
#[derive(Parser)]
#[command(name = "cargo xtask bench")]
struct Args {
    /// A look in a few minutes: fewer and shorter rounds.
    #[arg(long)]
    quick: bool,
    /// Measures this group alone; may be given several times.
    #[arg(long, value_enum)]
    only: Vec<Group>,
    /// Where the results go. Without it a whole run writes benches/results/latest.json and what
    /// is made from it; --quick and --only write nothing.
    #[arg(long)]
    output: Option<PathBuf>,
    /// Measures nothing, and makes the tables of README.md and docs/benchmarks.md and the
    /// pictures in docs/pictures from benches/results/latest.json.
    #[arg(long)]
    pictures: bool,
}

fn main() -> Result<()> {
    // Variants borrow from them, as from what they are written in.
    let args: Vec<&'static str> = env::args().skip(1).map(|one| &*one.leak()).collect();
    // What is measured is this program, too, in other processes.
    match args[..] {
        ["app", variant, ref memcached @ ..] => {
            let variant = serde_json::from_str(variant)?;
            let memcached = memcached.first().copied();
            System::new().block_on(server::serve(variant, memcached))
        }
        ["shop"] => System::new().block_on(visitors::counted::serve()),
        _ => run(&Args::parse()),
    }
}

fn run(args: &Args) -> Result<()> {
    if args.pictures {
        return documents::update();
    }
    let machine = Machine::look(args.quick);
    raise_file_limit()?;
    let stage = Stage::set(args.quick)?;
    let (mut tables, mut failed) = (Vec::new(), Vec::new());
    let groups = match args.only.is_empty() {
        true => Group::value_variants(),
        false => &args.only,
    };
    for group in groups {
        eprintln!("{group:?}");
        match guarded(|| group.measure(&stage)) {
            Ok(more) => tables.extend(more),
            // The other groups have their own servers.
            Err(error) => {
                eprintln!("  FAILED: {error:#}");
                failed.push(format!("{group:?}: {error:#}"));
            }
        }
    }
    let report = Report {
        machine,
        load_after: machine::load(),
        tables,
        failed,
    };
    println!("{}", report.markdown());
    match &args.output {
        Some(folder) => documents::write_into(folder, &report),
        // Half a measurement does not take a whole one's place.
        None if args.quick || !args.only.is_empty() => Ok(()),
        None => documents::publish(&report),
    }
}

/// A thousand clients need a thousand files, here and in the application.
fn raise_file_limit() -> Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = maximum;
    Ok(setrlimit(Resource::Nofile, Rlimit { current, maximum })?)
}
