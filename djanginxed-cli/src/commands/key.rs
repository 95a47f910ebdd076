//! `djanginxed key`: the key of a page, as nginx and the application compute it.

use std::process::ExitCode;

use crate::cache_args::{KeyArgs, VariantKey};
use crate::failure::Outcome;
use crate::output;
use crate::targets::targets;

/// Print the Memcached key of each target, one a line; with --vary, that of each variant
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: djanginxed key --prefix site1 '/articles/?page=2'")]
pub(crate) struct Args {
    #[command(flatten)]
    page: KeyArgs,
    /// Paths with their queries as sent, or URLs; none or "-": from standard input
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Outcome {
    // Checks the prefix and the rules, and names what is wrong with them.
    let variants = args.page.variants()?;
    let targets = targets(&args.targets)?;
    if args.page.prefix.prefix.is_empty() {
        eprintln!("djanginxed: the key prefix is empty; give the application's with --prefix");
    }
    for target in targets {
        for VariantKey { variant, key } in args.page.keys(&variants, &target) {
            output::line(format!("{key} {variant}").trim_end())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
