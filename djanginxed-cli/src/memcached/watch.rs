//! What a server is asked for while we look on (`watch`, memcached 1.4.26 and
//! later): which keys nginx looks up, and under which the application stores.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::link::{Link, Trouble};

/// Memcached hands events on within a second.
const PATIENCE: Duration = Duration::from_millis(2500);

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
        let mut windows = vec![Vec::new()];
        let until = Instant::now() + PATIENCE;
        for _ in 0..MOST {
            if windows.len() > self.marked as usize {
                break;
            }
            let Ok(Ok(line)) = timeout_at(until, self.events.line()).await else {
                break;
            };
            match event(&line) {
                Some(event) if event.key.starts_with(&self.prefix) => windows.push(Vec::new()),
                Some(event) => windows
                    .last_mut()
                    .into_iter()
                    .for_each(|w| w.push(event.clone())),
                None => {}
            }
        }
        windows.truncate(self.marked as usize);
        windows
    }
}

fn event(line: &str) -> Option<Event> {
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
        _ => return None,
    };
    Some(Event {
        key: field("key")?.to_owned(),
        kind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_lookup_or_a_store_of_a_key() {
        let line = "ts=1.2 gid=1 type=item_get key=abc status=not_found clsid=0 cfd=25 size=0";
        let kind = Kind::Lookup { found: false };
        assert_eq!(event(line).map(|event| event.kind), Some(kind));
        let line = "ts=1.2 gid=6 type=item_store key=abc status=stored cmd=set ttl=60";
        let event = event(line).unwrap();
        assert_eq!((event.key.as_str(), event.kind), ("abc", Kind::Store));
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
