//! The command line.

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::{check, completions, delete, key, man, nginx, purge, show, top, warm};
use crate::failure::{Failure, Outcome};

/// What a command ends with.
pub(crate) const EXIT_CODES: &str = "0 all is well; 1 something is not (a fact is ✗, a page is not \
     stored, a server does not answer); 2 the command line is wrong; 130 ended by Ctrl-C; \
     141 nobody reads the output any more; 143 check or top was ended by SIGTERM; 129 by SIGHUP";

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

/// Options whose empty value means something: pages have no prefix.
const MAY_BE_EMPTY: [&str; 2] = ["prefix", "tag_prefix"];

impl Cli {
    /// What the command line says; a mistake that clap sees ends the program.
    pub(crate) fn read() -> Result<Cli, Failure> {
        let command = Cli::command();
        let matches = command.clone().get_matches();
        if let Some((name, given)) = matches.subcommand() {
            let known = command.find_subcommand(name);
            known.map_or(Ok(()), |known| refuse_empty(known, given))?;
        }
        Ok(Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()))
    }

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

/// A shell's variable that is not set leaves `--bypass-cookie ""`, and nobody bypasses. A
/// variable of the environment that is empty is none, as in the application.
fn refuse_empty(command: &clap::Command, given: &ArgMatches) -> Result<(), Failure> {
    let options = command.get_arguments().filter_map(|argument| {
        let (id, name) = (argument.get_id().as_str(), argument.get_long()?);
        (!MAY_BE_EMPTY.contains(&id)).then_some((id, name))
    });
    for (id, name) in options {
        let is_written = given.value_source(id) == Some(ValueSource::CommandLine);
        let mut values = given.get_raw(id).into_iter().flatten();
        if is_written && values.any(|value| value.to_string_lossy().trim().is_empty()) {
            return Err(Failure::Usage(format!(
                "--{name}: an empty value: write one, or leave it out"
            )));
        }
    }
    Ok(())
}
