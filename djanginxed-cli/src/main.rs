//! The `djanginxed` command line tool.

mod cache_args;
mod cli;
mod commands;
mod failure;
mod hit_feed;
mod http;
mod memcached;
mod output;
mod targets;
mod unreached;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(cli.run()),
        Err(error) => Err(failure::Failure::Failed(format!(
            "the system gives no event queue: {error}"
        ))),
    };
    result.unwrap_or_else(|failure| {
        if !matches!(failure, failure::Failure::NobodyReads) {
            // What a server has said may stand in it.
            let failure = failure.to_string();
            let lines: Vec<_> = failure.lines().map(output::escaped).collect();
            eprintln!("djanginxed: {}", lines.join("\n"));
        }
        failure.exit_code()
    })
}
