//! Memcached itself.

use super::edit::row;
use super::peers::{ahead, not_memcached, unlike, without_meta};
use crate::stand::Setup;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use testkit::{Memcached, free_port};

pub(crate) fn memcached() -> Vec<Setup> {
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
            sockets: Some(0o666),
            then: |stand| {
                stand.memcached[0].stop();
                // memcached leaves it behind where it is killed.
                let _ = std::fs::remove_file(stand.memcached[0].socket().unwrap());
            },
            ..row("Memcached's unix socket is missing", "memcached-down")
        },
        Setup {
            sockets: Some(0o666),
            then: |stand| stand.memcached[0].pause(),
            ..row("Memcached hangs on its unix socket", "memcached-hangs")
        },
        Setup {
            sockets: Some(0o600),
            ..row(
                "nginx may not write to Memcached's unix socket",
                "socket-denied",
            )
        },
        Setup {
            memcached: &[&["-c", "60"]],
            then: |stand| stand.hold(60),
            ..row(
                "Memcached takes no more connections",
                "memcached-connections",
            )
        },
        Setup {
            memcached: &[&["-c", "400"]],
            then: |stand| stand.hold(360),
            ..row(
                "Memcached will soon take no more connections",
                "memcached-connections",
            )
        },
        Setup {
            memcached: &[&["-m", "3", "-M"]],
            then: |stand| fill(&stand.memcached[0]),
            ..row("Memcached is full and refuses to store", "memcached-full")
        },
        Setup {
            memcached: &[&[], &["-m", "3", "-M"]],
            then: |stand| fill(&stand.memcached[1]),
            ..row("one of two Memcached servers is full", "memcached-full")
        },
        Setup {
            memcached: &[&[], &["-m", "3", "-M"]],
            then: |stand| {
                fill(&stand.memcached[1]);
                stand.start_second("site1");
            },
            tells_conf: true,
            ..row(
                "one of two Memcached servers of two processes is full",
                "memcached-full",
            )
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

/// Until it takes no more items about as large as a page is.
fn fill(memcached: &Memcached) {
    let mut stream = TcpStream::connect(("127.0.0.1", memcached.port())).unwrap();
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    for size in (1100..1700).step_by(50) {
        let value = "x".repeat(size);
        for count in 0.. {
            let store = format!("ms {size}-{count} {size}\r\n{value}\r\n");
            stream.write_all(store.as_bytes()).unwrap();
            let mut answer = String::new();
            answers.read_line(&mut answer).unwrap();
            if answer != "HD\r\n" {
                assert!(answer.contains("out of memory"), "{answer}");
                break;
            }
        }
    }
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
