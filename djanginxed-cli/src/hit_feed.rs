//! The feed of nginx's hits.

use std::time::Duration;

use djanginxed_runtime::tool::{FeedReport, ask_feed};

/// Asks the process that reads the feed at `path` for its hottest targets; it tells as
/// many of them as a datagram holds.
///
/// # Errors
/// A sentence: nobody reads the feed, or this process may not ask.
pub(crate) async fn ask(
    path: String,
    hottest: usize,
    patience: Duration,
) -> Result<FeedReport, String> {
    let asked = tokio::task::spawn_blocking(move || ask_feed(&path, hottest, patience)).await;
    match asked {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}
