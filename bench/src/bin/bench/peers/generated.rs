//! nginx with the generated file.

use djanginxed::PageCache;
use djanginxed::nginx::{Md5, Site};
use testkit::{Memcached, Module, free_port};

use super::unix_memcached::UnixMemcached;
use super::{Peer, nginx};
use crate::contest::Outcome;

/// nginx with the generated file, for pages that the application on `app`
/// stores in `memcached`.
pub(crate) fn generated(
    memcached: &Memcached,
    prefix: &str,
    gzip: bool,
    md5: Md5,
    app: u16,
) -> Outcome<Peer> {
    let (module, site) = site(&memcached.address(), prefix, gzip, md5, app)?;
    let script = file(&site, 1)?.1;
    nginx(&[module], script, |port| Ok(file(&site, port)?.0))
}

/// The generated file with Memcached's address replaced by a unix socket, which
/// the application cannot store through: an outlook. The entries are put there
/// by us.
pub(crate) fn over_unix_socket(
    prefix: &str,
    entries: &[(String, Vec<u8>)],
    app: u16,
) -> Outcome<Peer> {
    let memcached = UnixMemcached::start()?;
    memcached.put(prefix, entries)?;
    let stand_in = "127.0.0.1:11211";
    let (module, site) = site(stand_in, prefix, true, Md5::SetMisc, app)?;
    let socket = format!("unix:{}", memcached.socket.display());
    let mut peer = nginx(&[module], "", |port| {
        Ok(file(&site, port)?.0.replace(stand_in, &socket))
    })?;
    peer._running.push(Box::new(memcached));
    Ok(peer)
}

fn site(memcached: &str, prefix: &str, gzip: bool, md5: Md5, app: u16) -> Outcome<(Module, Site)> {
    let pages = PageCache::builder()
        .memcached([memcached])
        .key_prefix(prefix)
        .gzip(gzip)
        .build()
        .map_err(|error| error.to_string())?;
    let site = Site::new(&pages)
        .server_name("127.0.0.1")
        .app(format!("127.0.0.1:{app}"))
        .md5(md5);
    let module = match md5 {
        Md5::Njs => Module::Njs,
        _ => Module::SetMisc,
    };
    Ok((module, site))
}

/// The file and its script.
fn file(site: &Site, port: u16) -> Outcome<(String, &'static str)> {
    let site = site
        .clone()
        .listen(format!("127.0.0.1:{port}"))
        .inner(format!("127.0.0.1:{}", free_port()));
    let files = site.generate().map_err(|error| error.to_string())?;
    Ok((files.site(), files.script().unwrap_or_default()))
}
