//! The application's servers, and which one has a page.

use std::fmt::Display;

use djanginxed::{Layout, PageKey, Placement};
use djanginxed_runtime::tool::{Ring, Server, read_flags, split_flags};

use super::link::{Link, Trouble};

/// The application's servers, and which one has a page.
#[derive(Debug)]
pub(crate) struct Servers {
    list: Vec<Server>,
    ring: Ring,
    links: Vec<Connection>,
}

/// A connection that is kept; who did not answer once is not asked again.
#[derive(Debug)]
enum Connection {
    Unopened,
    Open(Link),
    Failed(Trouble),
}

/// What is stored under a key.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) value: Vec<u8>,
    pub(crate) flags: u32,
    /// Seconds; none: it does not expire.
    pub(crate) seconds_left: Option<u64>,
    /// Whether anyone has read it since it was stored.
    pub(crate) read: bool,
    /// Seconds since it was read, or else stored.
    pub(crate) seconds_untouched: u64,
}

impl Item {
    /// Its layout, and whether it is gzip; `None` where it is no page's.
    pub(crate) fn kind(&self) -> Option<(Layout, bool)> {
        let (kind, _) = split_flags(self.flags);
        read_flags(kind)
    }

    /// For how many seconds at the end of its life the application calls it stale.
    pub(crate) fn stale_for(&self) -> u32 {
        split_flags(self.flags).1
    }

    /// Whether it is a whole response, and not a body alone.
    pub(crate) fn layout(&self) -> Layout {
        self.kind().map(|(layout, _)| layout).unwrap_or_default()
    }

    /// Head and body; where the entry is a body alone, its head is empty.
    pub(crate) fn parts(&self) -> (&[u8], &[u8]) {
        const END: &[u8] = b"\r\n\r\n";
        let value = self.value.as_slice();
        let end = value.windows(END.len()).position(|four| four == END);
        match end {
            Some(end) if self.layout() == Layout::Response => {
                (&value[..end], &value[end + END.len()..])
            }
            _ => (&[], value),
        }
    }

    /// Whether its body is packed.
    pub(crate) fn is_packed(&self) -> bool {
        self.kind() == Some((Layout::Body, true))
            || self.layout() == Layout::Response && self.parts().1.starts_with(&[0x1F, 0x8B])
    }

    /// `words` are the flags of a meta command's answer; what is strange in them
    /// is left out.
    pub(super) fn read<'a>(value: Vec<u8>, words: impl Iterator<Item = &'a str>) -> Item {
        let mut item = Item {
            value,
            flags: 0,
            seconds_left: None,
            read: false,
            seconds_untouched: 0,
        };
        for word in words {
            let (flag, value) = word.split_at_checked(1).unwrap_or((word, ""));
            match flag {
                "f" => item.flags = value.parse().unwrap_or(0),
                "t" => item.seconds_left = value.parse().ok(),
                "h" => item.read = value == "1",
                "l" => item.seconds_untouched = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        item
    }
}

impl Servers {
    pub(crate) fn new(list: Vec<Server>, placement: Placement) -> Servers {
        let ring = Ring::new(&list, placement);
        let links = list.iter().map(|_| Connection::Unopened).collect();
        Servers { list, ring, links }
    }

    pub(crate) fn list(&self) -> &[Server] {
        &self.list
    }

    /// The index of the server that nginx asks for `key`.
    pub(crate) fn index_of(&self, key: &PageKey) -> usize {
        self.ring.server_of(key)
    }

    /// `host:port` or `unix:/path` of the server at `index`.
    pub(crate) fn address(&self, index: usize) -> String {
        self.list[index].address()
    }

    /// The item under `key` on the server at `index`.
    pub(crate) async fn peek_at(
        &mut self,
        index: usize,
        key: impl Display,
    ) -> Result<Option<Item>, Trouble> {
        let link = self.link(index).await?;
        let result = link.peek(&key).await;
        self.remember(index, result)
    }

    /// Lets the item under `key` live for so many seconds more, at most a month; whether
    /// it is there.
    pub(crate) async fn shorten(
        &mut self,
        index: usize,
        key: impl Display,
        seconds: u32,
    ) -> Result<bool, Trouble> {
        let link = self.link(index).await?;
        let result = link.ask(&format!("mg {key} T{seconds}")).await;
        self.remember(index, result)
            .map(|line| line.starts_with("HD"))
    }

    /// Stores an item where there is none, for so many seconds, at most a month; whether
    /// that is done.
    pub(crate) async fn add(
        &mut self,
        index: usize,
        key: impl Display,
        (flags, value): (u32, &str),
        seconds: u32,
    ) -> Result<bool, Trouble> {
        let link = self.link(index).await?;
        let size = value.len();
        let line = format!("ms {key} {size} ME F{flags} T{seconds}\r\n{value}");
        let result = link.ask(&line).await;
        self.remember(index, result)
            .map(|line| line.starts_with("HD"))
    }

    /// Takes all of `keys` away from the server at `index`.
    pub(crate) async fn take(&mut self, index: usize, keys: &[String]) -> Result<(), Trouble> {
        const AT_ONCE: usize = 200;
        for some in keys.chunks(AT_ONCE) {
            let link = self.link(index).await?;
            let result = link.take(some).await;
            self.remember(index, result)?;
        }
        Ok(())
    }

    /// Whether the server at `index` answers, as a Memcached does.
    pub(crate) async fn reach(&mut self, index: usize) -> Result<(), Trouble> {
        let link = self.link(index).await?;
        let result = match link.ask("mn").await {
            Ok(answer) if answer == "MN" => Ok(()),
            Ok(answer) => Err(Trouble::Says(answer)),
            Err(trouble) => Err(trouble),
        };
        self.remember(index, result)
    }

    async fn link(&mut self, index: usize) -> Result<&mut Link, Trouble> {
        let address = self.address(index);
        let connection = &mut self.links[index];
        if matches!(connection, Connection::Unopened) {
            *connection = match Link::open(&address).await {
                Ok(link) => Connection::Open(link),
                Err(trouble) => Connection::Failed(trouble),
            };
        }
        match connection {
            Connection::Open(link) => Ok(link),
            Connection::Failed(trouble) => Err(trouble.clone()),
            Connection::Unopened => Err(Trouble::Refused),
        }
    }

    fn remember<T>(&mut self, index: usize, result: Result<T, Trouble>) -> Result<T, Trouble> {
        if let Err(trouble) = &result {
            self.links[index] = Connection::Failed(trouble.clone());
        }
        result
    }
}
