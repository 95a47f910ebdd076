//! What else answers hits.

use std::fs::Permissions;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use testkit::{Memcached, Module, Process, eventually, free_port, is_installed};

use super::{Peer, nginx};
use crate::app::App;

const TO_APP: &str =
    "proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection \"\";";

/// nginx with this server before the application on `app`; `http` stands before the server.
fn before(app: u16, modules: &[Module], http: &str, server: &str) -> Result<Peer> {
    nginx(modules, "", |port| {
        Ok(format!(
            "upstream app {{ server 127.0.0.1:{app}; keepalive 32; }}
{http}
server {{
    listen 127.0.0.1:{port};
    {server}
}}"
        ))
    })
}

fn memcached(app: &App) -> Result<u16> {
    let memcached = app.memcached.as_ref().map(Memcached::port);
    memcached.context("the application has no Memcached")
}

/// nginx as the README of the Python package sets it up.
pub(crate) fn python_readme(app: &App) -> Result<Peer> {
    let (memcached, app) = (memcached(app)?, app.port());
    let server = format!(
        "location / {{
        set_md5 $memcached_key bench$request_uri;
        memcached_pass 127.0.0.1:{memcached};
        error_page 404 405 500 @app;
        default_type text/html;
    }}
    location @app {{
        proxy_pass http://127.0.0.1:{app};
    }}"
    );
    before(app, &[Module::SetMisc], "", &server)
}

/// `memcached_pass` in the visitors' own location, with all that makes it fast: without
/// what the generated file does for slow readers.
pub(crate) fn memcached_pass(app: &App) -> Result<Peer> {
    let memcached = memcached(app)?;
    let http = format!("upstream pages {{ server 127.0.0.1:{memcached}; keepalive 64; }}");
    let server = format!(
        "location / {{
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
    location @app {{ {TO_APP} }}"
    );
    before(app.port(), &[Module::SetMisc], &http, &server)
}

/// nginx's own cache of what the application answers.
pub(crate) fn proxy_cache(app: &App) -> Result<Peer> {
    let settings = "proxy_cache_valid 200 1h;
        add_header X-Cache $upstream_cache_status;";
    of_files(app.port(), "", settings)
}

/// nginx's own cache of what the application on `app` allows, for a second: it cannot be
/// told of changes.
pub(crate) fn proxy_cache_of_a_second(app: u16) -> Result<Peer> {
    let found = "map $upstream_cache_status $found { HIT \"nginx; hit\"; }";
    let settings = "proxy_cache_valid 200 301 404 1s;
        proxy_set_header Host $http_host;
        proxy_hide_header Cache-Status;
        add_header Cache-Status $found always;";
    of_files(app, found, settings)
}

fn of_files(app: u16, http: &str, settings: &str) -> Result<Peer> {
    let http = format!(
        "proxy_cache_path cache levels=1:2 keys_zone=pages:10m inactive=1h use_temp_path=off;
{http}"
    );
    let server = format!(
        "location / {{
        {TO_APP}
        proxy_cache pages;
        proxy_cache_key $request_uri;
        {settings}
    }}"
    );
    before(app, &[], &http, &server)
}

/// nginx that asks the application each time.
pub(crate) fn uncached(app: &App) -> Result<Peer> {
    before(app.port(), &[], "", &format!("location / {{ {TO_APP} }}"))
}

/// Varnish with its own defaults, except that it keeps pages for an hour.
pub(crate) fn varnish(app: &App) -> Result<Peer> {
    ensure!(is_installed("varnishd"), "Varnish is not installed");
    // Its worker gives up root's rights, and must enter.
    let folder = tempfile::Builder::new()
        .prefix("varnish-")
        .permissions(Permissions::from_mode(0o755))
        .tempdir()?;
    let port = free_port();
    let mut command = Command::new("varnishd");
    command
        .args(["-F", "-t", "3600", "-s", "malloc,256m", "-T", "none"])
        .args(["-a", &format!("127.0.0.1:{port}")])
        .args(["-b", &format!("127.0.0.1:{}", app.port())])
        .arg("-n")
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut process = Process::spawn("varnishd", &mut command, Some(folder.path()))?;
    eventually("Varnish answers", || {
        process.ended().is_some() || TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    if let Some(status) = process.ended() {
        bail!("Varnish ended ({status})");
    }
    Ok(Peer {
        port,
        id: process.id(),
        _running: Box::new((process, folder)),
    })
}
