//! Where the numbers come from.

use std::time::{Duration, Instant};

use djanginxed_runtime::tool::FeedReport;
use tokio::task::JoinHandle;

use super::Args;
use super::admin::{self, Admin};
use super::counts::Counts;
use super::look::{Hot, Look, Told, Unreached};
use super::prometheus::samples;
use crate::failure::Failure;
use crate::hit_feed;
use crate::http::{Client, Request, Trust, Url};
use crate::memcached::{Stats, Trouble, stats};
use crate::output::escaped;

/// Nobody watches who waits longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Ten thousand pages' worth; a metrics page has some kilobytes.
const LARGEST: usize = 4 << 20;

/// How many of the hottest pages a feed is asked for.
const HOTTEST: usize = 20;

/// All that was named on the command line.
#[derive(Debug)]
pub(super) struct Sources {
    metrics: Vec<Page>,
    admin: Option<Page>,
    hit_feed: Option<String>,
    servers: Vec<String>,
}

/// A page of the application, asked for over one connection.
#[derive(Debug)]
struct Page {
    url: Url,
    client: Client,
    request: Request,
}

impl Page {
    fn new(text: &str, accept: &str, args: &Args, trust: &Trust) -> Result<Page, Failure> {
        let url = Url::parse(text)?;
        let client = Client::new(url.origin.clone(), None, PATIENCE, trust).at_most(LARGEST);
        let request = Request::get(&url.target).header("Accept", accept);
        let request = request.headers(&args.headers);
        Ok(Page {
            url,
            client,
            request,
        })
    }

    async fn body(&mut self) -> Result<Vec<u8>, String> {
        let answer = self.client.send(&self.request).await;
        let answer = answer.map_err(|problem| escaped(&problem.to_string()).into_owned())?;
        match answer.status {
            200 => Ok(answer.body.to_vec()),
            status => Err(format!("it is answered with status {status}")),
        }
    }

    async fn metrics(&mut self) -> Result<Counts, String> {
        let body = self.body().await?;
        let samples = samples(&String::from_utf8_lossy(&body), "djanginxed_");
        match samples.is_empty() {
            true => Err(
                "there is no counter of djanginxed in it: the application has had no request yet, \
                 its feature \"metrics\" is off, or it is another page"
                    .to_owned(),
            ),
            false => Ok(Counts::of_metrics(&samples)),
        }
    }

    async fn admin(&mut self) -> Result<Admin, String> {
        admin::read(&self.body().await?)
    }
}

impl Sources {
    pub(super) fn new(args: &Args) -> Result<Sources, Failure> {
        let trust = args.trust.trust()?;
        let metrics = args.metrics.iter();
        let metrics = metrics.map(|url| Page::new(url, "text/plain", args, &trust));
        let admin = args.admin.as_ref();
        let admin = admin.map(|url| Page::new(url, "application/json", args, &trust));
        let servers = args.servers.list()?;
        let sources = Sources {
            metrics: metrics.collect::<Result<_, _>>()?,
            admin: admin.transpose()?,
            hit_feed: args.hit_feed.clone().filter(|path| !path.is_empty()),
            servers: servers.iter().map(|server| server.address()).collect(),
        };
        if sources.is_empty() {
            return Err(Failure::Usage(
                "nothing to watch: give --metrics, --admin, --hit-feed or --servers (or set DJANGINXED_SERVERS)"
                    .to_owned(),
            ));
        }
        Ok(sources)
    }

    fn is_empty(&self) -> bool {
        let nobody = self.metrics.is_empty() && self.admin.is_none();
        nobody && self.hit_feed.is_none() && self.servers.is_empty()
    }

    /// Asks them all, each for a while.
    pub(super) async fn look(&mut self) -> Look {
        let mut look = Look {
            at: Instant::now(),
            processes: Vec::new(),
            told: None,
            pending_purges: None,
            hottest: None,
            slowest: None,
            servers: Vec::new(),
            unreached: Vec::new(),
        };
        // They answer meanwhile.
        let servers: Vec<_> = self.servers.iter().cloned().map(ask).collect();
        for page in &mut self.metrics {
            let counts = page.metrics().await;
            let counts = look.reached(&page.url, counts);
            look.processes.push(counts);
        }
        if let Some(page) = &mut self.admin {
            let admin = page.admin().await;
            let admin = look.reached(&page.url, admin);
            look.take_admin(admin);
        }
        if let Some(path) = &self.hit_feed {
            look.take_feed(path, hit_feed::ask(path.clone(), HOTTEST, PATIENCE).await);
        }
        for (address, server) in self.servers.iter().zip(servers) {
            let answer = server.await.unwrap_or_else(|error| {
                // It was cut off with the runtime.
                Err(Trouble::BrokenOff(error.to_string()))
            });
            if let Err(trouble) = &answer {
                look.miss(format!("Memcached {address}"), &trouble.to_string());
            }
            look.servers.push((address.clone(), answer));
        }
        look
    }
}

impl Look {
    fn miss(&mut self, what: String, why: &str) {
        let why = escaped(why).into_owned();
        self.unreached.push(Unreached { what, why });
    }

    fn reached<T>(&mut self, url: &Url, answer: Result<T, String>) -> Option<T> {
        answer
            .inspect_err(|why| self.miss(url.to_string(), why))
            .ok()
    }

    /// Where a metrics page was reached, it has the same counts by reason.
    fn take_admin(&mut self, admin: Option<Admin>) {
        let reached = admin.is_some();
        let admin = admin.unwrap_or_default();
        self.pending_purges = admin.counts.pending_purges;
        if self.processes.iter().all(Option::is_none) {
            self.processes = vec![reached.then_some(admin.counts)];
        }
        if reached {
            self.told = admin.told;
            self.hottest = admin.told.map(|_| admin.hottest);
            self.slowest = Some(admin.slowest);
        }
    }

    fn take_feed(&mut self, path: &str, answer: Result<FeedReport, String>) {
        let report = match answer {
            Ok(report) => report,
            Err(why) => return self.miss(format!("the feed of hits {path}"), &why),
        };
        self.told = Some(Told {
            hits: report.hits,
            bytes: report.bytes,
        });
        let hottest = report.hottest.iter().take(HOTTEST);
        let hottest = hottest.map(|hot| Hot {
            target: escaped(&hot.target).into_owned(),
            hits: hot.hits,
        });
        self.hottest = Some(hottest.collect());
    }
}

fn ask(address: String) -> JoinHandle<Result<Stats, Trouble>> {
    tokio::spawn(async move { stats(&address).await })
}
