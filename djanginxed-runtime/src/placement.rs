//! Which server a page is on: where nginx will look for it.

mod consistent;
mod modulo;
mod upstream;

pub use self::upstream::upstream_lines;

use self::consistent::Points;
use self::modulo::Slots;
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
pub struct Ring(Layout);

#[derive(Debug)]
enum Layout {
    /// Every key is on the only server, wherever it would be hashed to.
    One,
    Points(Points),
    Slots(Slots),
}

impl Ring {
    /// Lays out `servers`, of which there is at least one.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn new(servers: &[Server], placement: Placement) -> Ring {
        assert!(!servers.is_empty(), "a ring has at least one server");
        Ring(match placement {
            _ if servers.len() == 1 => Layout::One,
            Placement::Consistent => Layout::Points(Points::new(servers)),
            Placement::Modulo => Layout::Slots(Slots::new(servers)),
        })
    }

    /// The index of the server that nginx asks for `key`.
    #[must_use]
    pub fn server_of(&self, key: &PageKey) -> usize {
        let hash = || crc32fast::hash(&key.hex());
        match &self.0 {
            Layout::One => 0,
            Layout::Points(points) => points.owner(hash()),
            Layout::Slots(slots) => slots.owner(hash()),
        }
    }
}

#[cfg(test)]
mod tests;
