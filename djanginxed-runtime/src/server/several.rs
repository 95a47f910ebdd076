//! A name that stands for several addresses.

use std::net::SocketAddr;

use super::Server;

/// Warns where nginx sees several servers and the application one.
///
/// To be called with what the name resolved to when a server is first dialled:
/// nginx resolves it when it starts, takes each address as a server of its own
/// and shares the name's keys out among them in turn.
pub(crate) fn warn_if_several(server: &Server, addresses: &[SocketAddr]) {
    let distinct = distinct(addresses);
    if distinct.len() > 1 {
        tracing::warn!(
            server = server.address(),
            addresses = ?distinct,
            "this Memcached server's name stands for several addresses, which nginx asks in turn: \
             unless they reach the same process, it misses pages; list each address as an entry"
        );
    }
}

fn distinct(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let mut distinct = addresses.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    distinct
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reported_twice_is_one() {
        let address: SocketAddr = "127.0.0.1:11211".parse().unwrap();
        let other: SocketAddr = "[::1]:11211".parse().unwrap();
        assert_eq!(distinct(&[address, address]).len(), 1);
        assert_eq!(distinct(&[address, other, address]).len(), 2);
    }
}
