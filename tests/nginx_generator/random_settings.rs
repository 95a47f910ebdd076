//! What the generator accepts, nginx accepts.

use std::time::Duration;

use djanginxed::nginx::{Files, Md5, Site};
use djanginxed::{Layout, PageCache, Vary};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use testkit::{Module, Nginx};

/// Settings of a site as anyone may write them, right or wrong.
#[derive(Clone, Debug)]
struct Settings {
    memcached: Vec<String>,
    server_names: Vec<String>,
    hosts: Vec<String>,
    listens: Vec<String>,
    inner: String,
    applications: Vec<String>,
    cookies: Vec<String>,
    bypass_headers: Vec<String>,
    headers: Vec<(String, String)>,
    pages: Vec<(String, String, String)>,
    never_cached: Vec<String>,
    ignored: Vec<String>,
    vary: Vec<String>,
    name: Option<String>,
    timeout: Duration,
    body_size: String,
    njs: bool,
    layout: Layout,
    feed: Option<(String, u32)>,
    micro: Option<(u32, String)>,
    parts: bool,
    stale_if_error: bool,
}

impl Settings {
    /// The files; none where one of the settings is refused.
    fn files(&self) -> Option<Files> {
        let mut pages = PageCache::builder()
            .memcached(&self.memcached)
            .hosts(&self.hosts)
            .layout(self.layout)
            .parts(self.parts)
            .operation_timeout(self.timeout);
        for name in &self.cookies {
            pages = pages.bypass_cookie(name);
        }
        for name in &self.bypass_headers {
            pages = pages.bypass_header(name);
        }
        for (name, value) in &self.headers {
            pages = pages.header(name, value);
        }
        for rule in &self.vary {
            let rule: Vary = rule.parse().ok()?;
            pages = pages.vary(rule.with_secret("+/=_.-0123456789abcdef0123456789abcdef"));
        }
        if let Some((path, _)) = &self.feed {
            // Nothing is to read it here.
            pages = pages.hit_feed(path).enabled(false);
        }
        let site = Site::new(&pages.build().ok()?).client_max_body_size(&self.body_size);
        let mut site = site.inner(&self.inner).stale_if_error(self.stale_if_error);
        if let Some((_, sample)) = &self.feed {
            site = site.hit_sample(*sample);
        }
        if let Some((seconds, path)) = &self.micro {
            site = site.micro_cache(*seconds).micro_cache_path(path);
        }
        if self.njs {
            site = site.md5(Md5::Njs);
        }
        if let Some(name) = &self.name {
            site = site.name(name);
        }
        let site = self.server_names.iter().fold(site, Site::server_name);
        let site = self.listens.iter().fold(site, Site::listen);
        let site = self.applications.iter().fold(site, Site::app);
        let site = self.never_cached.iter().fold(site, Site::never_cache);
        let site = self.ignored.iter().fold(site, Site::ignore_query);
        let site = (self.pages.iter()).fold(site, |site, (path, prefix, kind)| {
            site.page(path, prefix, kind)
        });
        site.generate().ok()
    }
}

/// One of `usual` as a rule, now and then something of `odd`.
fn mostly(usual: &'static [&'static str], odd: &'static str) -> BoxedStrategy<String> {
    prop_oneof![
        6 => select(usual).prop_map(str::to_owned),
        1 => proptest::string::string_regex(odd).expect("a pattern"),
    ]
    .boxed()
}

/// A few of `item`; now and then very many that differ.
fn list(item: BoxedStrategy<String>) -> BoxedStrategy<Vec<String>> {
    let many = (1..300_usize, "[a-z]{1,30}").prop_map(|(count, name)| {
        (0..count)
            .map(|number| format!("{name}-{number}"))
            .collect()
    });
    prop_oneof![12 => vec(item, 0..4), 1 => many].boxed()
}

fn hosts() -> BoxedStrategy<Vec<String>> {
    const USUAL: &[&str] = &[
        "h",
        "H",
        "h.",
        "h:80",
        "www.example.com",
        "default",
        "hostnames",
        "include",
        "volatile",
        "127.0.0.1",
        "a_b.example",
        "https://h",
        "http://H",
        "[::1]",
    ];
    list(mostly(
        USUAL,
        "[a-zA-Z0-9_-]{1,63}([.][a-z0-9-]{1,40}){0,5}|x{200,5000}",
    ))
}

fn listens() -> BoxedStrategy<Vec<String>> {
    const USUAL: &[&str] = &[
        "18081",
        "018081",
        "*:18081",
        "0.0.0.0:18081",
        "127.0.0.1:18081",
        "127.0.0.1:018081",
        "[::]:18081",
        "[::1]:18081",
        "[0:0::1]:18081",
        "[::ffff:127.0.0.1]:18081",
        "[fe80::1%1]:18081",
        "18082",
        "*:18082",
    ];
    vec(mostly(USUAL, "1808[0-9]|[0-9]{1,7}"), 1..4).boxed()
}

fn inner() -> BoxedStrategy<String> {
    const USUAL: &[&str] = &[
        "127.0.0.1:18090",
        "[::1]:18090",
        "[::1%1]:18090",
        "[::ffff:127.0.0.1]:18090",
        "127.0.0.1:18081",
        "127.0.0.1:018090",
    ];
    mostly(USUAL, "127[.]0[.]0[.][0-9]{1,4}:180[0-9]{2}")
}

fn applications() -> BoxedStrategy<Vec<String>> {
    const USUAL: &[&str] = &[
        "127.0.0.1:8080",
        "[::1]:8080",
        "localhost:8080",
        "unix:/run/app.sock",
        "[fe80::1%1]:80",
        "127.0.0.1:08080",
        "300.1.1.1:80",
        "1.2.3:80",
    ];
    vec(
        mostly(
            USUAL,
            "unix:/[a-z./_-]{1,140}|127[.]0[.]0[.][0-9]{1,4}:[0-9]{1,6}",
        ),
        1..4,
    )
    .boxed()
}

fn memcached() -> BoxedStrategy<Vec<String>> {
    const USUAL: &[&str] = &[
        "127.0.0.1:11211",
        "127.0.0.1:11212 weight=2",
        "[::1]:11211",
        "localhost:11213 max_fails=0",
        "127.0.0.2:1 fail_timeout=1m",
        "unix:/run/memcached/memcached.sock",
    ];
    vec(mostly(USUAL, "unix:/[a-zA-Z0-9./_@+~-]{1,120}"), 1..4).boxed()
}

fn location() -> BoxedStrategy<String> {
    const USUAL: &[&str] = &[
        "/",
        "/feed/",
        "/feed",
        "/feed/deep/",
        "/a.b/",
        "/a+b/",
        "/-_.~+@:,!&()*=/",
        "/admin/",
        "= /feed",
        "= /feed/",
        "= /a.b",
    ];
    mostly(
        USUAL,
        "(= )?/[a-zA-Z0-9._~+@:,!&()*=/-]{0,30}|/x{100,5000}/",
    )
}

fn page() -> impl Strategy<Value = (String, String, String)> {
    const TYPES: &[&str] = &[
        "text/html",
        "application/json",
        "Text/HTML",
        "application/rss+xml",
        "#/x",
        "a/#",
    ];
    let kind = mostly(
        TYPES,
        "[a-z0-9!#&^_.+-]{1,9}/[a-z0-9!#&^_.+-]{1,9}|a/x{100,300}",
    );
    (
        location(),
        mostly(&["", "site1", "site2", "default"], "[A-Za-z0-9._:-]{1,64}"),
        kind,
    )
}

fn header() -> impl Strategy<Value = (String, String)> {
    const NAMES: &[&str] = &["X-A", "Cache-Control", "ETag", "Link", "x-a"];
    const VALUES: &[&str] = &["a", "\"", "\\", "a;b{c}#d", "include", "'\\n'"];
    (
        mostly(NAMES, "[a-zA-Z0-9-]{1,60}"),
        mostly(VALUES, "[ -~]{0,40}|x{3000,5000}"),
    )
}

fn settings() -> impl Strategy<Value = Settings> {
    let name = prop_oneof![
        2 => Just(None),
        1 => "[a-z0-9_]{1,34}".prop_map(Some),
    ];
    let timeout = select(vec![
        Duration::from_nanos(1),
        Duration::from_millis(100),
        Duration::from_secs(1 << 40),
        Duration::MAX,
    ]);
    let addresses = (
        memcached(),
        hosts(),
        hosts(),
        listens(),
        inner(),
        applications(),
    );
    let rules = (
        list(mostly(
            &["sessionid", "a.b-c", "SESSIONID"],
            "[a-zA-Z0-9._-]{1,40}|x{3000,5000}",
        )),
        list(mostly(
            &["X-Preview", "x-preview", "Cookie", "-"],
            "[a-zA-Z0-9-]{1,60}|x{3000,5000}",
        )),
        vec(header(), 0..4),
        list(mostly(
            &["utm_source", "utm_*", "a.b-c", "-*"],
            "[a-zA-Z0-9._-]{1,64}[*]?",
        )),
        vec(
            mostly(
                &[
                    "language=en,de",
                    "language=default,pt-BR,pt",
                    "cookie:a.b-c=eur,default,U.S-d_9",
                    "header:X-Region=eu,hostnames",
                    "mobile",
                    "group:a.b-c=default,U.S-d_9",
                    "group-hmac:a.b-c=default,U.S-d_9",
                ],
                "language=[a-zA-Z]{1,20}(-[a-z0-9]{1,20}){0,2}(,[a-z]{1,64}){0,20}\
                 |(cookie|header|group|group-hmac):[a-zA-Z0-9-]{1,128}=[a-zA-Z0-9._-]{1,64}",
            ),
            0..4,
        ),
    );
    let places = (vec(page(), 0..4), vec(location(), 0..3), name);
    let size = mostly(&["10m", "0", "1G", "512k"], "[0-9]{1,12}[kKmMgG]?");
    let reads = (any::<bool>(), select(vec![Layout::Body, Layout::Response]));
    let path = mostly(&["/run/djanginxed/hits.sock"], "/[a-zA-Z0-9./_@+~-]{1,120}");
    let feed = proptest::option::of((path, select(&[1, 2, 3, 10, 16, 100, 10_000])));
    // Below nginx's own folder.
    let path = mostly(&["micro"], "[a-zA-Z0-9 ;{}\"'\\\\#._@+~-]{1,40}");
    let micro = proptest::option::of((0..63_u32, path));
    (
        addresses,
        rules,
        places,
        timeout,
        size,
        (reads, feed, micro, any::<bool>(), any::<bool>()),
    )
        .prop_map(
            |(
                addresses,
                rules,
                places,
                timeout,
                body_size,
                ((njs, layout), feed, micro, parts, stale_if_error),
            )| {
                let (memcached, server_names, hosts, listens, inner, applications) = addresses;
                let (cookies, bypass_headers, headers, ignored, vary) = rules;
                let (pages, never_cached, name) = places;
                Settings {
                    memcached,
                    server_names,
                    hosts,
                    listens,
                    inner,
                    applications,
                    cookies,
                    bypass_headers,
                    headers,
                    pages,
                    never_cached,
                    ignored,
                    vary,
                    name,
                    timeout,
                    body_size,
                    njs,
                    layout,
                    parts,
                    feed,
                    micro,
                    stale_if_error,
                }
            },
        )
}

/// What `nginx -t` says to `conf`.
fn test(conf: &str, script: &str) -> Result<(), String> {
    Nginx::builder()
        .modules([Module::SetMisc, Module::Njs, Module::Srcache])
        .file("djanginxed.js", script)
        .test(conf)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        max_global_rejects: 10_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn nginx_accepts_what_the_generator_accepts(settings in settings()) {
        let files = settings.files();
        prop_assume!(files.is_some());
        let files = files.expect("as assumed");
        let said = test(&files.site(), files.script().unwrap_or_default());
        prop_assert!(said.is_ok(), "{said:?}\n{}", files.site());
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        max_global_rejects: 30_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_longest_site_name_leaves_room_in_nginx_hash_of_variables(settings in settings()) {
        let name = Some("x".repeat(26));
        let files = Settings { name, ..settings }.files();
        prop_assume!(files.is_some());
        let site = files.expect("as assumed").site();
        let ours = site.split('$').skip(1).map(variable).filter(|found| found.starts_with("djanginxed_"));
        for found in ours {
            prop_assert!(found.len() <= LONGEST_VARIABLE, "{found}");
        }
    }
}

/// What nginx's hash of variables takes with its usual buckets of 64 bytes.
const LONGEST_VARIABLE: usize = 46;

/// The name of the variable that `text` begins with.
fn variable(text: &str) -> &str {
    let text = text.trim_start_matches('{');
    let end = text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    &text[..end.unwrap_or(text.len())]
}
