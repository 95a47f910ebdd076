//! The servers that answer hits: nginx with the generated file, and its peers.

use std::any::Any;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use djanginxed::nginx::{Md5, Site};
use djanginxed::{PageCache, PageKey};
use tempfile::TempDir;
use testkit::{Memcached, Module, Nginx, Process, free_port, is_installed};

use crate::contest::Outcome;

/// What every file here begins with: no log, and sendfile as in Debian's nginx.conf.
const HTTP: &str = "access_log off;\nsendfile on;\ntcp_nopush on;\n";

/// A server on 127.0.0.1; it runs as long as this value.
pub(crate) struct Peer {
    pub(crate) port: u16,
    _running: Vec<Box<dyn Any>>,
}

fn nginx(modules: &[Module], script: &str, http: impl Fn(u16) -> Outcome<String>) -> Outcome<Peer> {
    // The port is not known before the start, and the file must be sound by then.
    http(1)?;
    let nginx = Nginx::builder()
        .modules(modules.iter().copied())
        .file("djanginxed.js", script)
        .start(|port| format!("{HTTP}{}", http(port).unwrap_or_default()))
        .map_err(|error| error.to_string())?;
    Ok(Peer {
        port: nginx.port(),
        _running: vec![Box::new(nginx)],
    })
}

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
    let site = site.clone().listen(format!("127.0.0.1:{port}"));
    let files = site.generate().map_err(|error| error.to_string())?;
    Ok((files.site(), files.script().unwrap_or_default()))
}

/// nginx as the README of the Python package sets it up.
pub(crate) fn python_readme(memcached: &Memcached, prefix: &str, app: u16) -> Outcome<Peer> {
    let memcached = memcached.port();
    nginx(&[Module::SetMisc], "", |port| {
        Ok(format!(
            "server {{
    listen 127.0.0.1:{port};
    location / {{
        set_md5 $memcached_key {prefix}$request_uri;
        memcached_pass 127.0.0.1:{memcached};
        error_page 404 405 500 @app;
        default_type text/html;
    }}
    location @app {{
        proxy_pass http://127.0.0.1:{app};
    }}
}}"
        ))
    })
}

const TO_APP: &str =
    "proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection \"\";";

fn upstream(app: u16) -> String {
    format!("upstream app {{ server 127.0.0.1:{app}; keepalive 32; }}")
}

/// nginx's own cache of what the application on `app` answers.
pub(crate) fn proxy_cache(app: u16, gzip: bool) -> Outcome<Peer> {
    let upstream = upstream(app);
    let gzip = if gzip { "gzip on;" } else { "" };
    nginx(&[], "", |port| {
        Ok(format!(
            "{upstream}
proxy_cache_path cache levels=1:2 keys_zone=pages:10m inactive=1h use_temp_path=off;
server {{
    listen 127.0.0.1:{port};
    {gzip}
    location / {{
        {TO_APP}
        proxy_cache pages;
        proxy_cache_key $request_uri;
        proxy_cache_valid 200 1h;
        add_header X-Cache $upstream_cache_status;
    }}
}}"
        ))
    })
}

/// nginx that stores in Memcached itself, with srcache-nginx-module and
/// memc-nginx-module.
pub(crate) fn srcache(memcached: &Memcached, prefix: &str, app: u16) -> Outcome<Peer> {
    let (upstream, memcached) = (upstream(app), memcached.port());
    let modules = [Module::SetMisc, Module::Memc, Module::Srcache];
    nginx(&modules, "", |port| {
        Ok(format!(
            "{upstream}
upstream pages {{ server 127.0.0.1:{memcached}; keepalive 64; }}
server {{
    listen 127.0.0.1:{port};
    location / {{
        set_md5 $page {prefix}$request_uri;
        srcache_fetch GET /memc $page;
        srcache_store PUT /memc $page;
        srcache_ignore_content_encoding on;
        srcache_store_max_size 1m;
        {TO_APP}
        add_header X-Cache $srcache_fetch_status;
    }}
    location = /memc {{
        internal;
        set $memc_key $query_string;
        set $memc_exptime 900;
        memc_buffer_size 32k;
        memc_pass pages;
    }}
}}"
        ))
    })
}

/// nginx that asks the application each time.
pub(crate) fn uncached(app: u16) -> Outcome<Peer> {
    let upstream = upstream(app);
    nginx(&[], "", |port| {
        Ok(format!(
            "{upstream}\nserver {{ listen 127.0.0.1:{port}; location / {{ {TO_APP} }} }}"
        ))
    })
}

/// What nginx can do at all.
pub(crate) fn ceiling() -> Outcome<Peer> {
    nginx(&[], "", |port| {
        Ok(format!(
            "server {{ listen 127.0.0.1:{port}; location / {{ default_type text/html; return 200 ok; }} }}"
        ))
    })
}

/// Varnish with its own defaults, except that it keeps pages for an hour.
pub(crate) fn varnish(app: u16) -> Outcome<Peer> {
    if !is_installed("varnishd") {
        return Err("Varnish is not installed".to_owned());
    }
    let (port, folder) = (free_port(), public_folder("varnish-")?);
    let mut command = Command::new("varnishd");
    command
        .args(["-F", "-t", "3600", "-s", "malloc,256m", "-T", "none"])
        .args(["-a", &format!("127.0.0.1:{port}")])
        .args(["-b", &format!("127.0.0.1:{app}")])
        .arg("-n")
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let process = Process::spawn("varnishd", &mut command, Some(folder.path()));
    let mut process = process.map_err(|error| error.to_string())?;
    wait_for("Varnish", || {
        process.ended().is_some() || TcpStream::connect(("127.0.0.1", port)).is_ok()
    })?;
    match process.ended() {
        Some(status) => Err(format!("Varnish ended ({status})")),
        None => Ok(Peer {
            port,
            _running: vec![Box::new(process), Box::new(folder)],
        }),
    }
}

/// A memcached that listens on a unix socket.
struct UnixMemcached {
    socket: PathBuf,
    _process: Process,
    _folder: TempDir,
}

impl UnixMemcached {
    fn start() -> Outcome<UnixMemcached> {
        let folder = public_folder("memcached-")?;
        let socket = folder.path().join("socket");
        let mut command = Command::new("memcached");
        command
            .args(["-u", "root", "-t", "2", "-a", "0777", "-s"])
            .arg(&socket);
        let process = Process::spawn("memcached", &mut command, Some(folder.path()));
        let process = process.map_err(|error| error.to_string())?;
        wait_for("memcached", || UnixStream::connect(&socket).is_ok())?;
        Ok(UnixMemcached {
            socket,
            _process: process,
            _folder: folder,
        })
    }

    /// Stores gzip `entries` under their targets.
    fn put(&self, prefix: &str, entries: &[(String, Vec<u8>)]) -> Outcome {
        let failed = |error: std::io::Error| format!("memcached on a unix socket: {error}");
        let stream = UnixStream::connect(&self.socket).map_err(failed)?;
        let mut stream = BufReader::new(stream);
        for (target, bytes) in entries {
            let key = PageKey::new(prefix, target);
            let head = format!("set {key} 2 0 {}\r\n", bytes.len());
            let item = [head.as_bytes(), bytes, b"\r\n"].concat();
            stream.get_mut().write_all(&item).map_err(failed)?;
            let mut answer = String::new();
            stream.read_line(&mut answer).map_err(failed)?;
            if answer != "STORED\r\n" {
                return Err(format!("memcached did not store {target}: {answer}"));
            }
        }
        Ok(())
    }
}

/// A folder that servers can enter which give up root's rights.
fn public_folder(prefix: &str) -> Outcome<TempDir> {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::Builder::new()
        .prefix(prefix)
        .permissions(std::fs::Permissions::from_mode(0o755))
        .tempdir();
    folder.map_err(|error| format!("cannot make a temporary folder: {error}"))
}

fn wait_for(what: &str, mut there: impl FnMut() -> bool) -> Outcome {
    let end = Instant::now() + Duration::from_secs(15);
    while !there() {
        if Instant::now() > end {
            return Err(format!("{what} does not answer"));
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Keys under `prefix` straight into Memcached, `count` of them: `PREFIX0`, `PREFIX1`, …
pub(crate) fn fill(
    memcached: &Memcached,
    key_prefix: &str,
    targets: &str,
    count: u64,
    page: &str,
) -> Outcome {
    let failed = |error: std::io::Error| format!("filling memcached: {error}");
    let stream = TcpStream::connect(("127.0.0.1", memcached.port())).map_err(failed)?;
    let mut stream = std::io::BufWriter::with_capacity(1 << 20, stream);
    for number in 0..count {
        let key = PageKey::new(key_prefix, &format!("{targets}{number}"));
        write!(stream, "set {key} 0 0 {} noreply\r\n{page}\r\n", page.len()).map_err(failed)?;
    }
    // The answer comes when everything before it has been read.
    write!(stream, "version\r\n").map_err(failed)?;
    let stream = stream
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    let mut answer = String::new();
    BufReader::new(stream)
        .read_line(&mut answer)
        .map_err(failed)?;
    let stored = memcached.stat("curr_items");
    match stored >= count {
        true => Ok(()),
        false => Err(format!("memcached holds {stored} of {count} pages")),
    }
}
