//! The `djanginxed` command line tool.

mod cache_args;
mod cli;
mod commands;
mod dial;
mod failure;
mod gzip;
mod hit_feed;
mod http;
mod memcached;
mod output;
mod signals;
mod site_args;
mod targets;
mod unreached;

use std::process::ExitCode;

fn main() -> ExitCode {
    let result = cli::Cli::read().and_then(run);
    result.unwrap_or_else(|failure| {
        if !matches!(failure, failure::Failure::NobodyReads) {
            output::tell(&failure);
        }
        failure.exit_code()
    })
}

fn run(cli: cli::Cli) -> failure::Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            failure::Failure::Failed(format!("the system gives no event queue: {error}"))
        })?;
    runtime.block_on(cli.run())
}
