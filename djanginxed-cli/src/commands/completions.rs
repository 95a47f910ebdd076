//! `djanginxed completions`: for the shell.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::failure::Outcome;
use crate::output;

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
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "djanginxed", &mut script);
    let mut script = String::from_utf8_lossy(&script).into_owned();
    if args.shell == Shell::Fish {
        // Values and what they mean stand in double quotes there, where fish
        // would put a variable's value.
        script = script.replace("$memcached_key", "\\$memcached_key");
    }
    output::print(script)?;
    Ok(ExitCode::SUCCESS)
}
