//! `djanginxed nginx`: nginx's file.

mod refusal;
mod trial;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use djanginxed::nginx::{Files, Md5, Site};
use djanginxed_runtime::tool::SCRIPT;

use crate::cache_args::{
    GzipArgs, LayoutArgs, PartsArgs, PrefixArgs, RuleArgs, ServerArgs, VaryArgs, names,
};
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::site_args::header;

/// Write nginx's file for a site
///
/// Its settings must be the application's: nginx looks for pages where and
/// under what keys the application stores them, and answers hits before the
/// application sees them.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: djanginxed nginx --server-name www.example.com --app 127.0.0.1:8080 \
    --servers 127.0.0.1:11211 --prefix site1 --bypass-cookie sessionid \
    --page /feed/=site2,application/rss+xml > /etc/nginx/conf.d/site.conf"
)]
pub(crate) struct Args {
    #[command(flatten)]
    servers: ServerArgs,
    #[command(flatten)]
    prefix: PrefixArgs,
    #[command(flatten)]
    gzip: GzipArgs,
    #[command(flatten)]
    layout: LayoutArgs,
    /// A host of the site; may be given several times
    #[arg(long = "server-name", value_name = "HOST")]
    server_names: Vec<String>,
    /// Where the application listens, HOST:PORT or unix:PATH; may be given several times
    #[arg(long = "app", value_name = "ADDRESS")]
    applications: Vec<String>,
    /// Where nginx listens: a port, or ADDRESS:PORT; may be given several times [default: 80, or 443 with TLS]
    #[arg(long = "listen", value_name = "ADDRESS")]
    listens: Vec<String>,
    /// Where nginx's inner server listens, which asks Memcached: a loopback port, or unix:PATH
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:11280")]
    inner: String,
    /// The port in the site's public URLs, where it is not the one nginx listens on
    #[arg(long, value_name = "PORT")]
    public_port: Option<u16>,
    /// Listen with TLS: a certificate, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<String>,
    /// The certificate's key, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<String>,
    /// Pages with a prefix or a content type of their own; "= /feed.xml=…" is one path alone; may be given several times
    #[arg(long = "page", value_name = "LOCATION=PREFIX,TYPE", value_parser = page)]
    pages: Vec<(String, String, String)>,
    /// A location that is never cached, or "= /path" alone; may be given several times
    #[arg(long = "no-cache", value_name = "LOCATION")]
    no_cache: Vec<String>,
    /// Query parameters that make no other page, taken out of the target, comma separated; utm_* is all that begin so
    #[arg(long = "ignore-query", value_name = "NAME", value_delimiter = ',')]
    ignored_query: Vec<String>,
    #[command(flatten)]
    rules: RuleArgs,
    #[command(flatten)]
    vary: VaryArgs,
    #[command(flatten)]
    parts: PartsArgs,
    /// The hosts whose pages are cached, comma separated, as the application's .hosts(…) says [default: all of the site]
    #[arg(
        long = "cached-host",
        value_name = "HOST",
        env = "DJANGINXED_HOSTS",
        value_delimiter = ','
    )]
    hosts: Vec<String>,
    /// A header that every hit carries, as the application's .header(…) says; may be given several times
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// Do not say in Cache-Status that nginx answered
    #[arg(long)]
    no_cache_status: bool,
    /// The module of nginx that computes keys; njs reads whole responses, too
    #[arg(long, value_enum, default_value_t = Md5Arg::SetMisc)]
    md5: Md5Arg,
    /// Where nginx finds the script of --md5 njs
    #[arg(long, value_name = "FILE", default_value = "djanginxed.js")]
    script: String,
    /// The largest body that nginx lets through, as nginx writes sizes; 0 for no limit
    #[arg(long, value_name = "SIZE", default_value = "10m")]
    client_max_body_size: String,
    /// The unix socket on which the application reads nginx's hits: --hit-feed /run/djanginxed/hits.sock
    #[arg(long, value_name = "PATH", env = "DJANGINXED_HIT_FEED")]
    hit_feed: Option<String>,
    /// Tell the application of one hit in so many; 10,000 must be a multiple of it
    #[arg(long, value_name = "HITS", default_value_t = 1)]
    hit_sample: u32,
    /// Serve pages that stand in for errors where the application is down or answers 500, 502, 503 or 504
    #[arg(long)]
    stale_if_error: bool,
    /// Answer the hottest pages out of nginx's proxy_cache for so long, 1s to 60s: purges are seen
    /// that much later
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    micro_cache: Option<u32>,
    /// The folder of --micro-cache, best in memory [default: /run/djanginxed_micro]
    #[arg(long, value_name = "FOLDER", requires = "micro_cache")]
    micro_cache_path: Option<String>,
    /// A word that tells this site's upstreams from another site's on the same nginx
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Only the locations, to be included in a server block of one's own
    #[arg(long, group = "part")]
    locations_only: bool,
    /// Only upstreams, maps and the inner server, which --locations-only needs in the http block
    #[arg(long, group = "part")]
    http_only: bool,
    /// A whole nginx.conf, for nginx -p FOLDER without privileges
    #[arg(long, group = "part")]
    full: bool,
    /// Only the script of --md5 njs, which is the same for every site
    #[arg(long, group = "part")]
    script_only: bool,
    /// The folder of nginx's modules, for --full; "none" where they are built in
    #[arg(long, value_name = "FOLDER", default_value = "/usr/lib/nginx/modules")]
    modules: String,
    /// Do not try what is generated with nginx -t, where there is an nginx here
    #[arg(long)]
    no_test: bool,
    /// Write nginx.conf, or site.conf or the like, and the script into this folder
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

/// As [`Md5`], on the command line.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Md5Arg {
    /// set_md5: Debian's libnginx-mod-http-set-misc, OpenResty
    SetMisc,
    /// js_set: nginx.org's packages, the official container image
    Njs,
}

/// `1s`, or `1`.
fn seconds(text: &str) -> Result<u32, &'static str> {
    let number = text.strip_suffix('s').unwrap_or(text);
    number
        .parse()
        .map_err(|_| "write whole seconds, for example 1s")
}

fn page(text: &str) -> Result<(String, String, String), String> {
    let parts = text.rsplit_once('=').and_then(|(location, rest)| {
        let (prefix, content_type) = rest.split_once(',')?;
        Some((location, prefix, content_type))
    });
    let (location, prefix, content_type) = parts
        .ok_or("write it as LOCATION=PREFIX,TYPE, for example /feed/=site2,application/rss+xml")?;
    Ok((location.into(), prefix.into(), content_type.into()))
}

pub(crate) fn run(args: &Args) -> Outcome {
    if args.script_only {
        // Nothing of a site is in it.
        return Written::script_alone().give(args);
    }
    let site = site(args)?.generate();
    let files = site.map_err(|error| refusal::of_site(args, &error))?;
    if let Some(problem) = (!args.no_test).then(|| trial::refusal(&files)).flatten() {
        return Err(Failure::Failed(format!(
            "nginx -t refuses what was generated: {problem}; --no-test prints it all the same"
        )));
    }
    Written::of(args, &files).give(args)
}

fn site(args: &Args) -> Result<Site, Failure> {
    let mut pages = args
        .servers
        .builder(&args.prefix)?
        .gzip(args.gzip.gzip)
        .layout(args.layout.layout());
    pages = pages
        .cache_status(!args.no_cache_status)
        .parts(args.parts.parts)
        .hosts(names(&args.hosts));
    pages = args.rules.add_to(pages);
    for (name, value) in &args.headers {
        pages = pages.header(name, value);
    }
    pages = args.vary.add_to(pages)?;
    if let Some(path) = args
        .hit_feed
        .as_deref()
        .filter(|path| !path.trim().is_empty())
    {
        pages = pages.hit_feed(path);
    }
    let pages = pages
        .build()
        .map_err(|error| refusal::of_settings(args, error))?;
    let mut site = Site::new(&pages)
        .script_path(&args.script)
        .inner(&args.inner)
        .hit_sample(args.hit_sample)
        .stale_if_error(args.stale_if_error)
        .client_max_body_size(&args.client_max_body_size)
        .modules((args.modules != "none").then_some(&args.modules));
    if args.md5 == Md5Arg::Njs {
        site = site.md5(Md5::Njs);
    }
    Ok(with_addresses(site, args))
}

fn with_addresses(mut site: Site, args: &Args) -> Site {
    for name in &args.server_names {
        site = site.server_name(name);
    }
    for address in &args.applications {
        site = site.app(address);
    }
    for address in &args.listens {
        site = site.listen(address);
    }
    for (location, prefix, content_type) in &args.pages {
        site = site.page(location, prefix, content_type);
    }
    for location in &args.no_cache {
        site = site.never_cache(location);
    }
    for name in &args.ignored_query {
        site = site.ignore_query(name);
    }
    if let Some(port) = args.public_port {
        site = site.public_port(port);
    }
    if let (Some(certificate), Some(key)) = (&args.tls_certificate, &args.tls_key) {
        site = site.tls(certificate, key);
    }
    if let Some(seconds) = args.micro_cache {
        site = site.micro_cache(seconds);
    }
    if let Some(path) = &args.micro_cache_path {
        site = site.micro_cache_path(path);
    }
    if let Some(name) = &args.name {
        site = site.name(name);
    }
    site
}

/// What is written: the part that was asked for, and the script beside it.
struct Written {
    part: (&'static str, String),
    script: Option<&'static str>,
    has_secret: bool,
}

const SCRIPT_FILE: &str = "djanginxed.js";

impl Written {
    fn of(args: &Args, files: &Files) -> Written {
        let part = if args.locations_only {
            ("locations.conf", files.locations().to_owned())
        } else if args.http_only {
            ("http.conf", files.http().to_owned())
        } else if args.full {
            ("nginx.conf", files.full().to_owned())
        } else {
            ("site.conf", files.site())
        };
        Written {
            part,
            script: files.script(),
            has_secret: files.has_secret(),
        }
    }

    fn script_alone() -> Written {
        Written {
            part: (SCRIPT_FILE, SCRIPT.to_owned()),
            script: None,
            has_secret: false,
        }
    }

    /// Prints the part, or writes all of it into the folder.
    fn give(&self, args: &Args) -> Outcome {
        match &args.output {
            Some(folder) => self.write(folder)?,
            None => output::print(&self.part.1)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn write(&self, folder: &Path) -> Result<(), Failure> {
        std::fs::create_dir_all(folder).map_err(|error| {
            Failure::Failed(format!("cannot make {}: {error}", folder.display()))
        })?;
        let (name, part) = &self.part;
        let script = self.script.map(|script| (SCRIPT_FILE, script));
        for (name, text) in [(*name, part.as_str())].into_iter().chain(script) {
            let path = folder.join(name);
            let written = match self.has_secret && name != SCRIPT_FILE {
                true => write_secret(&path, text),
                false => std::fs::write(&path, text),
            };
            written.map_err(|error| {
                Failure::Failed(format!("cannot write {}: {error}", path.display()))
            })?;
            output::line(path.display())?;
        }
        Ok(())
    }
}

/// A file with a secret is for its owner, and its group to read.
#[cfg(unix)]
fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o640)
        .open(path)?;
    // It may have been there before.
    file.set_permissions(std::fs::Permissions::from_mode(0o640))?;
    file.write_all(text.as_bytes())
}

#[cfg(not(unix))]
fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::write(path, text)
}
