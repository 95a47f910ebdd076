//! `djanginxed completions`: for the shell.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::failure::Outcome;

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: djanginxed completions bash > ~/.local/share/bash-completion/completions/djanginxed"
)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let mut command = Cli::command();
    clap_complete::generate(
        args.shell,
        &mut command,
        "djanginxed",
        &mut std::io::stdout(),
    );
    Ok(ExitCode::SUCCESS)
}
