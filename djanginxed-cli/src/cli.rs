//! The command line.

use clap::{Parser, Subcommand};

use crate::commands::{check, completions, delete, key, man, nginx, purge, show, top, warm};
use crate::failure::Outcome;

/// What a command ends with.
pub(crate) const EXIT_CODES: &str = "0 all is well; 1 something is not (a fact is ✗, a page is not \
     stored, a server does not answer); 2 the command line is wrong; 130 ended by Ctrl-C; \
     141 nobody reads the output any more; 143 check was ended by SIGTERM; 129 by SIGHUP";

/// Works with pages that djanginxed stores in Memcached and nginx serves.
#[derive(Debug, Parser)]
#[command(
    name = "djanginxed",
    version,
    after_help = format!("Exit codes: {EXIT_CODES}.")
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Nginx(Box<nginx::Args>),
    Check(Box<check::Args>),
    Key(key::Args),
    Show(show::Args),
    Delete(delete::Args),
    Purge(purge::Args),
    Warm(warm::Args),
    Top(top::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Cli {
    pub(crate) async fn run(self) -> Outcome {
        match self.command {
            Command::Nginx(args) => nginx::run(&args),
            Command::Check(args) => check::run(*args).await,
            Command::Key(args) => key::run(&args),
            Command::Show(args) => show::run(&args).await,
            Command::Delete(args) => delete::run(&args).await,
            Command::Purge(args) => purge::run(&args).await,
            Command::Warm(args) => warm::run(args).await,
            Command::Top(args) => top::run(args).await,
            Command::Completions(args) => completions::run(&args),
            Command::Man(args) => man::run(&args),
        }
    }
}
