//! Where nginx listens, and where it finds the application.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::error::{Error, refuse};
use crate::server::{host_and_port, socket};

/// An address of `listen`, written one way whichever way it was given: nginx
/// takes no address twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listen {
    pub(super) address: String,
    pub(super) port: u16,
}

impl Listen {
    pub(super) fn parse(value: &str) -> Result<Listen, Error> {
        let port = value.strip_prefix("*:").unwrap_or(value);
        let address = port_number(port)
            .map(|port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))
            .or_else(|| socket_address(value))
            .filter(|address| address.port() != 0)
            .ok_or_else(|| {
                refuse(
                    "listen",
                    value,
                    "write a port, or an address with one, for example \"80\", \"10.0.0.1:8080\" or \"[::]:80\"",
                )
            })?;
        Ok(Listen {
            address: match address.ip() {
                IpAddr::V4(Ipv4Addr::UNSPECIFIED) => address.port().to_string(),
                _ => address.to_string(),
            },
            port: address.port(),
        })
    }
}

/// Where the inner server listens: nobody but this machine may ask it.
pub(super) fn inner(value: &str, listens: &[Listen]) -> Result<String, Error> {
    let refuse = |problem| Err(refuse("inner", value, problem));
    if value
        .strip_prefix(socket::SCHEME)
        .is_some_and(is_socket_path)
    {
        return Ok(value.to_owned());
    }
    match socket_address(value) {
        Some(address) if !address.ip().is_loopback() || address.port() == 0 => {
            refuse("give it a port of a loopback address: only nginx itself asks there")
        }
        Some(address) if listens.iter().any(|listen| listen.port == address.port()) => {
            refuse("visitors come to this port; give it one of its own")
        }
        Some(address) => Ok(address.to_string()),
        None => refuse("write \"127.0.0.1:11280\", or \"unix:/run/pages.sock\""),
    }
}

/// nginx knows no zone of an IPv6 address, and no IPv4 address in the form of one.
fn socket_address(value: &str) -> Option<SocketAddr> {
    let address: SocketAddr = value.parse().ok().filter(|_| !value.contains('%'))?;
    Some(SocketAddr::new(address.ip().to_canonical(), address.port()))
}

/// An address of the application, for `server` in its upstream.
pub(super) fn application(value: &str) -> Result<String, Error> {
    let known = match value.strip_prefix(socket::SCHEME) {
        Some(path) => is_socket_path(path),
        None => host_and_port(value).is_ok(),
    };
    if known {
        return Ok(value.to_owned());
    }
    Err(refuse(
        "application",
        value,
        "write host and port, for example \"127.0.0.1:8080\", or \"unix:/run/app.sock\", \
         whose path is 107 characters at most",
    ))
}

fn is_socket_path(path: &str) -> bool {
    socket::check(path).is_ok()
}

fn port_number(value: &str) -> Option<u16> {
    // `parse` alone would take "+80", which nginx does not.
    value
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| value.parse().ok())?
}
