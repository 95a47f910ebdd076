//! Asks for the pages, some at a time.

use std::process::ExitCode;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};

use super::Args;
use super::outcome::{Outcome, outcome};
use super::progress::Progress;
use super::sources::Sources;
use crate::http::{Client, Request, Trust, Url};

type Asked = (Client, Url, Outcome);

/// Asks for all of `urls`; Ctrl-C ends it with the sum so far.
pub(super) async fn crawl(args: &Args, trust: &Trust, sources: Sources) -> ExitCode {
    let mut progress = Progress::new(sources.urls.len(), args.json);
    let interrupted = tokio::select! {
        () = ask_all(args, trust, sources.urls, &mut progress) => false,
        _ = tokio::signal::ctrl_c() => true,
    };
    let complete = progress.finish() && sources.unread == 0;
    match (interrupted, complete) {
        (true, _) => ExitCode::from(130),
        (false, true) => ExitCode::SUCCESS,
        (false, false) => ExitCode::FAILURE,
    }
}

async fn ask_all(args: &Args, trust: &Trust, urls: Vec<Url>, progress: &mut Progress) {
    let mut pace = args.rate.map(pace);
    let mut running: JoinSet<Asked> = JoinSet::new();
    let mut idle: Vec<Client> = Vec::new();
    for url in urls {
        if running.len() >= usize::from(args.concurrency) {
            note(running.join_next().await, &mut idle, progress);
        }
        if let Some(pace) = &mut pace {
            pace.tick().await;
        }
        while let Some(done) = running.try_join_next() {
            note(Some(done), &mut idle, progress);
        }
        let headers = args.headers.clone();
        running.spawn(ask(client(args, trust, &mut idle, &url), headers, url));
    }
    while let Some(done) = running.join_next().await {
        note(Some(done), &mut idle, progress);
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
        None => Client::new(
            url.origin.clone(),
            args.connect.clone(),
            args.patience(),
            trust,
        ),
    }
}

fn note(
    done: Option<Result<Asked, tokio::task::JoinError>>,
    idle: &mut Vec<Client>,
    progress: &mut Progress,
) {
    if let Some(Ok((client, url, outcome))) = done {
        progress.count(&url, outcome);
        idle.push(client);
    }
}

async fn ask(mut client: Client, headers: Vec<(String, String)>, url: Url) -> Asked {
    let mut became = once(&mut client, &headers, &url).await;
    if became == Outcome::Open {
        // The writer needs a moment after the stream's end.
        sleep(Duration::from_millis(200)).await;
        became = match once(&mut client, &headers, &url).await {
            Outcome::AlreadyThere => Outcome::Stored,
            other => other,
        };
    }
    (client, url, became)
}

async fn once(client: &mut Client, headers: &[(String, String)], url: &Url) -> Outcome {
    // As a browser: an application may store for its visitors only.
    let mut request = Request::get(&url.target).header("Accept-Encoding", "gzip");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    match client.send(&request).await {
        Ok(response) => outcome(&response),
        Err(problem) => Outcome::Failed(problem.to_string()),
    }
}
