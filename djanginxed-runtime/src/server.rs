//! A Memcached server, written as in nginx's `upstream`.

use crate::config::ConfigError;

/// One server of the list given to
/// [`memcached`](crate::PageCacheBuilder::memcached).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    /// Host as written; nginx's ring hashes this, not what it resolves to.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) weight: u32,
}

impl Server {
    /// Reads `host:port [weight=n]`.
    pub(crate) fn parse(entry: &str) -> Result<Server, ConfigError> {
        let refuse = |problem| ConfigError::Server {
            entry: entry.to_owned(),
            problem,
        };
        let (host, port) = entry
            .trim()
            .rsplit_once(':')
            .ok_or_else(|| refuse("it has no port"))?;
        Ok(Server {
            host: host.to_owned(),
            port: port
                .parse()
                .map_err(|_| refuse("its port is not a number"))?,
            weight: 1,
        })
    }

    /// `host:port`, as written and as dialled.
    pub(crate) fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}
