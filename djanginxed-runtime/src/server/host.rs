//! `host:port`, as nginx reads it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The host as written, and the port.
pub(super) fn split(address: &str) -> Result<(&str, u16), &'static str> {
    if address
        .get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("unix:"))
    {
        return Err("write \"unix:\" in lower case, with the path of the socket behind it");
    }
    let (host, port) = if address.starts_with('[') {
        let end = address.find(']').ok_or("its \"[\" is not closed")?;
        let port = address[end + 1..].strip_prefix(':');
        (&address[..=end], port)
    } else {
        match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        }
    };
    let port = port
        .ok_or("it has no port, so nginx would ask port 80; write the port as in \"host:11211\"")?;
    if port.contains(':') {
        return Err("write an IPv6 address in brackets, as in \"[::1]:11211\"");
    }
    check_host(host)?;
    Ok((host, read_port(port)?))
}

/// One form for the ways to write the same host: case, a final dot, and an
/// IPv6 address's many forms.
pub(super) fn identity(host: &str) -> String {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => bare.trim_end_matches('.').to_ascii_lowercase(),
    }
}

/// nginx hashes the port's digits as written, so `011211` is another place on
/// its ring than `11211`.
fn read_port(port: &str) -> Result<u16, &'static str> {
    let digits = port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
    port.parse()
        .ok()
        .filter(|_| digits)
        .ok_or("its port is not a number from 1 to 65535")
}

fn check_host(host: &str) -> Result<(), &'static str> {
    if let Some(inside) = host.strip_prefix('[') {
        return match inside.trim_end_matches(']').parse::<Ipv6Addr>() {
            Ok(_) => Ok(()),
            Err(_) => Err("its IPv6 address is not one that nginx takes"),
        };
    }
    // As WHATWG's URL standard has it: what ends in digits is an address.
    let last = host.rsplit('.').next().unwrap_or(host);
    if !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()) {
        return match host.parse::<Ipv4Addr>() {
            Ok(_) => Ok(()),
            Err(_) => {
                Err("its IPv4 address is not four numbers from 0 to 255, without leading zeros")
            }
        };
    }
    if is_name(host) {
        Ok(())
    } else {
        Err("its host is neither an IP address nor a host name")
    }
}

/// RFC 1123's names, with the `_` that container networks use.
fn is_name(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    name.len() <= 253 && name.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=63).contains(&label.len())
        && label.bytes().all(allowed)
        && !label.starts_with('-')
        && !label.ends_with('-')
}
