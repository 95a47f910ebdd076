//! Options that say how a site is asked.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::dial::socket_of;
use crate::failure::Failure;
use crate::http::{Client, Origin, Trust};

/// How a site is asked.
#[derive(Args, Debug)]
pub(crate) struct SiteArgs {
    /// Connect there, whatever host a URL names
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    connect: Option<String>,
    /// A header to send with every request; may be given several times
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header)]
    pub(crate) headers: Vec<(String, String)>,
    /// Give an answer up after that many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
}

/// Whom TLS trusts.
#[derive(Args, Debug)]
pub(crate) struct TrustArgs {
    /// Trust the certificates in this PEM file, too
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
}

impl SiteArgs {
    /// The longest that an answer may take.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    /// A client of `origin`, by way of `--connect`.
    pub(crate) fn client(&self, origin: &Origin, trust: &Trust) -> Client {
        let connect = self.connect.clone();
        Client::new(origin.clone(), connect, self.patience(), trust)
    }
}

impl TrustArgs {
    pub(crate) fn trust(&self) -> Result<Trust, Failure> {
        Trust::new(self.cacert.as_deref())
    }
}

/// A header on the command line.
pub(crate) fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("write it as \"NAME: VALUE\", for example \"X-Frame-Options: DENY\"")?;
    Ok((name.trim().into(), value.trim().into()))
}

/// Where to connect, on the command line.
pub(crate) fn address(text: &str) -> Result<String, &'static str> {
    let parts = text.rsplit_once(':');
    let is_right = parts.is_some_and(|(host, port)| {
        let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
        let has_colon = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
        is_port && !host.is_empty() && !host.contains(['/', '@', ' ']) && !has_colon
    });
    match is_right {
        true => Ok(text.to_owned()),
        false => Err("write it as HOST:PORT, for example 127.0.0.1:8080 or [::1]:8080"),
    }
}

/// Where an application listens.
pub(crate) fn address_or_socket(text: &str) -> Result<String, &'static str> {
    match socket_of(text) {
        Some(path) if path.starts_with('/') => Ok(text.to_owned()),
        Some(_) => Err("write the whole path, for example unix:/run/site/app.sock"),
        None => address(text).map_err(|_| {
            "write it as HOST:PORT or unix:/PATH, for example 127.0.0.1:8080 or \
             unix:/run/site/app.sock"
        }),
    }
}
