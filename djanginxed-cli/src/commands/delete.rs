//! `djanginxed delete`: removes pages as the application does.

use std::process::ExitCode;

use crate::cache_args::{KeyArgs, ServerArgs};
use crate::failure::Outcome;
use crate::output;
use crate::targets::targets;

const NOT_KEPT: &str = "pages whose render began before this delete, or begins within about 2 seconds after it, are not kept";

/// Delete the stored page of each target
///
/// A page whose render began before the delete, or within about 2 seconds
/// after it, is not kept.
/// Exit code 0 also where there was none to delete.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: djanginxed delete --servers 127.0.0.1:11211 --prefix site1 /articles/1"
)]
pub(crate) struct Args {
    #[command(flatten)]
    servers: ServerArgs,
    #[command(flatten)]
    page: KeyArgs,
    /// Paths with their queries as sent, or URLs; none or "-": from standard input
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
}

pub(crate) async fn run(args: &Args) -> Outcome {
    let pages = args.servers.builder(&args.page.prefix)?.build()?;
    let targets = targets(&args.targets)?;
    let (mut deleted, mut failed) = (0, 0);
    for target in &targets {
        match pages.delete(&args.page.key(target)).await {
            Ok(was_there) => deleted += usize::from(was_there),
            Err(error) => {
                failed += 1;
                eprintln!("djanginxed: {target}: {error}");
            }
        }
    }
    let absent = targets.len() - deleted - failed;
    output::line(format_args!(
        "{deleted} deleted, {absent} were not stored, {failed} failed"
    ))?;
    if failed < targets.len() {
        eprintln!("djanginxed: {NOT_KEPT}");
    }
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
