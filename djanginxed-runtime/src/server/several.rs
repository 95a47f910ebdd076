//! A name that stands for several addresses.

use std::net::SocketAddr;

/// Warns where nginx sees several servers and the application one: nginx takes
/// each address of a name as a server of its own.
///
/// Resolving may take long, so this is for a task of its own, once for a
/// server that has been reached. A name that cannot be resolved is for the one
/// who dials it to report.
pub(crate) async fn warn_if_several(address: String) {
    let Ok(found) = tokio::net::lookup_host(&address).await else {
        return;
    };
    let found = distinct(found);
    if found.len() > 1 {
        tracing::warn!(
            server = address,
            addresses = ?found,
            "this Memcached server's name stands for several addresses, which nginx takes for several servers: \
             unless they reach the same process, it misses pages; list the address instead"
        );
    }
}

/// Resolvers name an address once for each kind of socket.
fn distinct(found: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut distinct: Vec<_> = found.collect();
    distinct.sort_unstable();
    distinct.dedup();
    distinct
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_found_twice_is_one() {
        let address: SocketAddr = "127.0.0.1:11211".parse().unwrap();
        let other: SocketAddr = "[::1]:11211".parse().unwrap();
        assert_eq!(distinct([address, address].into_iter()).len(), 1);
        assert_eq!(distinct([address, other, address].into_iter()).len(), 2);
    }
}
