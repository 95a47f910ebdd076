use std::io::Write;

use djanginxed::PageKey;
use testkit::{Memcached, eventually};

use crate::tool::{Done, command, finish, run};

fn show(memcached: &Memcached, target: &str) -> Done {
    run([
        "show",
        "--servers",
        &memcached.address(),
        "--prefix",
        "site1",
        target,
    ])
}

fn key(target: &str) -> String {
    PageKey::new("site1", target).to_string()
}

#[test]
fn a_stored_page_is_shown_and_not_disturbed() {
    let memcached = Memcached::start().unwrap();
    memcached.set(key("/a"), 0, 100, "\n<title>\u{1b}[31mHello</title>\nmore");
    for _ in 0..2 {
        let done = show(&memcached, "/a");
        assert_eq!(done.code, 0);
        for part in [
            key("/a"),
            memcached.address(),
            "size        31 bytes".to_owned(),
            "flags       0 (as rendered)".to_owned(),
            "last read   never, stored ".to_owned(),
            "first line  <title>[31mHello</title>\n".to_owned(),
        ] {
            assert!(done.out.contains(&part), "{part} in {}", done.out);
        }
        let left = done.out.split("expires     in ").nth(1).unwrap();
        let left: u32 = left.split(' ').next().unwrap().parse().unwrap();
        assert!((90..=100).contains(&left));
    }
    assert!(
        memcached
            .command(&format!("me {}", key("/a")))
            .contains("fetch=no")
    );
    let _ = memcached.get(key("/a"));
    assert!(show(&memcached, "/a").out.contains(" s ago\n"));
}

#[test]
fn a_gzip_page_shows_its_text() {
    let memcached = Memcached::start().unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(b"<title>Packed</title>").unwrap();
    memcached.set(key("/a"), 2, 0, gzip.finish().unwrap());
    memcached.set(key("/b"), 2, 0, "no gzip");
    let done = show(&memcached, "/a");
    assert!(done.out.contains("2 (gzip)") && done.out.contains("expires     never"));
    assert!(done.out.contains("first line  <title>Packed</title>"));
    assert!(show(&memcached, "/b").out.contains("not readable as gzip"));
}

#[test]
fn a_missing_and_an_expired_page_are_not_stored() {
    let memcached = Memcached::start().unwrap();
    memcached.set(key("/a"), 0, 1, "short-lived");
    eventually("the item expires", || show(&memcached, "/a").code == 1);
    let done = show(&memcached, "/missing");
    assert_eq!(done.code, 1);
    assert!(
        done.out
            .contains(&format!("not stored: {}", key("/missing")))
    );
}

#[test]
fn pages_are_deleted_and_counted() {
    let memcached = Memcached::start().unwrap();
    memcached.set(key("/a"), 0, 0, "a");
    memcached.set(key("/b"), 0, 0, "b");
    let servers = memcached.address();
    let mut command = command();
    command
        .args(["delete", "--prefix", "site1", "/a", "-"])
        .env("DJANGINXED_SERVERS", servers);
    let done = finish(&mut command, "/b\n/c\n");
    assert_eq!(
        (done.code, done.out.as_str()),
        (0, "2 deleted, 1 were not stored, 0 failed\n")
    );
    assert!(done.err.contains("2 seconds") && done.err.lines().count() == 1);
    assert!(memcached.get(key("/a")).is_none() && memcached.get(key("/b")).is_none());
}

#[test]
fn the_server_is_the_one_that_nginx_asks() {
    let servers = [Memcached::start().unwrap(), Memcached::start().unwrap()];
    let list = format!("{},{} weight=3", servers[0].address(), servers[1].address());
    for number in 0..10 {
        let target = format!("/{number}");
        let done = run(["show", "--servers", &list, "--prefix", "site1", &target]);
        let on = servers
            .iter()
            .find(|server| done.out.contains(&server.address()))
            .unwrap();
        on.set(key(&target), 0, 0, "x");
        let done = run(["delete", "--servers", &list, "--prefix", "site1", &target]);
        assert!(done.out.starts_with("1 deleted"), "{}", done.out);
    }
}

#[test]
fn memcached_out_of_reach_is_one_sentence_and_exit_code_1() {
    let mut memcached = Memcached::start().unwrap();
    let address = memcached.address();
    for hangs in [true, false] {
        if hangs {
            memcached.pause();
        } else {
            memcached.resume();
            memcached.stop();
        }
        for name in ["show", "delete"] {
            let done = run([name, "--servers", &address, "/a"]);
            assert_eq!(done.code, 1, "{done:?}");
            assert_eq!(done.err.lines().count(), 1, "{}", done.err);
            assert!(done.err.contains(&address), "{}", done.err);
        }
    }
}
