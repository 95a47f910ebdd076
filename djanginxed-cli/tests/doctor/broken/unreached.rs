//! Nobody answers, or nobody who speaks as the URL says.

use super::edit::{row, words};
use super::peers::{not_memcached, silent};
use crate::stand::{Setup, Stand};

pub(crate) fn unreached() -> Vec<Setup> {
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
