//! `djanginxed key`: the key of a page, as nginx and the application compute it.

use std::process::ExitCode;

use crate::cache_args::{KeyArgs, ServerArgs, VariantKey};
use crate::failure::Outcome;
use crate::output;
use crate::targets::TargetArgs;

/// Print the Memcached key of each target, one a line; with --vary, that of each variant; with
/// --servers, the server that it is on, too
///
/// A line is KEY, KEY VARIANT or, with --servers, KEY SERVER or KEY VARIANT SERVER: the server
/// is the one that nginx asks for the page. No server is asked for anything.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: djanginxed key --prefix site1 '/articles/?page=2'")]
pub(crate) struct Args {
    #[command(flatten)]
    servers: ServerArgs,
    #[command(flatten)]
    page: KeyArgs,
    #[command(flatten)]
    targets: TargetArgs,
}

pub(crate) fn run(args: &Args) -> Outcome {
    // Checks the prefix and the rules, and names what is wrong with them.
    let variants = args.page.variants()?;
    let servers = match args.servers.given() {
        true => Some(args.servers.servers()?),
        false => None,
    };
    let targets = args.targets.read()?;
    if args.page.prefix.prefix.is_empty() {
        output::tell("the key prefix is empty; give the application's with --prefix");
    }
    for target in targets {
        for VariantKey { variant, key } in args.page.keys(&variants, &target) {
            let server = servers.as_ref().map(|servers| servers.address_of(&key));
            let words = [Some(key.to_string()), Some(variant), server];
            let words = words.into_iter().flatten().filter(|word| !word.is_empty());
            output::line(words.collect::<Vec<_>>().join(" "))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
