//! `djanginxed check`: proves that nginx, Memcached and the application agree.

mod answer;
mod bypass;
mod encoding;
mod faults;
mod methods;
mod origin;
mod probe;
mod report;
mod storing;
mod target;

use std::process::ExitCode;
use std::time::Duration;

use crate::cache_args::{KeyArgs, ServerArgs};
use crate::failure::Outcome;
use crate::http::Url;
use probe::{Probe, Trial};
use report::Report;

/// Prove that a running site works, fact by fact
///
/// URL is a page that is cached. It is asked for under queries of its own, so
/// that no visitor's page is touched; a POST and an OPTIONS are sent to it too.
/// Exit code 0 if every fact holds, 1 if one is ✗.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: djanginxed check https://www.example.com/articles/1 --servers 127.0.0.1:11211 --prefix site1 --app 127.0.0.1:8080 --bypass-cookie sessionid"
)]
pub(crate) struct Args {
    /// A page that is cached
    #[arg(value_name = "URL")]
    url: String,
    #[command(flatten)]
    servers: ServerArgs,
    #[command(flatten)]
    page: KeyArgs,
    /// Where the application itself listens, to compare with
    #[arg(long, value_name = "HOST:PORT")]
    app: Option<String>,
    /// A cookie whose presence bypasses the cache; may be given several times
    #[arg(long = "bypass-cookie", value_name = "NAME")]
    bypass_cookies: Vec<String>,
    /// A header whose presence bypasses the cache; may be given several times
    #[arg(long = "bypass-header", value_name = "NAME")]
    bypass_headers: Vec<String>,
    /// Memcached is out of reach now (stopped, or hung): prove that pages still come in time
    #[arg(long)]
    faults: bool,
    /// With --faults: the longest that a page may take, in milliseconds
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 2000)]
    within: u64,
    /// Connect there, whatever host the URL names
    #[arg(long, value_name = "HOST:PORT")]
    connect: Option<String>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    fn bound(&self) -> Duration {
        Duration::from_millis(self.within)
    }
}

pub(crate) async fn run(args: Args) -> Outcome {
    let url = Url::parse(&args.url)?;
    let mut probe = Probe::new(&args, url)?;
    let mut report = Report::new(&args.url);
    if args.faults {
        faults::check(&args, &mut probe, &mut report).await;
    } else if let Some(trial) = storing::check(&mut probe, &mut report).await {
        rest(&args, &mut probe, &trial, &mut report).await;
    }
    report.print(args.json)?;
    Ok(if report.holds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn rest(args: &Args, probe: &mut Probe, trial: &Trial, report: &mut Report) {
    target::check(probe, trial, report).await;
    encoding::check(probe, trial, report).await;
    methods::check(probe, trial, report).await;
    bypass::check(args, probe, trial, report).await;
    origin::check(probe, report).await;
}
