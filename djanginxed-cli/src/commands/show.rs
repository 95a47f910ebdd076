//! `djanginxed show`: what Memcached holds for a page.

use std::borrow::Cow;
use std::io::Read;
use std::process::ExitCode;

use djanginxed::PageKey;
use flate2::read::GzDecoder;

use crate::cache_args::{KeyArgs, ServerArgs};
use crate::failure::Outcome;
use crate::memcached::{Item, Servers};
use crate::output;
use crate::targets::targets;

/// Show what is stored for each target, without disturbing it
///
/// Exit code 0 if all are stored, 1 if one is not.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: djanginxed show --servers 127.0.0.1:11211 --prefix site1 /articles/1"
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
    // Checks prefix and servers, and names what is wrong with them.
    args.servers.builder(&args.page.prefix)?.build()?;
    let mut servers = Servers::new(args.servers.list()?, args.servers.placement.placement());
    let mut exit = ExitCode::SUCCESS;
    for target in targets(&args.targets)? {
        let key = args.page.key(&target);
        let server = servers.server_of(&key);
        let index = servers.index_of(&key);
        match servers
            .peek_at(index, &key)
            .await
            .map_err(|trouble| crate::failure::Failure::Failed(trouble.to_string()))?
        {
            Some(item) => output::line(describe(&target, &key, &server, &item))?,
            None => {
                output::line(format_args!("{target}\n  not stored: {key} on {server}"))?;
                exit = ExitCode::FAILURE;
            }
        }
    }
    Ok(exit)
}

fn describe(target: &str, key: &PageKey, server: &str, item: &Item) -> String {
    let Item { value, .. } = item;
    format!(
        "{target}
  key         {key}
  server      {server}
  size        {} bytes
  flags       {}
  expires     {}
  last read   {}
  first line  {}",
        value.len(),
        flags(item),
        expires(item.seconds_left),
        last_read(item),
        first_line(item).unwrap_or_else(|problem| problem),
    )
}

fn flags(item: &Item) -> String {
    let meaning = match item.flags {
        0 => "as rendered",
        2 => "gzip",
        _ => "not written by djanginxed",
    };
    format!("{} ({meaning})", item.flags)
}

fn expires(seconds_left: Option<u64>) -> String {
    match seconds_left {
        Some(seconds) => format!("in {seconds} s"),
        None => "never".to_owned(),
    }
}

fn last_read(item: &Item) -> String {
    if item.read {
        format!("{} s ago", item.seconds_untouched)
    } else {
        format!("never, stored {} s ago", item.seconds_untouched)
    }
}

/// The page's first line that is not empty, cut to a terminal's width.
fn first_line(item: &Item) -> Result<String, String> {
    const MOST: usize = 60;
    let mut page = Cow::Borrowed(item.value.as_slice());
    if item.flags == 2 {
        let mut plain = Vec::new();
        // A first line needs no more, and a small entry may unpack to very much.
        GzDecoder::new(item.value.as_slice())
            .take(64 * 1024)
            .read_to_end(&mut plain)
            .map_err(|error| format!("not readable as gzip: {error}"))?;
        page = Cow::Owned(plain);
    }
    let text = String::from_utf8_lossy(&page);
    let line = text.lines().find(|line| !line.trim().is_empty());
    // Stored bytes must not steer the terminal.
    let line = line.unwrap_or_default().chars().filter(|c| !c.is_control());
    let mut cut: String = line.collect();
    if let Some((end, _)) = cut.char_indices().nth(MOST) {
        cut.truncate(end);
        cut.push('…');
    }
    Ok(cut)
}
