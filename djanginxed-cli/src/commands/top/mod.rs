//! `djanginxed top`: what the cache does at this moment.

mod admin;
mod counts;
mod look;
mod prometheus;
mod screen;
mod sources;
mod terminal;
mod view;

use std::process::ExitCode;
use std::time::Duration;

use self::sources::Sources;
use self::view::View;
use crate::cache_args::ServerArgs;
use crate::failure::{Failure, Outcome, exit_code};
use crate::output;
use crate::site_args::{TrustArgs, header};

/// Watch the cache at work: hit ratios, hottest and slowest pages, refusals, Memcached
///
/// Shows what it can reach, and names what it cannot: the application's metrics page, its
/// admin page, nginx's feed of hits and the Memcached servers. In the terminal, q ends it.
/// Exit code 0; with --once 1 if something that was named cannot be reached.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: djanginxed top --metrics http://127.0.0.1:8080/metrics --servers 127.0.0.1:11211"
)]
pub(crate) struct Args {
    /// The application's metrics page, as Prometheus reads it; may be given several times, once a process
    #[arg(short, long, value_name = "URL")]
    metrics: Vec<String>,
    /// The application's admin page (.admin(…)): hottest and slowest pages, counters
    #[arg(long, value_name = "URL")]
    admin: Option<String>,
    /// A header to send to --metrics and --admin; may be given several times
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// The socket by which nginx tells the application of its hits
    #[arg(long, value_name = "PATH", env = "DJANGINXED_HIT_FEED")]
    hit_feed: Option<String>,
    #[command(flatten)]
    servers: ServerArgs,
    /// Seconds from one look to the next
    #[arg(short, long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
    interval: u64,
    /// Look twice, an interval apart, print what was seen and end
    #[arg(long)]
    once: bool,
    /// With --once: print it as JSON
    #[arg(long, requires = "once")]
    json: bool,
    #[command(flatten)]
    trust: TrustArgs,
}

impl Args {
    fn interval(&self) -> Duration {
        Duration::from_secs(self.interval)
    }
}

pub(crate) async fn run(args: Args) -> Outcome {
    let mut sources = Sources::new(&args)?;
    if args.once {
        return once(&args, &mut sources).await;
    }
    terminal::watch(&mut sources, args.interval()).await
}

async fn once(args: &Args, sources: &mut Sources) -> Outcome {
    let before = sources.look().await;
    tokio::select! {
        () = tokio::time::sleep(args.interval()) => {}
        _ = tokio::signal::ctrl_c() => return Ok(ExitCode::from(130)),
    }
    let view = View::between(Some(&before), &sources.look().await);
    output::line(match args.json {
        true => serde_json::to_string_pretty(&view)
            .map_err(|error| Failure::Failed(error.to_string()))?,
        false => screen::text(&view),
    })?;
    Ok(exit_code(view.unreached.is_empty()))
}
