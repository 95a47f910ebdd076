//! Which list of servers explains where keys were looked up or stored.

use djanginxed::{PageKey, Placement};
use djanginxed_runtime::tool::{Ring, Server};

/// A list of servers, as nginx places keys on it.
#[derive(Debug)]
pub(super) struct Placing {
    servers: Vec<Server>,
    placement: Placement,
}

/// How a list differs from the one that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
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
        Placing { servers, placement }
    }

    pub(super) fn server_of(&self, key: &PageKey) -> usize {
        Ring::new(&self.servers, self.placement).server_of(key)
    }

    pub(super) fn address(&self, index: usize) -> String {
        self.servers[index].address()
    }

    /// How a list that puts each key on this server differs from ours; none
    /// where ours does.
    pub(super) fn explain(&self, placed: &[(PageKey, usize)]) -> Option<Difference> {
        let ring = Ring::new(&self.servers, self.placement);
        if placed.iter().all(|(key, at)| ring.server_of(key) == *at) {
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
        let ring = Ring::new(&self.servers, self.placement);
        let mut servers: Vec<usize> = (0..self.servers.len()).collect();
        let mut others = self.others();
        let mut chosen = Vec::new();
        for (target, key) in candidates.take(300) {
            let at = ring.server_of(&key);
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
        let mut others = Vec::new();
        let flipped = match self.placement {
            Placement::Consistent => Placement::Modulo,
            _ => Placement::Consistent,
        };
        let all: Vec<usize> = (0..self.servers.len()).collect();
        others.push(self.other(
            Difference::Placement(flipped),
            self.servers.clone(),
            flipped,
            &all,
        ));
        self.reordered(&mut others, self.placement, &Difference::Order);
        self.without_one(&mut others);
        self.respelled(&mut others);
        self.weighed(&mut others);
        self.reordered(&mut others, flipped, &Difference::Placement(flipped));
        others
    }

    fn other(
        &self,
        difference: Difference,
        servers: Vec<Server>,
        placement: Placement,
        given_index: &[usize],
    ) -> Other {
        Other {
            difference,
            ring: Ring::new(&servers, placement),
            given_index: given_index.to_vec(),
        }
    }

    fn reordered(&self, others: &mut Vec<Other>, placement: Placement, difference: &Difference) {
        for order in orders(self.servers.len()) {
            let servers = order.iter().map(|at| self.servers[*at].clone()).collect();
            others.push(self.other(difference.clone(), servers, placement, &order));
        }
    }

    fn without_one(&self, others: &mut Vec<Other>) {
        for missing in 0..self.servers.len() {
            let rest: Vec<usize> = (0..self.servers.len())
                .filter(|at| *at != missing)
                .collect();
            if rest.is_empty() {
                continue;
            }
            let servers = rest.iter().map(|at| self.servers[*at].clone()).collect();
            let difference = Difference::Missing(self.address(missing));
            others.push(self.other(difference, servers, self.placement, &rest));
        }
    }

    fn respelled(&self, others: &mut Vec<Other>) {
        const NAMES: [(&str, &str); 2] =
            [("127.0.0.1:", "localhost:"), ("localhost:", "127.0.0.1:")];
        let all: Vec<usize> = (0..self.servers.len()).collect();
        for at in &all {
            let entry = self.servers[*at].to_string();
            for (from, to) in NAMES {
                let other = entry.strip_prefix(from).map(|rest| format!("{to}{rest}"));
                let Some(Ok(server)) = other.map(|entry| Server::parse(&entry)) else {
                    continue;
                };
                let mut servers = self.servers.clone();
                servers[*at] = server;
                let difference = Difference::Spelling(self.address(*at));
                others.push(self.other(difference, servers, self.placement, &all));
            }
        }
    }

    fn weighed(&self, others: &mut Vec<Other>) {
        let all: Vec<usize> = (0..self.servers.len()).collect();
        for at in &all {
            for weight in 1..=10 {
                let entry = format!("{} weight={weight}", self.address(*at));
                let Ok(server) = Server::parse(&entry) else {
                    continue;
                };
                if server == self.servers[*at] {
                    continue;
                }
                let mut servers = self.servers.clone();
                servers[*at] = server;
                let difference = Difference::Weight(self.address(*at));
                others.push(self.other(difference, servers, self.placement, &all));
            }
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
