//! What else answers hits.

use std::net::TcpStream;
use std::process::{Command, Stdio};

use testkit::{Memcached, Module, Process, free_port, is_installed};

use super::{Peer, nginx, public_folder, wait_for};
use crate::contest::Outcome;

/// nginx as the README of the Python package sets it up.
pub(crate) fn python_readme(memcached: &Memcached, app: u16) -> Outcome<Peer> {
    let memcached = memcached.port();
    nginx(&[Module::SetMisc], "", |port| {
        Ok(format!(
            "server {{
    listen 127.0.0.1:{port};
    location / {{
        set_md5 $memcached_key bench$request_uri;
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

/// `memcached_pass` in the visitors' own location, with all that makes it fast: without
/// what the generated file does for slow readers.
pub(crate) fn memcached_pass(memcached: &Memcached, app: u16) -> Outcome<Peer> {
    let (upstream, memcached) = (upstream(app), memcached.port());
    nginx(&[Module::SetMisc], "", |port| {
        Ok(format!(
            "{upstream}
upstream pages {{ server 127.0.0.1:{memcached}; keepalive 64; }}
server {{
    listen 127.0.0.1:{port};
    location / {{
        set_md5 $memcached_key bench$request_uri;
        memcached_pass pages;
        memcached_gzip_flag 2;
        memcached_buffer_size 64k;
        gunzip on;
        gzip_vary on;
        default_type text/html;
        charset utf-8;
        error_page 404 405 500 502 504 = @app;
    }}
    location @app {{
        {TO_APP}
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
pub(crate) fn proxy_cache(_: &Memcached, app: u16) -> Outcome<Peer> {
    let upstream = upstream(app);
    nginx(&[], "", |port| {
        Ok(format!(
            "{upstream}
proxy_cache_path cache levels=1:2 keys_zone=pages:10m inactive=1h use_temp_path=off;
server {{
    listen 127.0.0.1:{port};
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

/// nginx's own cache of what the application on `app` allows, for a second: it cannot be
/// told of changes.
pub(crate) fn proxy_cache_of_a_second(app: u16) -> Outcome<Peer> {
    let upstream = upstream(app);
    nginx(&[], "", |port| {
        Ok(format!(
            "{upstream}
proxy_cache_path cache levels=1:2 keys_zone=pages:10m use_temp_path=off;
map $upstream_cache_status $found {{ HIT \"nginx; hit\"; }}
server {{
    listen 127.0.0.1:{port};
    location / {{
        {TO_APP}
        proxy_set_header Host $http_host;
        proxy_cache pages;
        proxy_cache_key $request_uri;
        proxy_cache_valid 200 301 404 1s;
        proxy_hide_header Cache-Status;
        add_header Cache-Status $found always;
    }}
}}"
        ))
    })
}

/// nginx that stores in Memcached itself, with srcache-nginx-module and
/// memc-nginx-module.
pub(crate) fn srcache(memcached: &Memcached, app: u16) -> Outcome<Peer> {
    let (upstream, memcached) = (upstream(app), memcached.port());
    let modules = [Module::SetMisc, Module::Memc, Module::Srcache];
    nginx(&modules, "", |port| {
        Ok(format!(
            "{upstream}
upstream pages {{ server 127.0.0.1:{memcached}; keepalive 64; }}
server {{
    listen 127.0.0.1:{port};
    location / {{
        set_md5 $page bench$request_uri;
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
pub(crate) fn uncached(_: &Memcached, app: u16) -> Outcome<Peer> {
    let upstream = upstream(app);
    nginx(&[], "", |port| {
        Ok(format!(
            "{upstream}\nserver {{ listen 127.0.0.1:{port}; location / {{ {TO_APP} }} }}"
        ))
    })
}

/// What nginx can do at all with as many bytes as a page of 10 kB has in gzip.
pub(crate) fn ceiling(_: &Memcached, _: u16) -> Outcome<Peer> {
    let bytes = "x".repeat(3900);
    nginx(&[], "", |port| {
        Ok(format!(
            "server {{ listen 127.0.0.1:{port}; location / {{ default_type text/html; return 200 {bytes}; }} }}"
        ))
    })
}

/// Varnish with its own defaults, except that it keeps pages for an hour.
pub(crate) fn varnish(_: &Memcached, app: u16) -> Outcome<Peer> {
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
            id: process.id(),
            _running: vec![Box::new(process), Box::new(folder)],
        }),
    }
}
