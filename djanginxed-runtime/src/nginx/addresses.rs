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

/// An address of the application, for `server` in its upstream.
pub(super) fn application(value: &str) -> Result<String, Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let known = match value.strip_prefix("unix:") {
        Some(path) => path.starts_with('/') && path.bytes().all(|b| plain(b) || b == b'/'),
        None => is_host_and_port(value, plain),
    };
    if known {
        return Ok(value.to_owned());
    }
    Err(refuse(
        "application",
        value,
        "write host and port, for example \"127.0.0.1:8080\", or \"unix:/run/app.sock\"",
    ))
}

fn is_host_and_port(value: &str, plain: impl Fn(u8) -> bool) -> bool {
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
