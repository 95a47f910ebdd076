//! What the tests rely on when they start a memcached.

use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use testkit::{Fault, FaultProxy, Memcached, eventually};

fn answers(port: u16) -> bool {
    use std::io::{Read, Write};
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_millis(300)))?;
        stream.write_all(b"version\r\nquit\r\n")?;
        let mut answer = String::new();
        stream.take(100).read_to_string(&mut answer)?;
        Ok(answer.starts_with("VERSION") && answer.ends_with("\r\n"))
    };
    ask().unwrap_or(false)
}

#[test]
fn an_item_comes_back_with_its_flags_and_its_bytes() {
    let memcached = Memcached::start().unwrap();
    memcached.set("page", 2, 0, b"a\r\nb\0END\r\n");
    let item = memcached.get("page").unwrap();
    assert_eq!((item.flags, &item.bytes[..]), (2, &b"a\r\nb\0END\r\n"[..]));
    assert_eq!(memcached.keys(), ["page"]);
    assert_eq!(memcached.stat("cmd_set"), 1);
    assert!(memcached.delete("page"));
    assert!(!memcached.delete("page"));
    assert_eq!(memcached.get("page"), None);
    assert!(memcached.command("version").starts_with("VERSION "));
}

#[test]
fn each_memcached_is_another() {
    let (one, two) = (Memcached::start().unwrap(), Memcached::start().unwrap());
    one.set("key", 0, 0, "one");
    assert_eq!(two.get("key"), None);
}

#[test]
fn a_paused_memcached_hangs_until_it_is_resumed() {
    let mut memcached = Memcached::start().unwrap();
    memcached.pause();
    assert!(TcpStream::connect(("127.0.0.1", memcached.port())).is_ok());
    assert!(!answers(memcached.port()));
    memcached.resume();
    assert!(answers(memcached.port()));
}

#[test]
fn a_restarted_memcached_has_its_old_port_and_no_items() {
    let mut memcached = Memcached::start().unwrap();
    memcached.set("key", 0, 0, "value");
    memcached.kill();
    assert!(TcpStream::connect(("127.0.0.1", memcached.port())).is_err());
    memcached.restart_empty().unwrap();
    assert_eq!(memcached.get("key"), None);
}

#[test]
fn a_refused_argument_is_reported_in_memcacheds_own_words() {
    let error = Memcached::builder()
        .args(["--no-such-option"])
        .start()
        .unwrap_err();
    assert!(error.to_string().contains("no-such-option"), "{error}");
}

#[test]
fn a_memcached_ends_with_the_process_that_started_it() {
    const LEAK: &str = "TESTKIT_LEAK";
    if std::env::var_os(LEAK).is_some() {
        let memcached = Memcached::start().unwrap();
        println!("port={}", memcached.port());
        return std::mem::forget(memcached);
    }
    // This test once more, as a process that ends without dropping anything.
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("a_memcached_ends_with_the_process_that_started_it")
        .env(LEAK, "1")
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let port = said.split("port=").nth(1).unwrap().lines().next().unwrap();
    let port: u16 = port.parse().unwrap();
    eventually("the leaked memcached has ended", || !answers(port));
}

#[test]
fn a_fault_proxy_does_each_fault_and_recovers() {
    let memcached = Memcached::start().unwrap();
    let proxy = FaultProxy::start(memcached.port()).unwrap();
    for fault in [
        Fault::Refuse,
        Fault::Hang,
        Fault::Garbage,
        Fault::Cut,
        Fault::Reset,
        Fault::Delay(Duration::from_secs(1)),
    ] {
        assert!(answers(proxy.port()), "before {fault:?}");
        proxy.set(fault);
        assert!(!answers(proxy.port()), "{fault:?}");
        proxy.set(Fault::None);
    }
    assert!(answers(proxy.port()));
    assert_eq!(proxy.connections(), 12);
}

#[test]
fn a_fault_reaches_connections_that_are_open() {
    use std::io::{ErrorKind, Read, Write};
    let memcached = Memcached::start().unwrap();
    let proxy = FaultProxy::start(memcached.port()).unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    stream.write_all(b"version\r\n").unwrap();
    assert!(stream.read(&mut [0; 64]).unwrap() > 0);
    proxy.set(Fault::Reset);
    stream.write_all(b"version\r\n").unwrap();
    let error = stream.read(&mut [0; 64]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

/// A client that is told nothing would take its connection for good, and be reset by its
/// next question, when all is well again.
#[test]
fn a_client_of_a_fault_proxy_hears_when_its_server_breaks_the_line() {
    use std::io::{ErrorKind, Read, Write};
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = FaultProxy::start(server.local_addr().unwrap().port()).unwrap();
    let mut client = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
    client
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    client.write_all(b"version\r\n").unwrap();
    let (accepted, _) = server.accept().unwrap();
    // What is closed with a question unread is reset.
    accepted.peek(&mut [0; 1]).unwrap();
    drop(accepted);
    let heard = client.read(&mut [0; 1]);
    let silence = [ErrorKind::WouldBlock, ErrorKind::TimedOut];
    let is_silent = heard.is_err_and(|error| silence.contains(&error.kind()));
    assert!(!is_silent, "the line is broken, and its client waits");
}
