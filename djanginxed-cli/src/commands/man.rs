//! `djanginxed man`: the manual pages.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::CommandFactory;

use crate::cli::Cli;
use crate::failure::{Failure, Outcome};

/// Print the manual page, or write those of all commands
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: djanginxed man | man -l -")]
pub(crate) struct Args {
    /// Write a page for each command into this folder
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let command = Cli::command();
    let written = match &args.output {
        Some(folder) => clap_mangen::generate_to(command, folder),
        None => clap_mangen::Man::new(command).render(&mut std::io::stdout()),
    };
    written.map_err(|error| Failure::Failed(format!("cannot write the manual: {error}")))?;
    Ok(ExitCode::SUCCESS)
}
