//! The servers that answer hits: nginx with the generated file, and its rivals.

mod rivals;
mod stored;

use std::any::Any;
use std::time::Duration;

use anyhow::Result;
use testkit::{Module, Nginx};
use visitors::usage::{children, processor_time};

pub(crate) use rivals::{
    memcached_pass, proxy_cache, proxy_cache_of_a_second, python_readme, uncached, varnish,
};
pub(crate) use stored::{Running, Stored};

/// What every file here begins with: no log, and sendfile as in Debian's nginx.conf,
/// but not its tcp_nopush, with which large files wait 40 ms on loopback.
const HTTP: &str = "access_log off;\nsendfile on;\n";

/// A server on 127.0.0.1; it runs as long as this value.
pub(crate) struct Peer {
    pub(crate) port: u16,
    /// The process that was started.
    id: u32,
    _running: Box<dyn Any>,
}

impl Peer {
    /// What it has taken of the processors since its start, its workers with it.
    pub(crate) fn processor_time(&self) -> Result<Duration> {
        let all = children(self.id)?.into_iter().chain([self.id]);
        all.map(processor_time).sum()
    }
}

/// nginx with a file of the caller's.
pub(crate) fn nginx(
    modules: &[Module],
    script: &str,
    http: impl Fn(u16) -> Result<String>,
) -> Result<Peer> {
    // The port is not known before the start, and the file must be sound by then.
    http(1)?;
    let nginx = Nginx::builder()
        .modules(modules.iter().copied())
        .file("djanginxed.js", script)
        .start(|port| format!("{HTTP}{}", http(port).unwrap_or_default()))?;
    Ok(Peer {
        port: nginx.port(),
        id: nginx.id(),
        _running: Box::new(nginx),
    })
}
