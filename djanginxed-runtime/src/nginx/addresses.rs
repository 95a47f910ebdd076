//! Where nginx listens, and where it finds the application.

use std::net::SocketAddr;

use super::error::{Error, refuse};

/// An address of `listen`, and its port.
#[derive(Clone, Debug)]
pub(super) struct Listen {
    pub(super) address: String,
    pub(super) port: u16,
}

impl Listen {
    pub(super) fn parse(value: &str) -> Result<Listen, Error> {
        let port = match value.strip_prefix("*:") {
            Some(port) => port_number(port),
            None => port_number(value).or_else(|| Some(value.parse::<SocketAddr>().ok()?.port())),
        };
        let port = port.filter(|&port| port != 0).ok_or_else(|| {
            refuse(
                "listen",
                value,
                "write a port, or an address with one, for example \"80\", \"10.0.0.1:8080\" or \"[::]:80\"",
            )
        })?;
        Ok(Listen {
            address: value.to_owned(),
            port,
        })
    }
}

/// Where the inner server listens: nobody but this machine may ask it.
pub(super) fn inner(value: &str, listens: &[Listen]) -> Result<String, Error> {
    let refuse = |problem| Err(refuse("inner", value, problem));
    if is_unix_socket(value) {
        return Ok(value.to_owned());
    }
    match value.parse::<SocketAddr>() {
        Ok(address) if !address.ip().is_loopback() || address.port() == 0 => {
            refuse("give it a port of a loopback address: only nginx itself asks there")
        }
        Ok(address) if listens.iter().any(|listen| listen.port == address.port()) => {
            refuse("visitors come to this port; give it one of its own")
        }
        Ok(_) => Ok(value.to_owned()),
        Err(_) => refuse("write \"127.0.0.1:11280\", or \"unix:/run/pages.sock\""),
    }
}

/// An address of the application, for `server` in its upstream.
pub(super) fn application(value: &str) -> Result<String, Error> {
    let known = is_unix_socket(value) || is_host_and_port(value);
    if known {
        return Ok(value.to_owned());
    }
    Err(refuse(
        "application",
        value,
        "write host and port, for example \"127.0.0.1:8080\", or \"unix:/run/app.sock\"",
    ))
}

fn plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

fn is_unix_socket(value: &str) -> bool {
    value
        .strip_prefix("unix:/")
        .is_some_and(|path| path.bytes().all(|byte| plain(byte) || byte == b'/'))
}

fn is_host_and_port(value: &str) -> bool {
    if let Ok(address) = value.parse::<SocketAddr>() {
        return address.port() != 0;
    }
    let Some((host, port)) = value.rsplit_once(':') else {
        return false;
    };
    !host.is_empty() && host.bytes().all(plain) && port_number(port).is_some_and(|port| port != 0)
}

fn port_number(value: &str) -> Option<u16> {
    // `parse` alone would take "+80", which nginx does not.
    value
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| value.parse().ok())?
}
