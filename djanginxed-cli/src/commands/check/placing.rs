//! Which list of servers explains where keys were looked up or stored.

use std::iter;

use djanginxed::{PageKey, Placement};
use djanginxed_runtime::tool::{Ring, Server};

/// A list of servers, as nginx places keys on it.
#[derive(Debug)]
pub(super) struct Placing {
    servers: Vec<Server>,
    placement: Placement,
    ring: Ring,
}

/// How a list differs from the one that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(Default, strum::EnumIter))]
pub(super) enum Difference {
    /// `consistent` stands there, or does not.
    Placement(Placement),
    /// The same servers in another order.
    Order,
    /// A server is missing there.
    Missing(String),
    /// A server stands there that was not given.
    Further(String),
    /// A server has another weight.
    Weight(String),
    /// A server's host is written otherwise.
    Spelling(String),
    /// Another list, of which we know no more.
    #[cfg_attr(test, default)]
    Unknown,
}

/// A list that may be somebody's instead, and where it puts keys, as indexes of
/// the list that was given.
struct Other {
    difference: Difference,
    ring: Ring,
    given_index: Vec<usize>,
}

impl Other {
    fn server_of(&self, key: &PageKey) -> usize {
        self.given_index[self.ring.server_of(key)]
    }
}

impl Placing {
    pub(super) fn new(servers: Vec<Server>, placement: Placement) -> Placing {
        let ring = Ring::new(&servers, placement);
        Placing {
            servers,
            placement,
            ring,
        }
    }

    pub(super) fn server_of(&self, key: &PageKey) -> usize {
        self.ring.server_of(key)
    }

    pub(super) fn address(&self, index: usize) -> String {
        self.servers[index].address()
    }

    /// How a list that puts each key on this server differs from ours; none
    /// where ours does.
    pub(super) fn explain(&self, placed: &[(PageKey, usize)]) -> Option<Difference> {
        if placed.iter().all(|(key, at)| self.server_of(key) == *at) {
            return None;
        }
        let explains = |other: &Other| placed.iter().all(|(key, at)| other.server_of(key) == *at);
        let found = self.others().into_iter().find(explains);
        Some(found.map_or(Difference::Unknown, |other| other.difference))
    }

    /// Some of `candidates`: one for each server, and one that each other list
    /// would put elsewhere.
    pub(super) fn telling(
        &self,
        candidates: impl Iterator<Item = (String, PageKey)>,
    ) -> Vec<String> {
        // By chance, as many keys fit another list once in some thousand runs.
        const LEAST: usize = 12;
        const MOST: usize = 16;
        let mut servers: Vec<usize> = (0..self.servers.len()).collect();
        let mut others = self.others();
        let mut chosen = Vec::new();
        for (target, key) in candidates.take(300) {
            let at = self.server_of(&key);
            let before = servers.len() + others.len();
            servers.retain(|server| *server != at);
            others.retain(|other| other.server_of(&key) == at);
            let tells = servers.len() + others.len() < before && chosen.len() < MOST;
            if tells || chosen.len() < LEAST {
                chosen.push(target);
            }
        }
        chosen
    }

    /// Lists that people write by mistake, the likeliest first.
    fn others(&self) -> Vec<Other> {
        let flipped = match self.placement {
            Placement::Consistent => Placement::Modulo,
            _ => Placement::Consistent,
        };
        let flip = Difference::Placement(flipped);
        let all = (0..self.servers.len()).collect();
        iter::once(self.only(all, flipped, flip.clone()))
            .chain(self.reordered(self.placement, &Difference::Order))
            .chain(self.without_one())
            .chain(self.respelled())
            .chain(self.weighed())
            .chain(self.reordered(flipped, &flip))
            .collect()
    }

    fn reordered(
        &self,
        placement: Placement,
        difference: &Difference,
    ) -> impl Iterator<Item = Other> {
        let orders = orders(self.servers.len()).into_iter();
        orders.map(move |order| self.only(order, placement, difference.clone()))
    }

    fn without_one(&self) -> impl Iterator<Item = Other> {
        // A list has a server at least.
        let all = (0..self.servers.len()).filter(|_| self.servers.len() > 1);
        all.map(|missing| {
            let mut rest: Vec<usize> = (0..self.servers.len()).collect();
            rest.remove(missing);
            let difference = Difference::Missing(self.address(missing));
            self.only(rest, self.placement, difference)
        })
    }

    fn respelled(&self) -> impl Iterator<Item = Other> {
        const NAMES: [(&str, &str); 2] =
            [("127.0.0.1:", "localhost:"), ("localhost:", "127.0.0.1:")];
        let all = self.servers.iter().enumerate();
        all.flat_map(move |(at, own)| {
            NAMES.into_iter().filter_map(move |(from, to)| {
                let entry = own.to_string();
                let other = format!("{to}{}", entry.strip_prefix(from)?);
                let difference = Difference::Spelling(own.address());
                Some(self.with(at, Server::parse(&other).ok()?, difference))
            })
        })
    }

    fn weighed(&self) -> impl Iterator<Item = Other> {
        let all = self.servers.iter().enumerate();
        all.flat_map(move |(at, own)| {
            (1..=10).filter_map(move |weight| {
                let entry = format!("{} weight={weight}", own.address());
                let other = Server::parse(&entry).ok()?;
                let difference = Difference::Weight(own.address());
                (other != *own).then(|| self.with(at, other, difference))
            })
        })
    }

    /// Only the servers at these places of the list, in this order.
    fn only(&self, places: Vec<usize>, placement: Placement, difference: Difference) -> Other {
        let servers: Vec<_> = places.iter().map(|at| self.servers[*at].clone()).collect();
        Other {
            difference,
            ring: Ring::new(&servers, placement),
            given_index: places,
        }
    }

    /// The list with another server at one place.
    fn with(&self, at: usize, server: Server, difference: Difference) -> Other {
        let mut servers = self.servers.clone();
        servers[at] = server;
        Other {
            difference,
            ring: Ring::new(&servers, self.placement),
            given_index: (0..servers.len()).collect(),
        }
    }
}

/// Every other order of up to four things, and every exchange of two of more.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let first: Vec<usize> = (0..count).collect();
    let mut found = vec![first.clone()];
    let rounds = if count <= 4 { count } else { 1 };
    for _ in 0..rounds {
        for order in found.clone() {
            for (a, b) in pairs(count) {
                let mut other = order.clone();
                other.swap(a, b);
                if !found.contains(&other) {
                    found.push(other);
                }
            }
        }
    }
    found.retain(|order| *order != first);
    found
}

fn pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count).flat_map(move |a| (a + 1..count).map(move |b| (a, b)))
}

#[cfg(test)]
mod tests;
