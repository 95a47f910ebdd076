//! Reading an item without disturbing it.

use std::time::Duration;

use djanginxed::{PageKey, Placement};
use djanginxed_runtime::internals::{Ring, Server};
use memcache::exp::{AsyncMetaConnection, MetaCommand, MetaOp, parse_meta_result};
use tokio::time::timeout;

use crate::failure::Failure;

const PATIENCE: Duration = Duration::from_secs(2);

/// The application's servers, and which one has a page.
#[derive(Debug)]
pub(crate) struct Servers {
    list: Vec<Server>,
    ring: Ring,
}

/// What is stored under a key.
#[derive(Debug)]
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

impl Servers {
    pub(crate) fn new(list: Vec<Server>, placement: Placement) -> Servers {
        let ring = Ring::new(&list, placement);
        Servers { list, ring }
    }

    /// `host:port` of the server that nginx asks for `key`.
    pub(crate) fn server_of(&self, key: &PageKey) -> String {
        let server = self.list[self.ring.server_of(key)].to_string();
        // Its weight follows the address.
        server.split(' ').next().unwrap_or_default().to_owned()
    }

    /// The item under `key`. Its "fetched" flag, its last access and its place
    /// among those to be evicted stay as they are.
    pub(crate) async fn peek(&self, key: &PageKey) -> Result<Option<Item>, Failure> {
        let server = self.server_of(key);
        match timeout(PATIENCE, read(&server, key)).await {
            Ok(Ok(item)) => Ok(item),
            Ok(Err(error)) => Err(Failure::Failed(format!("Memcached {server}: {error}"))),
            Err(_) => Err(Failure::Failed(format!(
                "Memcached {server} does not answer within {} s",
                PATIENCE.as_secs()
            ))),
        }
    }
}

async fn read(server: &str, key: &PageKey) -> Result<Option<Item>, memcache::exp::Error> {
    let mut connection = AsyncMetaConnection::connect(server).await?;
    // Of these flags, `u` is the one that keeps the reading unnoticed: without
    // it, `h` and `l` would report this very reading the next time.
    let mut command = MetaCommand::new(MetaOp::Get, key.to_string());
    for flag in ["v", "f", "t", "h", "l", "u"] {
        command = command.flag(flag);
    }
    let found = parse_meta_result(connection.execute(&command).await?)?;
    Ok(found.value.map(|value| Item {
        value,
        flags: found.client_flags.unwrap_or(0),
        seconds_left: found.ttl.and_then(|ttl| u64::try_from(ttl).ok()),
        read: found.hit_before.unwrap_or(false),
        seconds_untouched: found.last_access.unwrap_or(0),
    }))
}
