//! How a server is: whether it can keep pages for djanginxed at all.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use djanginxed_runtime::tool::denied_to_nginx;

use super::link::{Link, Trouble};
use crate::dial::socket_of;

/// How a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// It answers.
    Well(Vitals),
    /// Nobody listens there, or the network does not lead there.
    Away(String),
    /// It takes connections and does not answer.
    Hangs(String),
    /// It wants to know who asks, which nginx cannot say.
    WantsPassword,
    /// It has as many connections as it takes.
    Full,
    /// It knows no meta commands: older than 1.6.
    TooOld(String),
    /// What answers there is no Memcached.
    Other(String),
}

/// What a server says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Vitals {
    pub(crate) version: String,
    /// The largest item that it takes (`-I`), in bytes.
    pub(crate) largest_item: Option<u64>,
    /// Its clock less ours, in seconds.
    pub(crate) clock: Option<i64>,
    /// Items that had to leave before their time, since it was started.
    pub(crate) evictions: Option<u64>,
    /// Stores that it had no memory for, since it was started.
    pub(crate) refused: Option<u64>,
    /// Whether it refuses what it has no room for (`-M`), instead of evicting.
    pub(crate) must_not_evict: bool,
    pub(crate) connections: Option<Connections>,
    /// Connections that it has turned away, or times that it made new ones wait, since it
    /// was started.
    pub(crate) turned_away: u64,
    /// Where it has a unix socket of this machine: why nginx may not write to it.
    pub(crate) denied: Option<String>,
}

/// A server's connections, and how many it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Connections {
    pub(crate) open: u64,
    /// How many there may be (`-c`), with those that its threads take.
    pub(crate) limit: u64,
    pub(crate) reserved: u64,
}

impl Connections {
    /// Whether it is to be expected that there will be too many.
    pub(crate) fn are_almost_all(self) -> bool {
        /// Files of its own, which count as connections.
        const FILES: u64 = 8;
        let room = self.limit.saturating_sub(self.reserved + FILES);
        self.open.saturating_mul(10) >= room.saturating_mul(9)
    }

    fn read(stats: &[String]) -> Option<Connections> {
        Some(Connections {
            open: number(stats, "curr_connections")?,
            limit: number(stats, "max_connections")?,
            reserved: number(stats, "reserved_fds").unwrap_or(0),
        })
    }
}

/// Asks the server at `address`, of which the nginx that listens on `port` asks for pages.
pub(crate) async fn health(address: &str, port: u16) -> Health {
    match ask(address, port).await {
        Ok(health) => health,
        Err(Trouble::Hangs(_)) => Health::Hangs("it takes no question".to_owned()),
        Err(Trouble::Says(line)) => Health::Other(line),
        Err(trouble) => Health::Away(trouble.to_string()),
    }
}

async fn ask(address: &str, port: u16) -> Result<Health, Trouble> {
    let mut link = Link::open(address).await?;
    let noop = link.ask("mn").await?;
    if noop.contains("unauthenticated") {
        return Ok(Health::WantsPassword);
    }
    if noop == "ERROR Too many open connections" {
        return Ok(Health::Full);
    }
    if noop != "MN" {
        return Ok(match link.ask("version").await {
            Ok(line) if line.starts_with("VERSION ") => Health::TooOld(line),
            _ => Health::Other(noop),
        });
    }
    // A proxy in front of Memcached may leave any of these out.
    let stats = link.list("stats").await.unwrap_or_default();
    let settings = link.list("stats settings").await.unwrap_or_default();
    Ok(Health::Well(Vitals {
        version: value(&stats, "version").unwrap_or_default().to_owned(),
        largest_item: number(&settings, "item_size_max"),
        clock: number(&stats, "time").map(beside_ours),
        evictions: number(&stats, "evictions"),
        refused: number(&stats, "store_no_memory"),
        must_not_evict: value(&settings, "evictions") == Some("off"),
        connections: Connections::read(&stats),
        // The second without `maxconns_fast`.
        turned_away: ["rejected_connections", "listen_disabled_num"]
            .map(|name| number(&stats, name).unwrap_or(0))
            .iter()
            .sum(),
        denied: socket_of(address).and_then(|path| denied_to_nginx(Path::new(path), Some(port))),
    }))
}

pub(super) fn value<'a>(lines: &'a [String], name: &str) -> Option<&'a str> {
    let mut values = lines.iter().filter_map(|line| {
        let (found, value) = line.strip_prefix("STAT ")?.split_once(' ')?;
        (found == name).then_some(value)
    });
    values.next()
}

pub(super) fn number(lines: &[String], name: &str) -> Option<u64> {
    value(lines, name)?.parse().ok()
}

fn beside_ours(time: u64) -> i64 {
    let ours = SystemTime::now().duration_since(UNIX_EPOCH);
    let ours = ours.map_or(0, |ours| ours.as_secs());
    i64::try_from(time).unwrap_or(i64::MAX) - i64::try_from(ours).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_its_threads_and_files_take_is_not_for_connections() {
        let connections = |open, limit, reserved| Connections {
            open,
            limit,
            reserved,
        };
        // Measured: with -c 20 and one thread the ninth is refused.
        assert!(connections(7, 20, 5).are_almost_all());
        assert!(!connections(4, 20, 5).are_almost_all());
        assert!(connections(900, 1024, 20).are_almost_all());
        assert!(!connections(890, 1024, 20).are_almost_all());
        assert!(connections(0, 8, 20).are_almost_all());
    }

    #[test]
    fn who_says_nothing_of_connections_is_not_near_a_limit() {
        let lines = |text: &str| -> Vec<String> { text.lines().map(str::to_owned).collect() };
        assert_eq!(Connections::read(&lines("STAT curr_connections 7")), None);
        let stats = lines("STAT curr_connections 7\nSTAT max_connections 20\nSTAT reserved_fds 5");
        let read = Connections::read(&stats).unwrap();
        assert_eq!((read.open, read.limit, read.reserved), (7, 20, 5));
    }
}
