//! What a server is asked for while we look on (`watch`, memcached 1.4.26 and
//! later): which keys nginx looks up, and under which the application stores.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::link::{Link, Trouble};
use crate::http::decoded;

/// Memcached hands events on within a second.
const PATIENCE: Duration = Duration::from_millis(2500);

/// How much later than the last mark an earlier event may come.
const STRAGGLERS: Duration = Duration::from_millis(150);

/// A busy server has more to tell than we wait for.
const MOST: usize = 200_000;

/// Somebody has asked for a key, or stored something under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) key: String,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A lookup, and whether it found something.
    Lookup { found: bool },
    /// A store that was accepted.
    Store,
    /// A store of what is there already, where that is not wanted.
    Refused,
}

/// Looks on at one server.
#[derive(Debug)]
pub(crate) struct Watch {
    events: Link,
    marks: Link,
    /// Of nothing that Memcached would write otherwise in its lines.
    prefix: String,
    marked: u32,
}

impl Watch {
    /// Begins to look on; `mark` is a word that nobody else uses.
    pub(crate) async fn begin(address: &str, mark: &str) -> Result<Watch, Trouble> {
        let mut events = Link::open(address).await?;
        let answer = events.ask("watch fetchers mutations").await?;
        if answer != "OK" {
            return Err(Trouble::Says(answer));
        }
        Ok(Watch {
            events,
            marks: Link::open(address).await?,
            prefix: format!("djanginxed-check-{mark}-"),
            marked: 0,
        })
    }

    /// Ends a window: a lookup of a key that nobody has stands in the list from
    /// now on.
    pub(crate) async fn mark(&mut self) -> Result<(), Trouble> {
        let key = format!("{}{}", self.prefix, self.marked);
        self.marked += 1;
        self.marks.ask(&format!("mg {key}")).await.map(drop)
    }

    /// The events of each window so far.
    pub(crate) async fn end(mut self) -> Vec<Vec<Event>> {
        let mut events = Vec::new();
        let mut until = Instant::now() + PATIENCE;
        let mut left = self.marked;
        while events.len() < MOST {
            let Ok(Ok(line)) = timeout_at(until, self.events.line()).await else {
                break;
            };
            let Some(event) = event(&line) else {
                continue;
            };
            if event.1.key.starts_with(&self.prefix) {
                left = left.saturating_sub(1);
                if left == 0 {
                    until = until.min(Instant::now() + STRAGGLERS);
                }
            }
            events.push(event);
        }
        // Each of Memcached's threads hands on its own: only the number orders them.
        events.sort_by_key(|(number, _)| *number);
        self.windows(events.into_iter().map(|(_, event)| event))
    }

    fn windows(&self, events: impl Iterator<Item = Event>) -> Vec<Vec<Event>> {
        let mut windows = vec![Vec::new()];
        for event in events {
            if event.key.starts_with(&self.prefix) {
                windows.push(Vec::new());
            } else if let Some(window) = windows.last_mut() {
                window.push(event);
            }
        }
        windows.truncate(self.marked as usize);
        windows
    }
}

/// The event of a line, and its number.
fn event(line: &str) -> Option<(u64, Event)> {
    let field = |name: &str| {
        let mut fields = line.split(' ').filter_map(|field| field.split_once('='));
        fields
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value)
    };
    let kind = match (field("type")?, field("status")?) {
        ("item_get", "found") => Kind::Lookup { found: true },
        ("item_get", _) => Kind::Lookup { found: false },
        ("item_store", "stored") => Kind::Store,
        ("item_store", "not_stored") => Kind::Refused,
        _ => return None,
    };
    let number = field("gid")?.parse().ok()?;
    // It writes what is not a letter, a digit or `-._~` percent-encoded.
    let key = decoded(field("key")?);
    Some((number, Event { key, kind }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_lookup_or_a_store_of_a_key() {
        let line = "ts=1.2 gid=1 type=item_get key=abc status=not_found clsid=0 cfd=25 size=0";
        let kind = Kind::Lookup { found: false };
        assert_eq!(event(line).map(|(_, event)| event.kind), Some(kind));
        let line = "ts=1.2 gid=6 type=item_store key=abc status=stored cmd=set ttl=60";
        let (number, event) = event(line).unwrap();
        assert_eq!(
            (number, event.key.as_str(), event.kind),
            (6, "abc", Kind::Store)
        );
        let line = "ts=1.2 gid=1 type=item_get key=in%3Aabc status=not_found";
        let key = super::event(line).map(|(_, event)| event.key);
        assert_eq!(key.as_deref(), Some("in:abc"));
    }

    #[test]
    fn what_is_no_event_is_left_out() {
        for line in [
            "",
            "[skipped: 5]",
            "ts=1 type=eviction key=abc",
            "type=item_get key=a",
        ] {
            assert_eq!(event(line), None, "{line}");
        }
    }
}
