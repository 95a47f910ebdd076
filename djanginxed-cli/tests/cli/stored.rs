use std::io::Write;

use djanginxed::PageKey;
use testkit::{Memcached, eventually};

use crate::impostor::impostor;
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
            "first line  <title>\\u{1b}[31mHello</title>\n".to_owned(),
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
fn a_delete_under_a_prefix_of_no_page_says_so() {
    let memcached = Memcached::start().unwrap();
    memcached.set(key("/a"), 0, 0, "a");
    let servers = memcached.address();
    let delete = |prefix: &str| run(["delete", "--servers", &servers, prefix, "/a"]);
    let done = delete("--prefix=site2");
    assert_eq!(
        (done.code, done.out.as_str()),
        (0, "0 deleted, 1 were not stored, 0 failed\n")
    );
    let told = "none of these pages was stored under the key prefix \"site2\"";
    assert!(done.err.contains(told), "{}", done.err);
    assert_eq!(done.err.lines().count(), 2, "{}", done.err);
    let done = delete("--prefix=site1");
    assert_eq!((done.code, done.err.lines().count()), (0, 1), "{done:?}");
}

#[test]
fn every_variant_is_shown_and_deleted() {
    let memcached = Memcached::start().unwrap();
    for language in ["en", "de"] {
        let key = djanginxed::PageKey::new(&format!("site1~{language}"), "/a");
        memcached.set(key.to_string(), 0, 0, language);
    }
    let tool = |command: &str| {
        let servers = memcached.address();
        let rules = "--vary=language=en,de,fr";
        run([
            command,
            "--servers",
            &servers,
            "--prefix=site1",
            rules,
            "/a",
        ])
    };
    let shown = tool("show");
    assert_eq!(shown.code, 1, "one is not stored");
    for part in ["/a ~en\n", "/a ~de\n", "/a ~fr\n  not stored"] {
        assert!(shown.out.contains(part), "{}", shown.out);
    }
    let servers = memcached.address();
    let done = run(["delete", "--servers", &servers, "--prefix=site1", "/a"]);
    assert_eq!(done.out, "0 deleted, 1 were not stored, 0 failed\n");
    assert!(done.err.contains("--vary does not reach"), "{}", done.err);
    let done = tool("delete");
    assert_eq!(done.out, "2 deleted, 1 were not stored, 0 failed\n");
    let done = tool("delete");
    assert!(!done.err.contains("--vary"), "{}", done.err);
    assert!(
        done.err.contains("under the key prefix \"site1\""),
        "{}",
        done.err
    );
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
fn a_server_on_a_unix_socket_is_asked_as_any_other() {
    let mut servers = [
        Memcached::builder().socket(0o666).start().unwrap(),
        Memcached::start().unwrap(),
    ];
    let list = format!("{} weight=3,{}", servers[0].address(), servers[1].address());
    let mut on_the_socket = 0;
    for number in 0..10 {
        let target = format!("/{number}");
        let done = run(["show", "--servers", &list, "--prefix", "site1", &target]);
        let on = servers
            .iter()
            .position(|server| done.out.contains(&server.address()))
            .unwrap();
        on_the_socket += usize::from(on == 0);
        servers[on].set(key(&target), 0, 0, "x");
        let done = run(["delete", "--servers", &list, "--prefix", "site1", &target]);
        assert!(done.out.starts_with("1 deleted"), "{}", done.out);
    }
    assert!(on_the_socket > 0);
    let address = servers[0].address();
    for (fault, part) in [
        (Memcached::pause as fn(&mut Memcached), "no answer within"),
        (Memcached::kill, "left over"),
        (remove_socket, "there is no such socket"),
    ] {
        fault(&mut servers[0]);
        let done = run(["show", "--servers", &address, "/a"]);
        assert_eq!(done.code, 1, "{done:?}");
        assert!(
            done.err.contains(&address) && done.err.contains(part),
            "{}",
            done.err
        );
    }
}

fn remove_socket(memcached: &mut Memcached) {
    std::fs::remove_file(memcached.socket().unwrap()).unwrap();
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

#[test]
fn what_is_stored_is_json_where_asked() {
    let memcached = Memcached::start().unwrap();
    memcached.set(key("/a"), 0, 100, "<title>\u{1b}Hello");
    let servers = memcached.address();
    let done = run([
        "show",
        "--servers",
        &servers,
        "--prefix",
        "site1",
        "--json",
        "/a",
        "/b",
    ]);
    assert_eq!(done.code, 1);
    let shown: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(shown[0]["stored"], true);
    assert_eq!(shown[0]["size"], 13);
    assert_eq!(shown[0]["key"], key("/a"));
    assert_eq!(shown[1]["stored"], false);
    assert!(!done.out.contains('\u{1b}'));
}

#[test]
fn a_pasted_address_is_the_one_that_a_browser_asks_for() {
    let memcached = Memcached::start().unwrap();
    memcached.set(key("/caf%C3%A9%20au%20lait?q=%C3%A9"), 0, 0, "<p>");
    for pasted in [
        "/caf\u{e9} au lait?q=\u{e9}",
        "http://h/caf\u{e9} au lait?q=\u{e9}#there",
    ] {
        let done = show(&memcached, pasted);
        assert_eq!(done.code, 0, "{done:?}");
        assert!(done.out.starts_with("/caf%C3%A9%20au%20lait?q=%C3%A9\n"));
    }
    let done = show(&memcached, "/a\u{7}");
    assert_eq!(done.code, 2);
    assert!(done.err.contains("control character") && !done.err.contains('\u{7}'));
}

#[test]
fn one_dead_server_of_several_hides_its_own_pages_only_and_is_told_once() {
    let mut servers = [Memcached::start().unwrap(), Memcached::start().unwrap()];
    let list = format!("{},{}", servers[0].address(), servers[1].address());
    let targets: Vec<String> = (0..400).map(|number| format!("/{number}")).collect();
    for target in &targets {
        servers[0].set(key(target), 0, 0, "<p>here");
    }
    for hangs in [true, false] {
        if hangs {
            servers[1].pause();
        } else {
            servers[1].resume();
            servers[1].stop();
        }
        let dead = servers[1].address();
        let mut stored = 0;
        for name in ["show", "delete"] {
            let begin = std::time::Instant::now();
            let mut command = command();
            command.args([name, "--servers", &list, "--prefix", "site1", "-"]);
            let done = finish(&mut command, &targets.join("\n"));
            assert!(begin.elapsed() < std::time::Duration::from_secs(10));
            assert_eq!(done.code, 1, "{}", done.err);
            let told: Vec<_> = done
                .err
                .lines()
                .filter(|line| line.contains(&dead))
                .collect();
            assert_eq!(told.len(), 1, "{}", done.err);
            let count: usize = (told[0].rsplit('(').next().unwrap().split(' ').next())
                .unwrap()
                .parse()
                .unwrap();
            if name == "show" {
                stored = done.out.matches("first line  <p>here").count();
                assert_eq!(stored + count, 400);
                assert!(stored > 100);
            } else if hangs {
                let sum = format!("{stored} deleted, 0 were not stored, {count} failed\n");
                assert_eq!(done.out, sum);
                for target in &targets {
                    servers[0].set(key(target), 0, 0, "<p>here");
                }
            }
        }
    }
}

#[test]
fn what_is_no_memcached_is_told_once_by_what_it_answers() {
    let address = impostor(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        // It waits for more, as a server of web pages does.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    for name in ["show", "delete"] {
        let done = run([name, "--servers", &address, "--prefix=site1", "/a", "/b"]);
        assert_eq!(done.code, 1, "{done:?}");
        let told = "it answers \"HTTP/1.1 400 Bad Request\" (2 targets)";
        let told = format!("djanginxed: Memcached {address}: {told}\n");
        assert!(done.err.starts_with(&told), "{done:?}");
    }
}

#[test]
fn a_pipe_that_nobody_reads_is_left_quietly() {
    let script = format!(
        "seq 1 20000 | sed s,^,/, | {} key --prefix site1 - | head -1",
        env!("CARGO_BIN_EXE_djanginxed")
    );
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.stdout.len(), 33);
}
