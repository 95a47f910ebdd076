//! How a server is: whether it can keep pages for djanginxed at all.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use djanginxed_runtime::tool::denied_to_nginx;

use super::link::{Link, Trouble};

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
    /// Where it has a unix socket of this machine: why nginx may not write to it.
    pub(crate) denied: Option<String>,
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
        denied: (address.strip_prefix("unix:"))
            .and_then(|path| denied_to_nginx(Path::new(path), Some(port))),
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
