//! The application's servers, and which one has a page.

use std::fmt::Display;

use djanginxed::{PageKey, Placement};
use djanginxed_runtime::tool::{Ring, Server};

use super::item::Item;
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

    /// The address of the server that nginx asks for `key`.
    pub(crate) fn address_of(&self, key: &PageKey) -> String {
        self.address(self.index_of(key))
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
