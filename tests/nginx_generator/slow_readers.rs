//! Visitors who pause while they read, and those who do not read at all.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use djanginxed::Layout;
use djanginxed::nginx::{Md5, Site};
use testkit::http::{Connection, Request};
use testkit::{Memcached, eventually};

use crate::options::certificate;
use crate::slow_http2::{Reader, Stopped, read_all, stop_reading};
use crate::stand::{Stand, cache, is_hit};

/// Three times as long as nginx waits for Memcached.
const PAUSE: Duration = Duration::from_millis(300);

/// On a page's way to a visitor with a slow line, little of it is in the
/// system's buffers.
const SLOW_LINE: &str = "sndbuf=8k";

/// What reads from Memcached: each keeps a visitor's pace away from it.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Bodies,
    BodiesByNjs,
    Responses,
    ResponsesByNjs,
}

const KINDS: [Kind; 4] = [
    Kind::Bodies,
    Kind::BodiesByNjs,
    Kind::Responses,
    Kind::ResponsesByNjs,
];

fn stand(kind: Kind, listen: &str) -> Stand {
    stand_of(Memcached::start().unwrap(), &[], kind, listen, |site| site)
}

/// With `listen` among the options of nginx's `listen`.
fn stand_of(
    memcached: Memcached,
    others: &[&Memcached],
    kind: Kind,
    listen: &str,
    site: impl Fn(Site) -> Site,
) -> Stand {
    let (md5, layout) = match kind {
        Kind::Bodies => (Md5::SetMisc, Layout::Body),
        Kind::BodiesByNjs => (Md5::Njs, Layout::Body),
        Kind::Responses => (Md5::SetMisc, Layout::Response),
        Kind::ResponsesByNjs => (Md5::Njs, Layout::Response),
    };
    let servers = [&memcached].into_iter().chain(others.iter().copied());
    let servers: Vec<String> = servers.map(Memcached::address).collect();
    let pages = cache(&memcached).memcached(servers).layout(layout);
    let pages = pages.build().unwrap();
    let stand = Stand::edited(memcached, &pages, md5, site, |port, file| {
        let plain = format!("listen 127.0.0.1:{port}");
        // nginx takes such options once for each address.
        file.replacen(&plain, &format!("{plain} {listen}"), 1)
    });
    match kind {
        Kind::Responses | Kind::ResponsesByNjs => stand.of_responses(),
        Kind::Bodies | Kind::BodiesByNjs => stand,
    }
}

/// Text of `length` bytes that gzip can halve and no more.
fn text(length: usize) -> String {
    let mut state = 1_u64;
    let letters = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + u8::try_from((state >> 33) % 16).unwrap_or(0))
    });
    letters.take(length).collect()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

/// When a visitor pauses: at the beginning and near the end, while nginx has all
/// of a page from Memcached and cannot send it. What it unpacks fills 128 kB of
/// its buffers first.
struct Pauses(Vec<usize>);

impl Pauses {
    fn of(length: usize) -> Pauses {
        let before_the_end = [
            190_000, 175_000, 160_000, 150_000, 40_000, 30_000, 20_000, 10_000,
        ];
        let near_the_end = before_the_end.map(|before| length.checked_sub(before));
        Pauses(
            [Some(0)]
                .into_iter()
                .chain(near_the_end)
                .flatten()
                .collect(),
        )
    }

    fn wait(&mut self, read: usize) {
        if self.0.first().is_some_and(|&at| read >= at) {
            self.0.remove(0);
            sleep(PAUSE);
        }
    }
}

/// What comes to the end, which is after about `length` bytes.
fn read_with_pauses(connection: &mut Connection, length: usize) -> Vec<u8> {
    let mut pauses = Pauses::of(length);
    let mut all = Vec::new();
    loop {
        pauses.wait(all.len());
        match connection.read_some(4096) {
            Ok(part) if !part.is_empty() => all.extend_from_slice(&part),
            _ => return all,
        }
    }
}

/// The answer to a GET over HTTP/1.1, head and body as they stand on the wire.
fn read_slowly(stand: &Stand, target: &str, length: usize) -> Vec<u8> {
    let mut connection = Connection::open_narrow(stand.nginx.port()).unwrap();
    let request = Request::get(target)
        .header("Host", "www.example.com")
        .header("Connection", "close");
    connection.send(&request).unwrap();
    read_with_pauses(&mut connection, length)
}

#[track_caller]
fn is_whole(answer: &[u8], page: &str) {
    let answer = String::from_utf8_lossy(answer);
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("Cache-Status: nginx; hit"));
    if head.contains("Transfer-Encoding: chunked") {
        assert!(body.ends_with("\r\n0\r\n\r\n"), "the last chunk");
        assert!(body.len() > page.len());
    } else {
        assert_eq!(body.len(), page.len());
        assert!(body == page, "the page's bytes");
    }
}

/// The page's entry as it is at `/plain/…`, and as gzip that nginx must unpack for
/// these readers at `/packed/…`.
fn store_both(stand: &Stand, length: usize) -> (String, [String; 2]) {
    let page = text(length);
    let targets = ["plain", "packed"].map(|kind| format!("/{kind}/{length}"));
    stand.store("site1", &targets[0], &page);
    stand.store_with_flags("site1", &targets[1], 2, &gzip(&page));
    (page, targets)
}

#[test]
fn a_page_arrives_whole_however_slowly_it_is_read() {
    for kind in KINDS {
        let stand = stand(kind, SLOW_LINE);
        let pages = [20_000, 200_000, 1_000_000].map(|length| store_both(&stand, length));
        std::thread::scope(|scope| {
            for (page, targets) in &pages {
                for target in targets {
                    let stand = &stand;
                    scope.spawn(move || is_whole(&read_slowly(stand, target, page.len()), page));
                }
            }
        });
    }
}

#[test]
fn an_http2_visitor_with_small_windows_gets_whole_pages() {
    for kind in KINDS {
        let stand = stand(kind, "http2");
        let mut readers = Vec::new();
        for length in [20_000, 100_000, 200_000, 800_000] {
            let (page, targets) = store_both(&stand, length);
            for target in &targets {
                let windows: &[u32] = if length > 300_000 {
                    &[65_535]
                } else {
                    &[16_384, 65_535]
                };
                for &window in windows {
                    readers.push((Reader::new(target, window, PAUSE), page.clone()));
                }
            }
        }
        let (readers, pages): (Vec<_>, Vec<_>) = readers.into_iter().unzip();
        for (read, page) in read_all(stand.nginx.port(), readers).into_iter().zip(pages) {
            let (reader, body) = read;
            let body = body.unwrap_or_else(|error| panic!("{kind:?} {reader:?}: {error}"));
            assert!(body == page.as_bytes(), "{kind:?} {reader:?}");
        }
    }
}

#[test]
fn a_page_over_tls_arrives_whole() {
    for kind in KINDS {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = certificate(folder.path());
        let stand = stand_of(Memcached::start().unwrap(), &[], kind, SLOW_LINE, |site| {
            site.tls(&certificate, &key)
        });
        let pages = [20_000, 250_000].map(|length| store_both(&stand, length));
        std::thread::scope(|scope| {
            for (page, targets) in &pages {
                for target in targets {
                    let port = stand.nginx.port();
                    scope.spawn(move || is_whole(&read_tls(port, target, page.len()), page));
                }
            }
        });
    }
}

/// As `read_slowly`, through TLS: openssl's side of a line that is slow for it.
fn read_tls(port: u16, target: &str, length: usize) -> Vec<u8> {
    let line = slow_line::start(port, length);
    let mut openssl = Command::new("openssl")
        .args(["s_client", "-quiet", "-servername", "www.example.com"])
        .args(["-connect", &format!("127.0.0.1:{line}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("`cargo xtask test` installs openssl where it is missing");
    let request =
        format!("GET {target} HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n");
    let mut input = openssl.stdin.take().unwrap();
    input.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let mut output = openssl.stdout.take().unwrap();
    output.read_to_end(&mut answer).unwrap();
    drop(input);
    openssl.wait().unwrap();
    answer
}

#[test]
fn a_page_that_nginx_has_read_needs_no_memcached_any_more() {
    // More than the system's buffers between Memcached and nginx take.
    let page = "0123456789abcdef".repeat(1 << 20);
    let memcached = Memcached::builder().memory_mb(128).args(["-I", "32m"]);
    let memcached = memcached.start().unwrap();
    let mut stand = stand_of(memcached, &[], Kind::Bodies, SLOW_LINE, |site| site);
    stand.store("site1", "/a", &page);
    let mut connection = Connection::open(stand.nginx.port()).unwrap();
    let request = Request::get("/a").header("Host", "www.example.com");
    connection.send(&request).unwrap();
    let started = stand.memcached.stat("bytes_written");
    let sent = || stand.memcached.stat("bytes_written") - started;
    eventually("nginx has read the page", || sent() > 16 << 20);
    stand.memcached.pause();
    sleep(PAUSE);
    let response = connection.receive().unwrap();
    assert!(is_hit(&response));
    assert!(response.text() == page, "the page's bytes");
    stand.memcached.resume();
}

/// nginx keeps 64 of them open, and the test asks through one.
const FEW: u64 = 80;

#[test]
fn visitors_who_stop_reading_hold_no_connection_to_memcached() {
    for kind in [Kind::Bodies, Kind::Responses] {
        let stand = stand(kind, "http2");
        stand.store("site1", "/a", &text(200_000));
        stand.store("site1", "/small", "stored");
        let stopped = stop_reading(stand.nginx.port(), 3, 100, |_| "/a".to_owned());
        assert_few_connections(&[&stand.memcached], stopped);
    }
}

#[test]
fn visitors_who_stop_reading_hold_none_to_any_of_several_servers() {
    let second = Memcached::start().unwrap();
    let first = Memcached::start().unwrap();
    let stand = stand_of(first, &[&second], Kind::Bodies, "http2", |site| site);
    let page = text(200_000);
    for number in 0..20 {
        let key = djanginxed::PageKey::new("site1", &format!("/{number}")).to_string();
        // Which of them has it is for nginx to know.
        for server in [&stand.memcached, &second] {
            server.set(&key, 0, 0, &page);
        }
    }
    let small = djanginxed::PageKey::new("site1", "/small").to_string();
    for server in [&stand.memcached, &second] {
        server.set(&small, 0, 0, "stored");
    }
    let stopped = stop_reading(stand.nginx.port(), 3, 100, |n| format!("/{}", n % 20));
    assert_few_connections(&[&stand.memcached, &second], stopped);
}

#[track_caller]
fn assert_few_connections(servers: &[&Memcached], stopped: Stopped) {
    assert_eq!(
        stopped.hits, 300,
        "all of them are being answered from Memcached"
    );
    for server in servers {
        assert!(server.stat("cmd_get") > 0);
        eventually("only kept connections are left", || {
            server.stat("curr_connections") < FEW
        });
    }
    assert!(stopped.another_gets_a_hit("/small"));
}

mod slow_line {
    //! Passes bytes on, towards the client with pauses.

    use std::io::{self, Read, Write};
    use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
    use std::thread::spawn;

    use socket2::{Domain, Socket, Type};

    use super::Pauses;

    /// The port of a line to `port` for one client, whose answer has about
    /// `length` bytes.
    pub(super) fn start(port: u16, length: usize) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let own = listener.local_addr().unwrap().port();
        spawn(move || {
            let client = listener.accept().unwrap().0;
            let server = narrow(port);
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            spawn(move || io::copy(&mut from, &mut to));
            pass_slowly(server, &client, length);
            let _ = client.shutdown(Shutdown::Both);
        });
        own
    }

    fn narrow(port: u16) -> TcpStream {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        socket.connect(&address.into()).unwrap();
        socket.into()
    }

    fn pass_slowly(mut from: TcpStream, mut to: &TcpStream, length: usize) {
        let (mut pauses, mut passed, mut bytes) = (Pauses::of(length), 0, [0; 4096]);
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            if to.write_all(&bytes[..read]).is_err() {
                return;
            }
            passed += read;
            pauses.wait(passed);
        }
    }
}
