//! `hash … consistent`: the ring of ngx_http_upstream_hash_module, which is
//! that of the Perl client Cache::Memcached::Fast.

use crc32fast::Hasher;

use crate::server::{Place, Server};

const POINTS_PER_WEIGHT: u32 = 160;

/// Sorted by hash, no hash twice.
#[derive(Debug)]
pub(super) struct Points(Vec<Point>);

#[derive(Clone, Copy, Debug)]
struct Point {
    hash: u32,
    server: u32,
}

impl Points {
    pub(super) fn new(servers: &[Server]) -> Points {
        let mut points: Vec<Point> = (0..)
            .zip(servers)
            .flat_map(|(index, server)| points_of(index, server))
            .collect();
        // Stable, as qsort is in glibc: where two servers have the same point,
        // the first in the list has it.
        points.sort_by_key(|point| point.hash);
        points.dedup_by_key(|point| point.hash);
        Points(points)
    }

    /// The first point at or after `hash`, from the last on to the first.
    pub(super) fn owner(&self, hash: u32) -> usize {
        let next = self.0.partition_point(|point| point.hash < hash);
        self.0[next % self.0.len()].server as usize
    }

    #[cfg(test)]
    pub(super) fn shares_points(&self, servers: &[Server]) -> bool {
        let weight: u32 = servers.iter().map(|server| server.weight).sum();
        self.0.len() != (weight * POINTS_PER_WEIGHT) as usize
    }
}

/// Each point continues crc32(host, 0, port) over the point before it. A socket's
/// path stands for the host, and no port follows.
fn points_of(index: u32, server: &Server) -> impl Iterator<Item = Point> + use<> {
    let mut base = Hasher::new();
    match &server.place {
        Place::Tcp { host, port } => {
            base.update(host.as_bytes());
            base.update(&[0]);
            base.update(port.to_string().as_bytes());
        }
        Place::Unix(path) => {
            base.update(path.as_bytes());
            base.update(&[0]);
        }
    }
    let mut hash = 0_u32;
    (0..server.weight * POINTS_PER_WEIGHT).map(move |_| {
        let mut point = base.clone();
        point.update(&hash.to_le_bytes());
        hash = point.finalize();
        Point {
            hash,
            server: index,
        }
    })
}
