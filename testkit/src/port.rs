//! Free loopback ports.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

/// A TCP port of 127.0.0.1 on which nobody listens now.
///
/// Another process may take it before the caller does, so a starter that finds
/// it taken asks for another. It comes from below the range that the system
/// gives to outgoing connections, so that a stopped server's port stays free
/// until the test starts it again.
///
/// # Panics
/// When no port is free.
#[must_use]
pub fn free_port() -> u16 {
    (0..1000)
        .map(|_| candidate())
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("no free TCP port on 127.0.0.1 between 10000 and 32000")
}

/// Random, so that parallel test processes rarely want the same one.
fn candidate() -> u16 {
    // A `RandomState` has fresh keys each time: std's only source of chance.
    let chance = RandomState::new().hash_one(std::process::id());
    10_000 + u16::try_from(chance % 22_000).unwrap_or(0)
}
