//! Free loopback ports.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::wait::within;

/// What this process was given already: whoever asked for it may not listen yet.
static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);

/// A TCP port of 127.0.0.1 on which nobody listens now, and another one each time.
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
        // Bound for a moment, it would be taken for who was given it before.
        .filter(|port| is_given_first(*port))
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("no free TCP port on 127.0.0.1 between 10000 and 32000")
}

/// Listens on a port of 127.0.0.1 that nobody needs any more. It may be taken for a moment
/// still: by who waits in accept, or by a process that was forked meanwhile and has not
/// started its program yet.
///
/// # Errors
/// When it is taken for longer.
pub fn listen(port: u16) -> io::Result<TcpListener> {
    let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let mut bound = bind();
    within(Duration::from_secs(2), || {
        if bound.is_err() {
            bound = bind();
        }
        bound.is_ok()
    });
    bound
}

fn is_given_first(port: u16) -> bool {
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    given.get_or_insert_default().insert(port)
}

/// Random, so that parallel test processes rarely want the same one.
fn candidate() -> u16 {
    // A `RandomState` has fresh keys each time: std's only source of chance.
    let chance = RandomState::new().hash_one(std::process::id());
    10_000 + u16::try_from(chance % 22_000).unwrap_or(0)
}
