//! `hash …` without `consistent`: the formula of the Perl client
//! Cache::Memcached.

use crate::server::Server;

/// One slot for each unit of weight, in the order of the list.
#[derive(Debug)]
pub(super) struct Slots(Vec<usize>);

impl Slots {
    pub(super) fn new(servers: &[Server]) -> Slots {
        let slots = servers
            .iter()
            .enumerate()
            .flat_map(|(index, server)| (0..server.weight).map(move |_| index));
        Slots(slots.collect())
    }

    /// nginx hashes again only for a server that is down, and what it finds on
    /// the next one is not ours to answer for: pages stay with their server.
    pub(super) fn owner(&self, hash: u32) -> usize {
        let hash = (hash >> 16) & 0x7fff;
        self.0[hash as usize % self.0.len()]
    }
}
