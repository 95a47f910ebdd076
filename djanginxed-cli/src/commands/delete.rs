//! `djanginxed delete`: removes pages as the application does.

use super::{tell_nothing_was_stored, tell_what_is_not_kept};
use crate::cache_args::{KeyArgs, ServerArgs};
use crate::failure::{Outcome, exit_code};
use crate::output;
use crate::targets::TargetArgs;
use crate::unreached::Unreached;

/// Delete the stored page of each target
///
/// With --vary, in each of its variants. Without, pages of an application that
/// varies them are not reached: they have other keys.
/// A page whose render began before the delete, or within about 2 seconds
/// after it, is not kept.
/// Exit code 0 also where there was none to delete, which is said on standard error.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: djanginxed delete --servers 127.0.0.1:11211 --prefix site1 /articles/1"
)]
pub(crate) struct Args {
    #[command(flatten)]
    servers: ServerArgs,
    #[command(flatten)]
    page: KeyArgs,
    #[command(flatten)]
    targets: TargetArgs,
}

pub(crate) async fn run(args: &Args) -> Outcome {
    let pages = args.servers.builder(&args.page.prefix)?.build()?;
    let variants = args.page.variants()?;
    let targets = args.targets.read()?;
    let mut servers = args.servers.servers()?;
    let (mut deleted, mut unreached) = (0, Unreached::default());
    let all = targets.iter();
    let all = all.flat_map(|target| args.page.keys(&variants, target));
    let keys: Vec<_> = all.map(|variant| variant.key).collect();
    for key in &keys {
        let index = servers.index_of(key);
        let server = servers.address(index);
        // Asked first, so that one that hangs is waited for once and not each time.
        if let Err(trouble) = servers.reach(index).await {
            unreached.note(&server, trouble);
            continue;
        }
        match pages.delete(key).await {
            Ok(was_there) => deleted += usize::from(was_there),
            Err(error) => unreached.note(&server, error),
        }
    }
    unreached.tell();
    let failed = unreached.count();
    let absent = keys.len() - deleted - failed;
    output::line(format_args!(
        "{deleted} deleted, {absent} were not stored, {failed} failed"
    ))?;
    if deleted == 0 && absent > 0 {
        let others = match args.page.varies() {
            true => "",
            false => {
                "; pages that vary (.vary(…), DJANGINXED_VARY) have other keys, which a delete without --vary does not reach"
            }
        };
        tell_nothing_was_stored("none of these pages", &args.page.prefix, others);
    }
    if failed < keys.len() {
        tell_what_is_not_kept("delete");
    }
    Ok(exit_code(failed == 0))
}
