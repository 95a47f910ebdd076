//! Sites that are broken in one way each.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use djanginxed::Placement;
use testkit::{Memcached, free_port};

use crate::app::Build;
use crate::stand::{SOUND, Setup, Stand};

/// A set-up of one server, broken by the rest of the row.
const fn row(name: &'static str, cause: &'static str) -> Setup {
    Setup {
        name,
        cause: Some(cause),
        ..SOUND
    }
}

/// `file` with `from` replaced; the generated file must have it.
fn swap(file: String, from: &str, to: &str) -> String {
    assert!(file.contains(from), "{from} is not in the file");
    file.replace(from, to)
}

/// `file` with what stands from `from` up to the next `until` replaced.
fn swap_up_to(file: String, from: &str, until: &str, to: &str) -> String {
    let begin = file
        .find(from)
        .unwrap_or_else(|| panic!("{from} is not in the file"));
    let end = begin + file[begin..].find(until).unwrap() + until.len();
    format!("{}{to}{}", &file[..begin], &file[end..])
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

/// A server that does with each connection what `serve` does; it lives as long
/// as the test.
fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = std::sync::Arc::new(serve);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = std::sync::Arc::clone(&serve);
            std::thread::spawn(move || serve(stream));
        }
    });
    port
}

/// Takes connections and never answers.
fn silent() -> u16 {
    listen(|mut stream| {
        let mut bytes = [0; 1024];
        while stream.read(&mut bytes).is_ok_and(|read| read > 0) {}
    })
}

/// A Memcached that is unlike the one on `port`: what `edit` makes of each line
/// that comes and goes; a line that goes nowhere is answered with ERROR.
fn unlike(port: u16, edit: fn(&str) -> Option<String>) -> u16 {
    listen(move |client| {
        let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let (from, to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        std::thread::spawn(move || pass(&from, &to, None, edit));
        pass(&client, &server, Some(&client), edit);
    })
}

fn pass(
    from: &TcpStream,
    mut to: &TcpStream,
    refused: Option<&TcpStream>,
    edit: fn(&str) -> Option<String>,
) {
    let mut lines = std::io::BufReader::new(from);
    let mut line = Vec::new();
    while std::io::BufRead::read_until(&mut lines, b'\n', &mut line).is_ok_and(|n| n > 0) {
        let edited = match std::str::from_utf8(&line) {
            Ok(text) => edit(text).map(String::into_bytes),
            Err(_) => Some(line.clone()),
        };
        let passed = match (edited, refused) {
            (Some(bytes), _) => to.write_all(&bytes),
            (None, Some(mut client)) => client.write_all(b"ERROR\r\n"),
            (None, None) => Ok(()),
        };
        if passed.is_err() {
            return;
        }
        line.clear();
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

/// As 1.4, which knows no meta commands.
fn without_meta(line: &str) -> Option<String> {
    let meta = ["mg ", "ms ", "md ", "ma ", "mn\r", "me "];
    let is_meta = meta.iter().any(|word| line.starts_with(word));
    (!is_meta).then(|| line.to_owned())
}

/// Four months ahead of its users.
fn ahead(line: &str) -> Option<String> {
    const MONTHS: i64 = 4 * 30 * 24 * 60 * 60;
    if let Some(time) = line.strip_prefix("STAT time ") {
        let time: i64 = time.trim_end().parse().unwrap();
        return Some(format!("STAT time {}\r\n", time + MONTHS));
    }
    // A date comes sooner for it.
    let earlier = |word: &str| {
        let date: Option<i64> = word
            .trim_end()
            .strip_prefix('T')
            .and_then(|t| t.parse().ok());
        match date {
            Some(date) if date > 30 * 24 * 60 * 60 => format!("T{}", date - MONTHS),
            _ => word.trim_end().to_owned(),
        }
    };
    if line.starts_with("ms ") {
        let words: Vec<String> = line.split(' ').map(earlier).collect();
        return Some(format!("{}\r\n", words.join(" ")));
    }
    Some(line.to_owned())
}

pub(crate) fn setups() -> Vec<Setup> {
    let mut all = Vec::new();
    all.extend(unreached());
    all.extend(no_page());
    all.extend(not_stored());
    all.extend(memcached());
    all.extend(keys());
    all.extend(several_servers());
    all.extend(stored_elsewhere());
    all.extend(different());
    all.extend(other_requests());
    all.extend(faults());
    all.extend(by_the_file());
    all
}

fn unreached() -> Vec<Setup> {
    vec![
        Setup {
            then: |stand| stand.nginx.stop(),
            ..row("nginx is down", "site-refuses")
        },
        Setup {
            url: Some(|_| "http://no-such-host.invalid/articles/1".to_owned()),
            ..row("no such host", "unknown-host")
        },
        Setup {
            url: Some(|_| format!("http://127.0.0.1:{}/", silent())),
            args: |_| words(["--timeout", "1"]),
            ..row("what listens never answers", "site-hangs")
        },
        Setup {
            url: Some(|_| "http://www.example.com/articles/1".to_owned()),
            args: |stand| words(["--connect", &format!("127.0.0.1:{}", stand.port())]),
            ..row("nginx does not name the host", "server-name")
        },
        Setup {
            url: Some(|_| format!("http://127.0.0.1:{}/", not_memcached())),
            ..row("the URL leads to a mail server", "not-http")
        },
        Setup {
            url: Some(|stand| format!("https://127.0.0.1:{}/articles/1", stand.port())),
            ..row("https to a port without TLS", "port-without-tls")
        },
        Setup {
            files: || certificate("localhost", 4000),
            nginx: |file| tls(file, "localhost"),
            ..row("http to a port with TLS", "port-with-tls")
        },
        Setup {
            files: || certificate("localhost", 4000),
            nginx: |file| tls(file, "localhost"),
            url: Some(secure),
            ..row("a certificate that nobody trusts", "certificate-untrusted")
        },
        Setup {
            files: || certificate("www.example.com", 4000),
            nginx: |file| tls(file, "www.example.com"),
            url: Some(secure),
            args: trusting,
            ..row("a certificate for another name", "certificate-name")
        },
        Setup {
            files: || certificate("localhost", 2021),
            nginx: |file| tls(file, "localhost"),
            url: Some(secure),
            args: trusting,
            ..row("a certificate that is over", "certificate-expired")
        },
    ]
}

pub(crate) fn secure(stand: &Stand) -> String {
    format!("https://localhost:{}/articles/1", stand.port())
}

/// Connects to nginx and trusts its certificate.
pub(crate) fn trusting(stand: &Stand) -> Vec<String> {
    let path = stand.nginx.folder().join("site.pem");
    let connect = format!("127.0.0.1:{}", stand.port());
    words(["--connect", &connect, "--cacert", path.to_str().unwrap()])
}

/// A certificate that signs itself and may sign others, as `openssl req -x509`
/// makes it, and its key.
pub(crate) fn certificate(name: &str, until: i32) -> Vec<(String, String)> {
    let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(until, 1, 1);
    let pair = rcgen::KeyPair::generate().unwrap();
    let made = params.self_signed(&pair).unwrap();
    let file = |name: &str, text: String| (name.to_owned(), text);
    vec![
        file("site.pem", made.pem()),
        file("site.key", pair.serialize_pem()),
    ]
}

/// nginx's file with TLS.
pub(crate) fn tls(file: String, name: &str) -> String {
    let at = file.rfind("server_name 127.0.0.1;").unwrap();
    let (before, rest) = file.split_at(at);
    let listen = before.rfind("listen ").unwrap();
    let (before, listen) = before.split_at(listen);
    let listen = listen.replacen(';', " ssl;", 1);
    let lines = "ssl_certificate site.pem; ssl_certificate_key site.key;";
    let rest = rest.replacen(
        "server_name 127.0.0.1;",
        &format!("server_name {name} localhost 127.0.0.1; {lines}"),
        1,
    );
    // The default server answers other hosts; TLS needs its certificate there.
    let before = before.replacen(
        " default_server;",
        " ssl default_server; ssl_reject_handshake on;",
        1,
    );
    format!("{before}{listen}{rest}")
}

fn no_page() -> Vec<Setup> {
    let ended = |stand: &mut Stand| stand.application = None;
    let lost = |file: String| {
        let dead = format!("_app {{\n    server 127.0.0.1:{};", free_port());
        swap_up_to(file, "_app {\n    server", ";", &dead)
    };
    let to_silent = |file: String| {
        let silent = format!("_app {{\n    server 127.0.0.1:{};", silent());
        let file = swap_up_to(file, "_app {\n    server", ";", &silent);
        swap(
            file,
            "proxy_set_header Upgrade $http_upgrade;",
            "proxy_set_header Upgrade $http_upgrade; proxy_read_timeout 300ms;",
        )
    };
    vec![
        Setup {
            then: ended,
            ..row("the application is down", "application-down")
        },
        Setup {
            then: ended,
            tells_app: false,
            ..row(
                "the application is down, and is not named",
                "application-unreachable",
            )
        },
        Setup {
            nginx: lost,
            ..row(
                "nginx looks for the application elsewhere",
                "application-address",
            )
        },
        Setup {
            args: |_| words(["--app", &format!("127.0.0.1:{}", free_port())]),
            tells_app: false,
            ..row("--app names a port where nobody listens", "app-option")
        },
        Setup {
            target: "/hangs",
            args: |_| words(["--timeout", "1"]),
            ..row("the application hangs", "application-hangs")
        },
        Setup {
            nginx: to_silent,
            tells_app: false,
            ..row(
                "the application hangs, and nginx gives up",
                "application-hangs",
            )
        },
        Setup {
            target: "/broken",
            ..row("the handler fails", "application-error")
        },
        Setup {
            target: "/missing",
            ..row("there is no such page", "no-such-page")
        },
        Setup {
            target: "/gone",
            ..row("the page is gone", "other-status")
        },
        Setup {
            target: "/moved",
            ..row("the application redirects", "redirect")
        },
        Setup {
            nginx: |file| before_location(file, "return 301 https://$host$request_uri;"),
            ..row("nginx redirects to https", "redirect")
        },
        Setup {
            files: || vec![("users".to_owned(), "u:{PLAIN}p\n".to_owned())],
            nginx: |file| before_location(file, "auth_basic shop; auth_basic_user_file users;"),
            ..row("a password", "password")
        },
        Setup {
            nginx: |file| before_location(file, "deny all;"),
            ..row("nginx forbids it", "forbidden")
        },
        Setup {
            nginx: |file| before_location(file, "return 503;"),
            ..row("nginx is closed for maintenance", "nginx-answers")
        },
        Setup {
            nginx: |file| before_location(file, "location /articles/ { root /nowhere; }"),
            ..row("nginx serves files there", "nginx-answers")
        },
        Setup {
            url: Some(|stand| format!("http://{}/articles/1", stand.app)),
            ..row("the URL is the application's own", "application-port")
        },
        Setup {
            url: Some(|stand| format!("http://{}/articles/1", stand.app)),
            tells_app: false,
            ..row(
                "the URL is the application's own, and nothing says so",
                "application-port",
            )
        },
        Setup {
            url: Some(|stand| format!("http://{}/articles/1", stand.app)),
            tells_app: false,
            tells_servers: false,
            ..row(
                "the URL is the application's own, without --servers",
                "application-port",
            )
        },
    ]
}

/// Lines at the beginning of the site's server.
fn before_location(file: String, lines: &str) -> String {
    let named = file.rfind("server_name 127.0.0.1;").unwrap();
    format!("{}{lines} {}", &file[..named], &file[named..])
}

fn not_stored() -> Vec<Setup> {
    let refused = |name, target| Setup {
        target,
        ..row(name, "refused")
    };
    let hosts: fn(djanginxed::PageCacheBuilder) -> djanginxed::PageCacheBuilder =
        |pages| pages.hosts(["127.0.0.1"]);
    let no_host = |file: String| {
        let file = swap(file, "proxy_set_header Host $host", "#");
        swap(file, "proxy_set_header X-Forwarded-Host $host", "#")
    };
    vec![
        refused("the handler sets a cookie", "/answer/set-cookie"),
        refused("the handler says private", "/answer/cache-control"),
        refused("the handler varies", "/answer/vary"),
        refused("the handler encodes", "/answer/content-encoding"),
        refused(
            "the handler has a policy that nobody declared",
            "/answer/header",
        ),
        refused("the handler leaves no life", "/answer/expired"),
        refused("the page is empty", "/answer/empty"),
        refused("the page is in iso-8859-1", "/answer/charset"),
        refused("the page is of another type", "/answer/type"),
        Setup {
            target: "/answer/status",
            ..row("the page has status 202", "other-status")
        },
        Setup {
            target: "/large",
            pages: |pages| pages.max_entry_size(10_000),
            ..row("the page is larger than max_entry_size", "refused")
        },
        Setup {
            target: "/plain",
            ..row("the handler is not annotated", "not-cached")
        },
        Setup {
            pages: |pages| pages.enabled(false),
            ..row("the cache is switched off", "disabled")
        },
        Setup {
            pages: hosts,
            nginx: no_host,
            ..row("Host is not passed where hosts is set", "host-not-passed")
        },
        Setup {
            pages: hosts,
            nginx: no_host,
            tells_app: false,
            ..row(
                "Host is not passed where hosts is set, without --app",
                "host-unknown",
            )
        },
        Setup {
            nginx: |file| {
                swap(
                    file,
                    "proxy_set_header Upgrade $http_upgrade;",
                    "proxy_set_header Upgrade $http_upgrade; proxy_set_header Authorization \"Basic eA==\";",
                )
            },
            ..row("nginx adds a password of its own", "bypassed")
        },
        Setup {
            nginx: |file| swap(file, "504 = @", "504 @"),
            ..row("error_page without =", "error-page-equals")
        },
        Setup {
            nginx: |file| swap(file, "504 = @", "504 @"),
            tells_app: false,
            tells_servers: false,
            ..row(
                "error_page without =, with the URL alone",
                "error-page-equals",
            )
        },
        Setup {
            nginx: |file| swap(file, "error_page 404 ", "error_page "),
            ..row("error_page lacks 404", "error-page-codes")
        },
        Setup {
            build: Build {
                adds: Some(("Set-Cookie", "session=1")),
                ..SOUND.build
            },
            ..row("a middleware sets a cookie", "private")
        },
        Setup {
            build: Build {
                adds: Some(("Cache-Control", "no-store")),
                ..SOUND.build
            },
            ..row("a middleware says no-store", "private")
        },
    ]
}

fn memcached() -> Vec<Setup> {
    vec![
        Setup {
            then: |stand| stand.memcached[0].stop(),
            ..row("Memcached is down", "memcached-down")
        },
        Setup {
            then: |stand| stand.memcached[0].stop(),
            tells_servers: false,
            ..row("Memcached is down, without --servers", "nothing-kept")
        },
        Setup {
            then: |stand| stand.memcached[0].pause(),
            tells_servers: false,
            tells_app: false,
            ..row("Memcached hangs, with the URL alone", "nothing-kept")
        },
        Setup {
            memcached: &[&[], &[], &[]],
            then: |stand| stand.memcached[1].stop(),
            ..row("one of three Memcached servers is down", "memcached-down")
        },
        Setup {
            then: |stand| stand.memcached[0].pause(),
            ..row("Memcached hangs", "memcached-hangs")
        },
        Setup {
            memcached: &[&[], &[]],
            then: |stand| stand.memcached[1].pause(),
            ..row("one of two Memcached servers hangs", "memcached-hangs")
        },
        Setup {
            target: "/large",
            memcached: &[&["-I", "16k", "-o", "slab_chunk_max=8"]],
            ..row(
                "the page is larger than Memcached takes",
                "memcached-item-size",
            )
        },
        Setup {
            target: "/lasting",
            of_app: |servers| proxied(servers, ahead),
            of_nginx: |servers| proxied(servers, ahead),
            given: |servers| proxied(servers, ahead),
            ..row("Memcached's clock is four months ahead", "memcached-clock")
        },
        Setup {
            of_app: |servers| proxied(servers, without_meta),
            of_nginx: |servers| proxied(servers, without_meta),
            given: |servers| proxied(servers, without_meta),
            ..row("Memcached is older than its meta commands", "memcached-old")
        },
        Setup {
            of_app: |_| vec![format!("127.0.0.1:{}", guarded())],
            of_nginx: |_| vec![format!("127.0.0.1:{}", guarded())],
            given: |_| vec![format!("127.0.0.1:{}", guarded())],
            ..row("Memcached wants a password", "memcached-password")
        },
        Setup {
            given: |_| vec![format!("127.0.0.1:{}", not_memcached())],
            of_app: |_| vec![format!("127.0.0.1:{}", not_memcached())],
            of_nginx: |_| vec![format!("127.0.0.1:{}", not_memcached())],
            ..row("what answers is no Memcached", "not-memcached")
        },
    ]
}

/// The same proxy for the application, nginx and the command line.
fn proxied(servers: &[String], edit: fn(&str) -> Option<String>) -> Vec<String> {
    static PROXIES: std::sync::Mutex<Vec<(String, u16)>> = std::sync::Mutex::new(Vec::new());
    let mut proxies = PROXIES.lock().unwrap();
    let server = &servers[0];
    let known = proxies.iter().find(|(known, _)| known == server);
    let port = known.map(|(_, port)| *port).unwrap_or_else(|| {
        let port = unlike(server.rsplit(':').next().unwrap().parse().unwrap(), edit);
        proxies.push((server.clone(), port));
        port
    });
    vec![format!("127.0.0.1:{port}")]
}

/// A Memcached started with `-Y`, for all the test.
fn guarded() -> u16 {
    static SERVER: std::sync::OnceLock<(u16, testkit::Process)> = std::sync::OnceLock::new();
    SERVER
        .get_or_init(|| {
            let port = free_port();
            // It reads its file when it starts.
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), "u:p\n").unwrap();
            // It reads it as another user.
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
            std::fs::set_permissions(file.path(), mode).unwrap();
            let mut command = std::process::Command::new("memcached");
            command
                .args([
                    "-l",
                    "127.0.0.1",
                    "-U",
                    "0",
                    "-u",
                    "nobody",
                    "-p",
                    &port.to_string(),
                    "-Y",
                ])
                .arg(file.path());
            let process = testkit::Process::spawn("memcached", &mut command, None).unwrap();
            testkit::eventually("it listens", || {
                TcpStream::connect(("127.0.0.1", port)).is_ok()
            });
            (port, process)
        })
        .0
}

/// Something that greets, as a mail server does.
fn not_memcached() -> u16 {
    static PORT: std::sync::OnceLock<u16> = std::sync::OnceLock::new();
    *PORT.get_or_init(|| {
        listen(|mut stream| {
            let _ = stream.write_all(b"220 mail.example.com ESMTP\r\n");
            let mut bytes = [0; 1024];
            while stream.read(&mut bytes).is_ok_and(|read| read > 0) {
                let _ = stream.write_all(b"500 what?\r\n");
            }
        })
    })
}

fn keys() -> Vec<Setup> {
    const UNWATCHED: &[&[&str]] = &[&["-W"]];
    // As a file of one's own does it, and as the generated one does.
    let bypass = |file: String| swap(file, "if ($djanginxed_past) {", "if ($request_uri) {");
    let told = |file: String| {
        let begin = file.find("$djanginxed_bypass {").unwrap();
        let (before, rest) = file.split_at(begin);
        format!("{before}{}", rest.replacen("\"\" \"\";", "\"\" 1;", 1))
    };
    let other_location = |file: String| {
        let lines = "location ~ ^/articles/ { error_page 418 = @djanginxed_app; return 418; }";
        before_location(file, lines)
    };
    vec![
        Setup {
            nginx: |file| swap(file, " site1$request_uri", " site2$request_uri"),
            ..row("nginx has another prefix", "nginx-prefix")
        },
        Setup {
            nginx: |file| swap(file, " site1$request_uri", " $request_uri"),
            ..row("nginx has no prefix", "nginx-prefix")
        },
        Setup {
            nginx: |file| swap(file, "site1$request_uri", "site1$uri"),
            ..row("nginx makes the key of $uri", "key-path-alone")
        },
        Setup {
            nginx: |file| swap(file, "site1$request_uri", "site1$uri"),
            then: |stand| {
                let key = djanginxed::PageKey::new("site1", "/articles/1");
                stand.memcached[0].set(key.to_string(), 0, 0, "<p>a page");
            },
            ..row(
                "nginx makes the key of $uri, and the page is there",
                "key-path-alone",
            )
        },
        Setup {
            nginx: |file| swap(file, "site1$request_uri", "site1$host$request_uri"),
            ..row("nginx makes the key of $host, too", "key-host")
        },
        Setup {
            nginx: |file| {
                swap(
                    file,
                    "site1$request_uri",
                    "\"$scheme://$http_host$request_uri\"",
                )
            },
            ..row("nginx makes the key of the whole URL", "key-host")
        },
        Setup {
            nginx: |file| swap(file, "site1$request_uri", "site2$request_uri"),
            tells_servers: false,
            ..row(
                "nginx has another prefix, without --servers",
                "nginx-finds-nothing",
            )
        },
        Setup {
            nginx: bypass,
            ..row("everything bypasses", "nginx-does-not-ask")
        },
        Setup {
            nginx: bypass,
            tells_servers: false,
            ..row(
                "everything bypasses, without --servers",
                "nginx-finds-nothing",
            )
        },
        Setup {
            nginx: told,
            ..row("everything bypasses, and nginx says so", "nginx-bypasses")
        },
        Setup {
            nginx: other_location,
            ..row("another location wins", "nginx-does-not-ask")
        },
        Setup {
            nginx: |file| {
                let other = format!("_memcached {{\n    server 127.0.0.1:{};", free_port());
                swap_up_to(file, "_memcached {\n    server", ";", &other)
            },
            ..row("nginx asks another Memcached", "nginx-does-not-ask")
        },
        Setup {
            app_prefix: "site2",
            ..row("the application has another prefix", "application-prefix")
        },
        Setup {
            app_prefix: "",
            ..row("the application has no prefix", "application-prefix")
        },
        Setup {
            app_prefix: "",
            memcached: UNWATCHED,
            ..row(
                "the application has no prefix, and nobody may look on",
                "application-prefix",
            )
        },
        Setup {
            app_prefix: "site2",
            memcached: UNWATCHED,
            ..row(
                "the application has another prefix, and nobody may look on",
                "application-elsewhere",
            )
        },
        Setup {
            nginx: |file| swap(file, " site1$request_uri", " site2$request_uri"),
            memcached: UNWATCHED,
            ..row(
                "nginx has another prefix, and nobody may look on",
                "nginx-finds-nothing",
            )
        },
        Setup {
            prefix: "other",
            ..row("--prefix is not the site's", "prefix-option")
        },
        Setup {
            prefix: "",
            ..row("--prefix is left out", "prefix-option")
        },
        Setup {
            prefix: "other",
            busy: true,
            ..row("--prefix is not that of a busy site", "prefix-option")
        },
        Setup {
            nginx: |file| swap(file, " site1$request_uri", " site2$request_uri"),
            busy: true,
            ..row("nginx has another prefix on a busy site", "nginx-prefix")
        },
        Setup {
            app_prefix: "site2",
            busy: true,
            ..row(
                "the application has another prefix on a busy site",
                "application-prefix",
            )
        },
        Setup {
            of_app: |_| Vec::new(),
            busy: true,
            ..row(
                "a busy application keeps pages in its own memory",
                "application-store",
            )
        },
        Setup {
            target: "/feed.xml",
            prefix: "feed",
            ..row("--content-type is left out", "content-type-option")
        },
        Setup {
            given: |_| {
                vec![
                    Memcached::start()
                        .map(|other| {
                            let address = other.address();
                            std::mem::forget(other);
                            address
                        })
                        .unwrap(),
                ]
            },
            ..row("--servers is another Memcached", "servers-option")
        },
        Setup {
            given: |_| vec![format!("127.0.0.1:{}", free_port())],
            ..row("--servers is a port where nobody listens", "servers-option")
        },
        Setup {
            target: "/json-here",
            ..row("JSON below the location of HTML", "page-type")
        },
        Setup {
            target: "/articles/1/",
            build: Build {
                normalize_path: true,
                ..SOUND.build
            },
            ..row(
                "NormalizePath, and the URL ends in a slash",
                "rewrite-in-application",
            )
        },
        Setup {
            build: Build {
                normalize_path: true,
                ..SOUND.build
            },
            ..row("NormalizePath", "rewrite-in-application")
        },
        Setup {
            build: Build {
                normalize_path: true,
                ..SOUND.build
            },
            tells_app: false,
            ..row("NormalizePath, without --app", "rewrite")
        },
        Setup {
            nginx: |file| {
                swap_up_to(
                    file,
                    "proxy_pass http://djanginxed_app",
                    ";",
                    "rewrite ^/articles/1 /articles/2 break; proxy_pass http://djanginxed_app;",
                )
            },
            ..row("nginx rewrites the path", "rewrite-in-nginx")
        },
        Setup {
            nginx: |file| {
                swap_up_to(
                    file,
                    "proxy_pass http://djanginxed_app",
                    ";",
                    "proxy_pass http://djanginxed_app$uri;",
                )
            },
            ..row("nginx drops the query", "rewrite-in-nginx")
        },
        Setup {
            nginx: |file| {
                let file = format!("proxy_cache_path cache keys_zone=z:1m;\n{file}");
                swap(
                    file,
                    "proxy_http_version 1.1;\n        proxy_set_header Connection $",
                    "proxy_cache z; proxy_cache_valid any 1m; proxy_ignore_headers Cache-Control Vary; proxy_http_version 1.1;\n        proxy_set_header Connection $",
                )
            },
            then: |stand| stand.memcached[0].command("flush_all").clear(),
            ..row("a proxy_cache in front of the application", "cache-between")
        },
    ]
}

fn several_servers() -> Vec<Setup> {
    const MODULO: Placement = Placement::Modulo;
    const CONSISTENT: Placement = Placement::Consistent;
    const THREE: &[&[&str]] = &[&[], &[], &[]];
    let three = |name, cause| Setup {
        memcached: THREE,
        ..row(name, cause)
    };
    let swapped =
        |servers: &[String]| vec![servers[1].clone(), servers[0].clone(), servers[2].clone()];
    let fewer = |servers: &[String]| servers[..2].to_vec();
    let heavier = |servers: &[String]| {
        let mut servers = servers.to_vec();
        servers[2].push_str(" weight=3");
        servers
    };
    let spelled = |servers: &[String]| {
        let mut servers = servers.to_vec();
        servers[0] = servers[0].replace("127.0.0.1", "localhost");
        servers
    };
    vec![
        Setup {
            placements: [CONSISTENT, MODULO, CONSISTENT],
            ..three("nginx lacks consistent", "nginx-placement")
        },
        Setup {
            placements: [MODULO, CONSISTENT, MODULO],
            ..three("nginx has consistent", "nginx-placement")
        },
        Setup {
            placements: [MODULO, MODULO, MODULO],
            of_nginx: swapped,
            ..three("nginx has two servers swapped", "nginx-order")
        },
        Setup {
            memcached: &[&[], &[]],
            placements: [MODULO, MODULO, MODULO],
            of_nginx: |servers| vec![servers[1].clone(), servers[0].clone()],
            ..row("nginx has its only two servers swapped", "nginx-order")
        },
        Setup {
            of_nginx: fewer,
            ..three("nginx lacks a server", "nginx-server-missing")
        },
        Setup {
            of_nginx: fewer,
            tells_servers: false,
            tells_app: false,
            ..three("nginx lacks a server, with the URL alone", "some-not-found")
        },
        Setup {
            placements: [MODULO; 3],
            of_nginx: fewer,
            ..three("nginx lacks a server, modulo", "nginx-server-missing")
        },
        Setup {
            of_nginx: heavier,
            ..three("nginx has another weight", "nginx-weight")
        },
        Setup {
            of_nginx: spelled,
            ..three("nginx spells a server otherwise", "nginx-spelling")
        },
        Setup {
            of_app: fewer,
            ..three(
                "the application lacks a server",
                "application-server-missing",
            )
        },
        Setup {
            of_app: heavier,
            ..three("the application has another weight", "application-weight")
        },
        Setup {
            placements: [MODULO, CONSISTENT, CONSISTENT],
            ..three("the application has modulo", "application-placement")
        },
        Setup {
            placements: [CONSISTENT, CONSISTENT, MODULO],
            ..three("--placement is not the site's", "servers-option")
        },
        Setup {
            given: heavier,
            ..three("--servers has another weight", "servers-option")
        },
    ]
}

fn stored_elsewhere() -> Vec<Setup> {
    vec![
        Setup {
            of_app: |_| Vec::new(),
            ..row(
                "the application keeps pages in its own memory",
                "application-store",
            )
        },
        Setup {
            of_app: |_| vec![format!("127.0.0.1:{}", free_port())],
            ..row(
                "the application has a server where nobody listens",
                "application-store",
            )
        },
        Setup {
            memcached: &[&[], &[]],
            of_app: |servers| vec![servers[1].clone()],
            of_nginx: |servers| vec![servers[0].clone()],
            given: |servers| vec![servers[0].clone()],
            ..row("the application has another Memcached", "application-store")
        },
        Setup {
            of_app: |_| Vec::new(),
            tells_servers: false,
            ..row(
                "the application's own memory, without --servers",
                "nginx-finds-nothing",
            )
        },
    ]
}

fn different() -> Vec<Setup> {
    let gzip: fn(djanginxed::PageCacheBuilder) -> djanginxed::PageCacheBuilder =
        |pages| pages.gzip(true);
    let adds = |name, field| Setup {
        build: Build {
            adds: Some(field),
            ..SOUND.build
        },
        ..row(name, "lost-fields")
    };
    vec![
        Setup {
            nginx: |file| swap(file, "default_type text/html", "default_type text/plain"),
            ..row("nginx serves another type", "content-type")
        },
        Setup {
            nginx: |file| swap(file, "charset utf-8;", ""),
            ..row("nginx has no charset", "content-type")
        },
        Setup {
            nginx: |file| {
                swap(
                    file,
                    "gzip_vary on;",
                    "gzip_vary on; sub_filter_once off; sub_filter words swords;",
                )
            },
            ..row("a filter works on hits", "other-bytes")
        },
        Setup {
            pages: gzip,
            nginx: |file| swap(file, "memcached_gzip_flag 2;", ""),
            ..row("nginx does not know gzip entries", "gzip-lines")
        },
        Setup {
            pages: gzip,
            nginx: |file| swap(file, "gunzip on;", ""),
            ..row("nginx does not unpack", "gzip-lines")
        },
        Setup {
            pages: gzip,
            nginx: |file| swap(file, "gzip_vary on;", ""),
            ..row("nginx says no Vary", "gzip-lines")
        },
        adds(
            "a middleware adds Content-Security-Policy",
            ("Content-Security-Policy", "default-src 'self'"),
        ),
        adds(
            "a middleware adds Strict-Transport-Security",
            ("Strict-Transport-Security", "max-age=1"),
        ),
        adds(
            "a middleware adds X-Frame-Options",
            ("X-Frame-Options", "DENY"),
        ),
        adds("a middleware adds Vary", ("Vary", "Origin")),
        adds(
            "a middleware adds a field that is invented tomorrow",
            ("Tomorrow-Policy", "self"),
        ),
        Setup {
            pages: |pages| pages.header("X-Frame-Options", "DENY"),
            nginx: |file| swap(file, "add_header x-frame-options \"DENY\";", ""),
            build: Build {
                adds: Some(("X-Frame-Options", "DENY")),
                ..SOUND.build
            },
            ..row("nginx lacks a declared field", "lost-fields")
        },
        Setup {
            nginx: |file| {
                before_location(
                    file,
                    "add_header Strict-Transport-Security max-age=1 always;",
                )
            },
            ..row("nginx adds a field to misses alone", "lost-fields")
        },
        Setup {
            target: "/links",
            nginx: |file| {
                let file = swap(file, "proxy_set_header Host $host", "#");
                swap(file, "proxy_set_header X-Forwarded-Host $host", "#")
            },
            ..row("Host is not passed, and the page shows it", "wrong-host")
        },
        Setup {
            target: "/links",
            nginx: |file| {
                let file = swap(file, "proxy_set_header Host $host", "#");
                swap(file, "proxy_set_header X-Forwarded-Host $host", "#")
            },
            tells_app: false,
            ..row(
                "Host is not passed, and the page shows it, without --app",
                "wrong-host",
            )
        },
    ]
}

/// A file of one's own, which does not tell the application what it bypasses.
fn untold(file: String) -> String {
    swap(file, "proxy_set_header Djanginxed-Bypass", "#")
}

fn other_requests() -> Vec<Setup> {
    let rules: fn(djanginxed::PageCacheBuilder) -> djanginxed::PageCacheBuilder =
        |pages| pages.bypass_cookie("sessionid").bypass_header("X-Preview");
    let asked = |_: &Stand| {
        words([
            "--bypass-cookie",
            "sessionid",
            "--bypass-header",
            "X-Preview",
        ])
    };
    vec![
        Setup {
            nginx: |file| {
                swap_up_to(
                    file,
                    "location / {",
                    "{",
                    "location / { if ($request_method = POST) { return 405; } error_page 405 /405;",
                )
            },
            ..row("nginx answers POST", "method-by-nginx")
        },
        Setup {
            nginx: |file| {
                swap_up_to(
                    file,
                    "location / {",
                    "{",
                    "location / { if ($request_method = OPTIONS) { return 204; }",
                )
            },
            ..row("nginx answers OPTIONS", "method-by-nginx")
        },
        Setup {
            nginx: |file| {
                swap_up_to(
                    file,
                    "location / {",
                    "{",
                    "location / { if ($request_method = HEAD) { return 403; }",
                )
            },
            ..row("nginx answers HEAD", "method-by-nginx")
        },
        Setup {
            pages: rules,
            nginx: |file| swap(file, "return 418;", "set $nothing 1;"),
            args: asked,
            ..row("nginx has no bypass rules", "nginx-rules")
        },
        Setup {
            nginx: |file| swap(file, "$http_authorization", ""),
            ..row(
                "nginx serves stored pages with Authorization",
                "nginx-rules",
            )
        },
        Setup {
            pages: rules,
            nginx: |file| swap(file, "])sessionid", "])other"),
            args: asked,
            ..row("nginx has another bypass cookie", "nginx-rules")
        },
        Setup {
            pages: rules,
            nginx: |file| swap(file, "$http_x_preview", ""),
            args: asked,
            ..row("nginx lacks a bypass header", "nginx-rules")
        },
        Setup {
            nginx: |file| {
                swap(
                    file,
                    "return 418;",
                    "return 418; }\n        if ($http_cookie) { return 418;",
                )
            },
            args: |_| words(["--bypass-cookie", "sessionid"]),
            ..row("the application lacks a bypass cookie", "application-rules")
        },
        Setup {
            pages: rules,
            nginx: untold,
            build: Build {
                takes: Some("cookie"),
                ..SOUND.build
            },
            args: asked,
            ..row("a middleware removes Cookie", "application-rules")
        },
        Setup {
            pages: rules,
            nginx: |file| {
                let file = untold(file);
                swap(
                    file,
                    "proxy_set_header Upgrade $http_upgrade;",
                    "proxy_set_header Upgrade $http_upgrade; proxy_set_header Cookie \"\";",
                )
            },
            args: asked,
            ..row("nginx removes Cookie", "rule-field-lost")
        },
        Setup {
            target: "/links",
            nginx: |file| {
                let named = file.replace("server_name _;", "server_name other.invalid;");
                named.replace(
                    "server_name 127.0.0.1;",
                    "server_name 127.0.0.1 djanginxed-check.invalid;",
                )
            },
            ..row("a stranger's host is answered", "foreign-host")
        },
        Setup {
            target: "/links",
            nginx: |file| swap(file, "proxy_set_header Forwarded \"\";", ""),
            ..row("a stranger's Forwarded is believed", "forwarded")
        },
        Setup {
            target: "/links",
            nginx: |file| swap(file, "proxy_set_header X-Forwarded-Host", "#"),
            ..row("a stranger's X-Forwarded-Host is believed", "forwarded")
        },
        Setup {
            target: "/links",
            nginx: |file| swap(file, "proxy_set_header X-Forwarded-Proto", "#"),
            ..row("a stranger's X-Forwarded-Proto is believed", "forwarded")
        },
        Setup {
            target: "/links",
            nginx: |file| swap(file, "proxy_set_header X-Real-IP \"\";", ""),
            ..row("a stranger's X-Real-IP is believed", "forwarded")
        },
        Setup {
            target: "/json/1",
            prefix: "json",
            nginx: |file| swap(file, "set $djanginxed_past 1;", ""),
            args: |_| words(["--content-type", "application/json"]),
            ..row("dot segments choose another location", "locations-disagree")
        },
    ]
}

fn faults() -> Vec<Setup> {
    let stopped = |stand: &mut Stand| stand.memcached[0].stop();
    let paused = |stand: &mut Stand| stand.memcached[0].pause();
    let asked = |_: &Stand| words(["--faults", "--timeout", "4", "--within", "1000"]);
    vec![
        Setup {
            args: asked,
            ..row("Memcached answers, with --faults", "not-out-of-reach")
        },
        Setup {
            nginx: |file| swap(file, " 500 502 504 =", " 500 504 ="),
            then: stopped,
            args: asked,
            ..row("error_page lacks 502", "error-page-codes")
        },
        Setup {
            nginx: |file| swap(file, " 500 502 504 =", " 500 502 ="),
            then: paused,
            args: asked,
            ..row("error_page lacks 504", "error-page-codes")
        },
        Setup {
            nginx: |file| swap(file, "read_timeout 100ms", "read_timeout 3s"),
            then: paused,
            args: asked,
            ..row("nginx waits for seconds", "timeouts-long")
        },
        Setup {
            nginx: |file| swap(file, "memcached_read_timeout 100ms;", ""),
            then: paused,
            args: |_| words(["--faults", "--timeout", "2"]),
            ..row("nginx waits for a minute", "timeouts-long")
        },
        Setup {
            nginx: |file| swap(file, "server 127.0.0.1:1 down;", ""),
            then: paused,
            args: asked,
            ..row("nginx never skips its only server", "only-server")
        },
        Setup {
            nginx: |file| swap(file, "server 127.0.0.1:1 down;", ""),
            then: paused,
            args: asked,
            tells_app: false,
            tells_servers: false,
            ..row(
                "nginx never skips its only server, with the URL alone",
                "only-server",
            )
        },
    ]
}

/// What nginx's own file says.
fn by_the_file() -> Vec<Setup> {
    const THREE: &[&[&str]] = &[&[], &[], &[]];
    let conf = |name, cause| Setup {
        tells_conf: true,
        ..row(name, cause)
    };
    vec![
        Setup {
            nginx: |file| swap(file, " site1$request_uri", " site2$request_uri"),
            ..conf("the file has another prefix", "nginx-prefix")
        },
        Setup {
            nginx: |file| swap(file, "site1$request_uri", "site1$uri"),
            ..conf("the file makes the key of $uri", "key-path-alone")
        },
        Setup {
            nginx: |file| {
                let app = "location ~ ^/articles/ { proxy_pass http://djanginxed_app; }";
                before_location(file, app)
            },
            ..conf("the file has another location", "other-location")
        },
        Setup {
            memcached: THREE,
            of_nginx: |servers| servers[1..].to_vec(),
            ..conf("the file lacks a server", "nginx-server-missing")
        },
        Setup {
            memcached: THREE,
            placements: [
                Placement::Consistent,
                Placement::Modulo,
                Placement::Consistent,
            ],
            ..conf("the file lacks consistent", "nginx-placement")
        },
        Setup {
            memcached: THREE,
            placements: [Placement::Modulo; 3],
            of_nginx: |servers| vec![servers[2].clone(), servers[1].clone(), servers[0].clone()],
            ..conf("the file has another order", "nginx-order")
        },
        Setup {
            nginx: |file| swap(file, " 500 502 504 =", " 500 504 ="),
            ..conf("the file's error_page lacks 502", "error-page-codes")
        },
        Setup {
            nginx: |file| {
                let other = format!("_memcached {{\n    server 127.0.0.1:{};", free_port());
                swap_up_to(file, "_memcached {\n    server", ";", &other)
            },
            ..conf("the file has another Memcached", "nginx-servers")
        },
    ]
}
