//! `djanginxed warm`: asks for pages so that they are stored.

mod crawl;
mod outcome;
mod plan;
mod progress;
mod sitemap;
mod sources;
mod visitors;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::cache_args::VaryArgs;
use crate::failure::{Failure, Outcome};
use crate::site_args::SiteArgs;
use visitors::Visitors;

/// Ask for pages, so that visitors find them stored
///
/// A page that the application says it stores is asked for once more, to see that it is
/// there; right after a `djanginxed delete` that takes up to 4 seconds.
/// With --vary each page is asked for as a visitor of each variant.
/// Exit code 0 if every page is stored now, 1 if one was refused or failed, or if members of
/// a group could not be asked as, since no secret is given.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: djanginxed warm --sitemap https://www.example.com/sitemap.xml --rate 20"
)]
pub(crate) struct Args {
    /// URLs; "-": a list of them on standard input
    #[arg(value_name = "URL")]
    urls: Vec<String>,
    /// A file with a URL a line; may be given several times
    #[arg(short, long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// A sitemap's URL or file, with the sitemaps that it names; may be given several times
    #[arg(short, long, value_name = "SITEMAP")]
    sitemap: Vec<String>,
    /// The hottest pages of this site, those first, as the feed of hits knows them
    #[arg(long, value_name = "URL", requires = "hit_feed")]
    hot: Option<String>,
    /// The socket by which nginx tells the application of its hits
    #[arg(long, value_name = "PATH", env = "DJANGINXED_HIT_FEED")]
    hit_feed: Option<String>,
    /// How many pages are asked for at a time
    #[arg(short = 'n', long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000))]
    concurrency: u16,
    /// Ask for at most that many pages a second
    #[arg(short, long, value_name = "PAGES", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: Option<u32>,
    #[command(flatten)]
    vary: VaryArgs,
    #[command(flatten)]
    site: SiteArgs,
    /// Print what became of each page as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Outcome {
    let trust = args.site.trust.trust()?;
    let visitors = Visitors::new(&args.vary, &args.site.headers)?;
    let sources = tokio::select! {
        sources = sources::sources(&args, &trust) => sources?,
        _ = tokio::signal::ctrl_c() => return Ok(ExitCode::from(130)),
    };
    if sources.urls.is_empty() && sources.unread > 0 {
        return Ok(ExitCode::FAILURE);
    }
    if sources.urls.is_empty() {
        return Err(Failure::Usage(
            "nothing to ask for: give URLs, --file, --sitemap or --hot".to_owned(),
        ));
    }
    Ok(crawl::crawl(&args, &trust, sources, visitors).await)
}
