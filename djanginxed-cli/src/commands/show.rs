//! `djanginxed show`: what Memcached holds for a page.

use std::borrow::Cow;

use djanginxed::{Layout, PageKey};
use djanginxed_runtime::tool::{index_items, index_lists};
use serde::Serialize;

use super::purge::tag;
use crate::cache_args::{KeyArgs, ServerArgs, VariantKey};
use crate::failure::{Outcome, exit_code};
use crate::gzip;
use crate::memcached::{Item, Servers, Trouble};
use crate::output::{self, escaped};
use crate::targets::TargetArgs;
use crate::unreached::Unreached;

/// Show what is stored for each target, without disturbing it; with --vary, in each variant
///
/// Memcached keeps which pages a tag has, by a hash of the tag, and not which tags a page has:
/// name with --tag those to look for.
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
    /// A tag of the default key prefix: tell whether the page has it; may be given several times
    #[arg(long = "tag", value_name = "TAG", value_parser = tag)]
    tags: Vec<String>,
    /// The application's default key prefix, which tags belong to, where the page has its own
    #[arg(long, value_name = "PREFIX", requires = "tags")]
    tag_prefix: Option<String>,
    /// Print a list of what is stored as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    targets: TargetArgs,
}

/// A target, and what is stored for it.
#[derive(Debug, Serialize)]
struct Shown {
    target: String,
    /// Where pages vary: `~de~mobile`.
    #[serde(skip_serializing_if = "String::is_empty")]
    variant: String,
    key: String,
    server: String,
    /// None: the server cannot be asked.
    stored: Option<bool>,
    #[serde(flatten)]
    entry: Option<Entry>,
    /// Of the tags that were asked for, those that the page has; none: the server cannot
    /// be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<String>>,
}

#[derive(Debug, Serialize)]
struct Entry {
    /// Bytes, as stored.
    size: usize,
    flags: u32,
    /// Seconds at the end of its life in which the application renders it anew.
    stale_for: u32,
    /// What the flags say.
    #[serde(skip)]
    kind: &'static str,
    /// Seconds; none: it does not expire.
    expires_in: Option<u64>,
    /// Whether anybody has read it since it was stored.
    read: bool,
    /// Seconds since it was read, or else stored.
    untouched_for: u64,
    /// Of a whole response: its status line and fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    head: Vec<String>,
    first_line: String,
}

pub(crate) async fn run(args: &Args) -> Outcome {
    // Checks prefix and servers, and names what is wrong with them.
    args.servers.builder(&args.page.prefix)?.build()?;
    let variants = args.page.variants()?;
    let mut servers = args.servers.servers()?;
    let (mut all, mut unreached) = (Vec::new(), Unreached::default());
    let targets = args.targets.read()?;
    let asked = targets.iter().flat_map(|target| {
        let keys = args.page.keys(&variants, target);
        keys.into_iter().map(move |key| (target.clone(), key))
    });
    for (target, key) in asked {
        let mut shown = shown(&mut servers, &mut unreached, target, &key).await;
        if !args.tags.is_empty() && shown.entry.is_some() {
            shown.tags = args.tags_of(&mut servers, &mut unreached, &key.key).await;
        }
        // What cannot be asked is told once, with all that is there.
        if !args.json && shown.stored.is_some() {
            output::line(&shown)?;
        }
        all.push(shown);
    }
    if args.json {
        output::line(serde_json::to_string_pretty(&all).unwrap_or_default())?;
    }
    unreached.tell();
    let is_stored = |shown: &Shown| shown.stored == Some(true);
    Ok(exit_code(all.iter().all(is_stored)))
}

async fn shown(
    servers: &mut Servers,
    unreached: &mut Unreached,
    target: String,
    VariantKey { variant, key }: &VariantKey,
) -> Shown {
    let index = servers.index_of(key);
    let server = servers.address(index);
    let found = servers.peek_at(index, key).await;
    if let Err(trouble) = &found {
        unreached.note(&server, trouble);
    }
    Shown {
        target,
        variant: variant.clone(),
        key: key.to_string(),
        server,
        stored: found.as_ref().ok().map(Option::is_some),
        entry: found.ok().flatten().map(|item| Entry::of(&item)),
        tags: None,
    }
}

impl Args {
    /// Those of the tags that `page` has.
    async fn tags_of(
        &self,
        servers: &mut Servers,
        unreached: &mut Unreached,
        page: &PageKey,
    ) -> Option<Vec<String>> {
        let prefix = self.tag_prefix.as_ref();
        let prefix = prefix.unwrap_or(&self.page.prefix.prefix);
        // An index stands where its page does.
        let index = servers.index_of(page);
        let mut found = Vec::new();
        for tag in &self.tags {
            match is_listed(servers, index, &index_items(prefix, tag, page), page).await {
                Ok(true) => found.push(tag.clone()),
                Ok(false) => {}
                Err(trouble) => {
                    unreached.note(&servers.address(index), trouble);
                    return None;
                }
            }
        }
        Some(found)
    }
}

/// Whether one of these items of the server at `index` lists `page`.
async fn is_listed(
    servers: &mut Servers,
    index: usize,
    items: &[String],
    page: &PageKey,
) -> Result<bool, Trouble> {
    for name in items {
        let item = servers.peek_at(index, name).await?;
        if item.is_some_and(|item| index_lists(&item.value, page)) {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Entry {
    fn of(item: &Item) -> Entry {
        Entry {
            size: item.value.len(),
            flags: item.flags,
            stale_for: item.stale_for(),
            kind: kind(item),
            expires_in: item.seconds_left,
            read: item.read,
            untouched_for: item.seconds_untouched,
            head: head(item),
            first_line: first_line(item).unwrap_or_else(|problem| problem),
        }
    }

    fn expires(&self) -> String {
        match self.expires_in {
            Some(seconds) if self.stale_for == 0 => format!("in {seconds} s"),
            Some(seconds) => match seconds.checked_sub(self.stale_for.into()) {
                None | Some(0) => format!("in {seconds} s, stale"),
                Some(fresh) => format!("in {seconds} s, stale in {fresh} s"),
            },
            None => "never".to_owned(),
        }
    }

    fn head_lines(&self) -> String {
        let mut label = "head";
        let lines = self.head.iter().map(|line| {
            let line = format!("\n  {:<12}{}", std::mem::take(&mut label), escaped(line));
            line.trim_end().to_owned()
        });
        lines.collect()
    }

    fn last_read(&self) -> String {
        match self.read {
            true => format!("{} s ago", self.untouched_for),
            false => format!("never, stored {} s ago", self.untouched_for),
        }
    }
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Shown { key, server, .. } = self;
        let target = escaped(&self.target);
        let target = format!("{target} {}", self.variant);
        let target = target.trim_end();
        let Some(entry) = &self.entry else {
            return write!(f, "{target}\n  not stored: {key} on {server}");
        };
        write!(
            f,
            "{target}
  key         {key}
  server      {server}
  size        {} bytes
  flags       {} ({})
  expires     {}
  last read   {}{}
  first line  {}",
            entry.size,
            entry.flags,
            entry.kind,
            entry.expires(),
            entry.last_read(),
            entry.head_lines(),
            escaped(&entry.first_line),
        )?;
        match self.tags.as_deref() {
            None => Ok(()),
            Some([]) => write!(f, "\n  tags        none of those asked for"),
            Some(tags) => write!(f, "\n  tags        {}", tags.join(", ")),
        }
    }
}

fn kind(item: &Item) -> &'static str {
    match item.kind() {
        Some((Layout::Response, _)) => "a whole response",
        Some((_, true)) => "gzip",
        Some((_, false)) => "as rendered",
        None => "not written by djanginxed",
    }
}

/// The lines of a whole response before its body.
fn head(item: &Item) -> Vec<String> {
    let head = String::from_utf8_lossy(item.parts().0);
    head.lines().map(str::to_owned).collect()
}

/// The page's first line that is not empty, cut to a terminal's width.
fn first_line(item: &Item) -> Result<String, String> {
    const MOST: usize = 60;
    let (_, body) = item.parts();
    let mut page = Cow::Borrowed(body);
    if item.is_packed() {
        // A first line needs no more.
        page = match gzip::unpacked(body, 64 * 1024) {
            (plain, None) => Cow::Owned(plain),
            (_, Some(error)) => return Err(format!("not readable as gzip: {error}")),
        };
    }
    let text = String::from_utf8_lossy(&page);
    let line = text.lines().find(|line| !line.trim().is_empty());
    let mut cut = line.unwrap_or_default().to_owned();
    if let Some((end, _)) = cut.char_indices().nth(MOST) {
        cut.truncate(end);
        cut.push('…');
    }
    Ok(cut)
}
