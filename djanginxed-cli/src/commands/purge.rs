//! `djanginxed purge`: deletes all pages that something concerns, as the application does.

use djanginxed::Purge;
use djanginxed_rules::{TAG, is_tag};

use super::{tell_nothing_was_stored, tell_what_is_not_kept};
use crate::cache_args::{PrefixArgs, ServerArgs};
use crate::failure::{Outcome, exit_code};
use crate::output;

/// Delete all pages that have a tag, or all of the site
///
/// Tags belong to the application's default key prefix: name that one, whatever the
/// prefixes of its pages. With several tags, the pages that have one of them.
/// A page whose render began before the purge, or within about 2 seconds
/// after it, is not kept.
/// Exit code 0 also where there was none to delete, which is said on standard error.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: djanginxed purge --servers 127.0.0.1:11211 --prefix site1 --tag article:7"
)]
pub(crate) struct Args {
    #[command(flatten)]
    servers: ServerArgs,
    #[command(flatten)]
    prefix: PrefixArgs,
    #[command(flatten)]
    what: What,
}

/// What is to be purged.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct What {
    /// A tag of the pages; may be given several times
    #[arg(long = "tag", value_name = "TAG", value_parser = tag)]
    tags: Vec<String>,
    /// All pages of the site, whatever their tags and prefixes; what others keep on the servers stays
    #[arg(long)]
    all: bool,
}

impl What {
    fn purge(&self) -> Purge {
        match self.all {
            true => Purge::everything(),
            false => Purge::tags(&self.tags),
        }
    }
}

pub(crate) fn tag(text: &str) -> Result<String, String> {
    match is_tag(text) {
        true => Ok(text.to_owned()),
        false => Err(format!("it is no tag: use {TAG}")),
    }
}

pub(crate) async fn run(args: &Args) -> Outcome {
    let pages = args.servers.builder(&args.prefix)?.build()?;
    let purged = pages.purge(args.what.purge()).await?;
    for failure in &purged.failures {
        output::tell(failure);
    }
    output::line(format_args!(
        "{} deleted, {} failed",
        purged.deleted, purged.in_doubt
    ))?;
    if purged.is_complete() && purged.deleted == 0 {
        let what = match args.what.all {
            true => "no page",
            false => "no page with such a tag",
        };
        tell_nothing_was_stored(what, &args.prefix, "");
    }
    tell_what_is_not_kept("purge");
    if !purged.is_complete() {
        output::tell("pages may be left there: purge again when the servers answer");
    }
    Ok(exit_code(purged.is_complete()))
}
