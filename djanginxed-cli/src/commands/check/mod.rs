//! `djanginxed check`: proves that nginx, Memcached and the application agree,
//! or names the one cause why they do not.
//!
//! [`gather`] asks, [`facts`] is what was seen, and [`diagnosis`] says what it
//! means, knowing nothing else.

mod advice;
mod answer;
mod cause;
mod conf;
mod diagnosis;
mod explain;
mod facts;
mod gather;
mod placing;
mod recipe;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use djanginxed::PageCache;

use crate::cache_args::{KeyArgs, RuleArgs, ServerArgs, Visitors};
use crate::failure::{Failure, Outcome};
use crate::http::Url;
use crate::output;
use crate::signals;
use crate::site_args::{SiteArgs, address_or_socket, header};
use conf::Conf;
use diagnosis::{RUNNING, Stage, Verdict};
use facts::{Facts, Given, LONGEST_WAIT};
use gather::Gathering;
use report::Report;

/// Prove that a running site works, or name the one cause why it does not
///
/// URL is a page that is cached. It is asked for under queries of its own, so
/// that no visitor's page is touched; a POST and an OPTIONS are sent to it too.
/// With --servers, what is stored meanwhile is taken away again. With --vary it is
/// asked for by a visitor of every variant.
/// Exit code 0 if every fact holds, 1 if one is ✗, 2 if the page cannot be checked.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: djanginxed check https://www.example.com/articles/1 --servers 127.0.0.1:11211 --prefix site1 --app 127.0.0.1:8080 --bypass-cookie sessionid"
)]
pub(crate) struct Args {
    /// A page that is cached
    #[arg(
        value_name = "URL",
        required_unless_present = "explain",
        default_value = "",
        hide_default_value = true
    )]
    url: String,
    #[command(flatten)]
    servers: ServerArgs,
    #[command(flatten)]
    page: KeyArgs,
    /// Where the application itself listens, HOST:PORT or unix:/PATH, to compare with; may be given several times, once a process
    #[arg(long = "app", value_name = "ADDRESS", value_parser = address_or_socket)]
    apps: Vec<String>,
    /// What nginx -T prints, to compare with; "-": from standard input
    #[arg(long, value_name = "FILE")]
    conf: Option<PathBuf>,
    #[command(flatten)]
    rules: RuleArgs,
    /// Memcached is out of reach now (stopped, or hung): prove that pages still come in time
    #[arg(long)]
    faults: bool,
    /// With --faults: the longest that a page may take, in milliseconds
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 2000)]
    within: u64,
    /// The application is down now (stopped): prove that nginx gives out pages in its place
    #[arg(long, conflicts_with = "faults")]
    app_down: bool,
    /// The admin page of one process: purge a page of this check by it
    #[arg(long, value_name = "URL", requires = "servers")]
    admin: Option<String>,
    /// A header for --admin, such as a password; may be given several times
    #[arg(long = "admin-header", value_name = "NAME: VALUE", value_parser = header, requires = "admin")]
    admin_headers: Vec<(String, String)>,
    /// Wait so long for a page's timeout to end: prove that it is then rendered anew by itself
    #[arg(long, value_name = "SECONDS", requires = "servers", conflicts_with_all = ["faults", "app_down"], value_parser = clap::value_parser!(u64).range(1..=LONGEST_WAIT))]
    wait: Option<u64>,
    #[command(flatten)]
    site: SiteArgs,
    /// Say of a fact what it proves and how, or of a cause how it shows
    #[arg(long, value_name = "FACT|CAUSE")]
    explain: Option<String>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    /// What is given, and by whom variants of `url` are asked for.
    fn given(&self, url: &Url) -> Result<(Given, Visitors), Failure> {
        // Names what is wrong with the prefix and the rules. What is asked here says
        // nothing of what pages vary by, so it has the first variant.
        let variants = self.page.variants()?;
        self.rules.add_to(PageCache::builder()).build()?;
        let variant = variants.first().map_or("", String::as_str);
        let servers = self.servers.list()?;
        let conf = self.conf.as_deref().map(Conf::open).transpose()?;
        let site = conf.as_ref().and_then(|conf| conf.site(url));
        let of_file = site.as_ref().and_then(|site| site.layout);
        let secret = site.and_then(|site| site.secret);
        let varied = self.page.varied(secret.as_deref())?;
        let given = Given {
            prefix: self.page.prefix_of(variant),
            content_type: self.page.content_type().to_owned(),
            layout: self.page.layout().or(of_file).unwrap_or_default(),
            says_layout: self.page.layout().is_some(),
            servers,
            placement: self.servers.placement.placement(),
            app: self.apps.first().cloned(),
            within: Duration::from_millis(self.within),
            rules: varied.rules,
            is_secret_of_file: varied.is_secret_of_file,
            conf,
        };
        Ok((given, varied.visitors))
    }
}

pub(crate) async fn run(args: Args) -> Outcome {
    if let Some(word) = &args.explain {
        output::line(explain::explain(word)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let url = Url::parse(&args.url)?;
    let mut report = Report::new(&args.url);
    let json = args.json;
    let (given, visitors) = args.given(&url)?;
    let (stages, is_running) = match (args.faults, args.app_down) {
        (true, _) => (&[Stage::Faults][..], false),
        (_, true) => (&[Stage::WithoutApp][..], false),
        _ => (RUNNING, true),
    };
    let mut gathering = Gathering::new(args, Facts::new(url, given), visitors)?;
    let examined = async {
        for stage in stages {
            gathering.gather(*stage).await;
            examine(*stage, &gathering, &mut report);
            if !report.goes_on() {
                break;
            }
        }
    };
    let ended = tokio::select! {
        () = examined => None,
        code = signals::end() => Some(code),
    };
    let left = gathering.clean().await;
    if let Some(code) = ended {
        gathering.forbid_the_last().await;
        return Ok(code);
    }
    if left > 0 && is_running {
        report.unchecked("clean", format!("up to {left} pages of this check stay stored until they expire; with --servers they are taken away"));
    }
    report.print(json)?;
    Ok(report.exit_code())
}

/// Says what this stage's facts mean, up to the first that does not hold: what
/// comes behind it would be its consequence.
fn examine(stage: Stage, gathering: &Gathering, report: &mut Report) {
    for (fact, check) in stage.checks() {
        match check(&gathering.facts) {
            Verdict::Good(seen) => report.good(fact, seen),
            Verdict::Unchecked(why) => report.unchecked(fact, why),
            Verdict::Ends(why) => return report.ends(fact, why),
            Verdict::Silent => {}
            Verdict::Bad(cause, seen) => {
                let change = cause.change(&gathering.facts.given);
                return report.bad(fact, &cause, change, seen);
            }
        }
    }
}
