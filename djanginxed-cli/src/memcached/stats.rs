//! What a server counts.

use super::health::number;
use super::link::{Link, Trouble};

/// What a server says of itself now; a proxy in front of Memcached may leave any of
/// it out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stats {
    /// Bytes of its items.
    pub(crate) bytes: Option<u64>,
    /// Bytes that its items may take (`-m`).
    pub(crate) limit: Option<u64>,
    pub(crate) items: Option<u64>,
    /// Items that had to leave before their time, since it was started.
    pub(crate) evictions: Option<u64>,
    pub(crate) connections: Option<u64>,
    /// Connections that it may have (`-c`).
    pub(crate) max_connections: Option<u64>,
    /// Lookups that found something, since it was started.
    pub(crate) hits: Option<u64>,
    pub(crate) misses: Option<u64>,
    /// Seconds.
    pub(crate) uptime: Option<u64>,
}

/// Asks the server at `address`.
pub(crate) async fn stats(address: &str) -> Result<Stats, Trouble> {
    let lines = Link::open(address).await?.list("stats").await?;
    Ok(Stats::read(&lines))
}

impl Stats {
    fn read(lines: &[String]) -> Stats {
        Stats {
            bytes: number(lines, "bytes"),
            limit: number(lines, "limit_maxbytes"),
            items: number(lines, "curr_items"),
            evictions: number(lines, "evictions"),
            connections: number(lines, "curr_connections"),
            max_connections: number(lines, "max_connections"),
            hits: number(lines, "get_hits"),
            misses: number(lines, "get_misses"),
            uptime: number(lines, "uptime"),
        }
    }
}
