//! Asks for the pages, some at a time.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use tokio::task::{JoinError, JoinSet};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep_until, timeout_at};

use super::Args;
use super::outcome::{Outcome, outcome};
use super::plan::{Asking, Next, Plan};
use super::progress::Progress;
use super::sources::Sources;
use super::visitors::Visitors;
use crate::failure::exit_code;
use crate::http::{Client, Request, Trust, Url};

type Asked = (Client, Asking, Outcome);

/// Asks for all pages as all `visitors`; Ctrl-C ends it with the sum so far.
pub(super) async fn crawl(
    args: &Args,
    trust: &Trust,
    sources: Sources,
    visitors: Visitors,
) -> ExitCode {
    let is_whole = sources.unread == 0 && visitors.unsigned() == 0;
    let all = sources.urls.len() * visitors.count();
    let mut progress = Progress::new(all, args.json);
    let interrupted = tokio::select! {
        () = ask_all(args, trust, sources.urls, visitors, &mut progress) => false,
        _ = tokio::signal::ctrl_c() => true,
    };
    let complete = progress.finish() && is_whole;
    match interrupted {
        true => ExitCode::from(130),
        false => exit_code(complete),
    }
}

async fn ask_all(
    args: &Args,
    trust: &Trust,
    urls: Vec<Url>,
    visitors: Visitors,
    progress: &mut Progress,
) {
    let mut crawl = Crawl {
        plan: Plan::new(urls, visitors.count()),
        visitors,
        running: JoinSet::new(),
        idle: Vec::new(),
        progress,
    };
    let mut pace = args.rate.map(pace);
    loop {
        while let Some(done) = crawl.running.try_join_next() {
            crawl.note(done);
        }
        match crawl.plan.next(Instant::now()) {
            Next::Ask(asking) => {
                if crawl.running.len() >= usize::from(args.concurrency) {
                    crawl.note_next().await;
                }
                if let Some(pace) = &mut pace {
                    pace.tick().await;
                }
                crawl.spawn(args, trust, asking);
            }
            Next::Wait(due) if crawl.running.is_empty() => sleep_until(due.into()).await,
            // One of those may be asked for again sooner.
            Next::Wait(due) => drop(timeout_at(due.into(), crawl.note_next()).await),
            Next::Nothing if crawl.running.is_empty() => break,
            Next::Nothing => crawl.note_next().await,
        }
    }
}

/// Pages that are asked for.
struct Crawl<'a> {
    plan: Plan,
    visitors: Visitors,
    running: JoinSet<Asked>,
    /// Whose connections are free.
    idle: Vec<Client>,
    progress: &'a mut Progress,
}

impl Crawl<'_> {
    fn spawn(&mut self, args: &Args, trust: &Trust, asking: Asking) {
        let client = client(args, trust, &mut self.idle, &asking.page.url);
        let mut headers = args.site.headers.clone();
        headers.extend_from_slice(self.visitors.fields(asking.page.visitor, Instant::now()));
        self.running.spawn(ask(client, headers, asking));
    }

    async fn note_next(&mut self) {
        if let Some(done) = self.running.join_next().await {
            self.note(done);
        }
    }

    fn note(&mut self, done: Result<Asked, JoinError>) {
        let Ok((client, asking, outcome)) = done else {
            return;
        };
        self.idle.push(client);
        if let Some((page, outcome)) = self.plan.became(asking, outcome, Instant::now()) {
            let variant = self.visitors.variant(page.visitor);
            self.progress.count(&page.url, variant, outcome);
        }
    }
}

fn pace(rate: u32) -> Interval {
    let mut pace = interval(Duration::from_secs(1) / rate);
    // After a slow page the rate stays; nothing is made up for.
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}

/// One whose connection to the same origin is free, or a new one.
fn client(args: &Args, trust: &Trust, idle: &mut Vec<Client>, url: &Url) -> Client {
    match idle
        .iter()
        .position(|client| *client.origin() == url.origin)
    {
        Some(at) => idle.swap_remove(at),
        None => args.site.client(&url.origin, trust),
    }
}

async fn ask(mut client: Client, headers: Vec<(String, String)>, asking: Asking) -> Asked {
    let became = once(&mut client, &headers, &asking.page.url).await;
    (client, asking, became)
}

async fn once(client: &mut Client, headers: &[(String, String)], url: &Url) -> Outcome {
    // As a browser: an application may store for its visitors only.
    let request = Request::get(&url.target).header("Accept-Encoding", "gzip");
    match client.send(&request.headers(headers)).await {
        Ok(response) => outcome(&response),
        Err(problem) => Outcome::Failed(problem.to_string()),
    }
}
