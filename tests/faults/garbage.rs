//! Whatever a server answers, visitors get the handler's own page.

use std::io::Write;
use std::time::{Duration, Instant};

use djanginxed::Layout;

use crate::LAYOUT;
use crate::app::{Site, at, run_of, wait};
use crate::impostor::{Impostor, Reply};

/// What an impostor answers to every command.
#[track_caller]
fn is_not_served(what: &str, reply: impl Fn(&str) -> Reply + Send + Sync + 'static) {
    let impostor = Impostor::start(reply);
    let pages = at(&impostor.address()).build().unwrap();
    let site = Site::quick(&pages);
    let asked = Instant::now();
    for number in 0..20 {
        let target = format!("/page/{number}");
        run_of(&site.get(&target), &target);
    }
    let took = asked.elapsed();
    assert!(
        took < Duration::from_secs(3),
        "{what}: 20 visits took {took:?}"
    );
    let deleting = Instant::now();
    // Only a server that does as Memcached does may say that it deleted.
    assert!(wait(pages.delete(&pages.key("/page/1"))).is_err(), "{what}");
    wait(pages.flush());
    let took = deleting.elapsed();
    assert!(
        took < Duration::from_secs(10),
        "{what}: flushed after {took:?}"
    );
}

/// The opaque token that a command carries, as its answer has to.
fn opaque(command: &str) -> &str {
    let tokens = command.split(' ');
    tokens
        .rev()
        .find(|token| token.starts_with('O'))
        .unwrap_or("")
}

fn bytes(text: impl Into<Vec<u8>>) -> Reply {
    Reply::Bytes(text.into())
}

#[test]
fn a_value_of_a_gigabyte_that_never_comes_is_not_waited_for() {
    is_not_served("1 GiB", |command| {
        bytes(format!("VA 1073741824 f0 {}\r\n<p>", opaque(command)))
    });
}

#[test]
fn lengths_that_are_none_are_not_served() {
    for length in [
        "-1",
        "1073741825",
        "18446744073709551616",
        "0x10",
        "ten",
        "",
    ] {
        is_not_served(length, move |command| {
            bytes(format!("VA {length} f0 {}\r\nhello\r\n", opaque(command)))
        });
    }
}

#[test]
fn a_value_longer_or_shorter_than_announced_is_not_served() {
    for length in [3, 4, 6, 50] {
        is_not_served("wrong length", move |command| {
            bytes(format!("VA {length} f0 {}\r\nhello\r\n", opaque(command)))
        });
    }
}

#[test]
fn an_answer_to_another_question_is_not_served() {
    for token in ["O1", "O99", "O", "", "o0"] {
        is_not_served(token, move |_| {
            bytes(format!("VA 5 f0 {token}\r\nhello\r\n"))
        });
    }
}

#[test]
fn a_second_answer_is_not_taken_for_the_next_questions() {
    is_not_served("two answers", |command| {
        let miss = format!("EN\r\nVA 5 f0 {}\r\nhello\r\n", opaque(command));
        bytes(miss)
    });
}

#[test]
fn endless_bytes_without_a_line_are_not_waited_for() {
    is_not_served("endless", |_| Reply::Endless(vec![b'x'; 4096]));
}

#[test]
fn endless_lines_are_not_waited_for() {
    is_not_served("endless lines", |_| Reply::Endless(b"HD\r\n".repeat(500)));
}

#[test]
fn other_protocols_are_not_served() {
    for answer in [
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        "-ERR unknown command 'mg'\r\n",
        "VALUE x 0 5\r\nhello\r\nEND\r\n",
        "STORED\r\n",
        "ERROR\r\n",
        "CLIENT_ERROR bad command line format\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\r\n",
        "\0\0\0\0\0\0\0\0\r\n",
    ] {
        is_not_served(answer, move |_| bytes(answer));
        is_not_served(answer, move |_| Reply::Last(answer.into()));
    }
}

#[test]
fn a_server_that_closes_at_once_or_within_its_answer_is_not_noticed() {
    for answer in ["", "V", "VA 5 f0 O0\r\nhel", "HD O"] {
        is_not_served(answer, move |_| Reply::Last(answer.into()));
    }
}

#[test]
fn a_server_that_only_has_errors_is_not_noticed() {
    is_not_served("SERVER_ERROR", |_| bytes("SERVER_ERROR out of memory\r\n"));
}

fn packed(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// A well-spoken server that has `value` under every key.
#[track_caller]
fn an_entry_is_not_served(flags: &'static str, value: Vec<u8>) {
    let impostor = Impostor::start(move |command| {
        let token = opaque(command);
        let answer = if command.starts_with("mg ") && !command.contains("del:") {
            let head = format!("VA {} {flags} {token}\r\n", value.len());
            [head.as_bytes(), &value, b"\r\n"].concat()
        } else if command.starts_with("mg ") {
            format!("EN {token}\r\n").into_bytes()
        } else {
            format!("HD {token}\r\n").into_bytes()
        };
        Reply::Bytes(answer)
    });
    let pages = at(&impostor.address()).gzip(true).build().unwrap();
    let site = Site::quick(&pages);
    for number in 0..10 {
        let target = format!("/page/{number}");
        run_of(&site.get(&target), &target);
    }
    wait(pages.flush());
}

/// Flags and bytes that the application would store, with the body packed or not, and
/// whatever the body is.
fn entry(is_packed: bool, body: &[u8]) -> (&'static str, Vec<u8>) {
    match (LAYOUT, is_packed) {
        (Layout::Response, _) => {
            let coding = if is_packed {
                "content-encoding: gzip\r\n"
            } else {
                ""
            };
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n{coding}\r\n");
            ("f4", [head.as_bytes(), body].concat())
        }
        (_, true) => ("f2", body.to_vec()),
        (_, false) => ("f0", body.to_vec()),
    }
}

#[track_caller]
fn a_packed_body_is_not_served(body: &[u8]) {
    let (flags, value) = entry(true, body);
    an_entry_is_not_served(flags, value);
}

#[test]
fn an_empty_entry_is_not_served() {
    let (flags, _) = entry(false, b"");
    an_entry_is_not_served(flags, Vec::new());
}

#[test]
fn an_entry_with_flags_of_others_is_not_served() {
    for others in ["f1", "f3", "f4294967295", "f7"] {
        let (_, value) = entry(false, b"<p>serialised by somebody else</p>");
        an_entry_is_not_served(others, value);
    }
}

#[test]
fn an_entry_of_the_other_layout_is_not_served() {
    let body = b"<p>of another application</p>".to_vec();
    let whole = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<p>whole</p>".to_vec();
    match LAYOUT {
        Layout::Response => {
            an_entry_is_not_served("f0", body);
            an_entry_is_not_served("f0", whole);
        }
        _ => {
            an_entry_is_not_served("f4", body);
            an_entry_is_not_served("f4", whole);
        }
    }
}

#[test]
fn an_entry_that_is_no_whole_gzip_is_not_served() {
    let whole = packed(b"<p>hello</p>");
    let mut damaged = whole.clone();
    damaged[14] ^= 0x55;
    a_packed_body_is_not_served(b"<p>not packed</p>");
    a_packed_body_is_not_served(&whole[..whole.len() - 4]);
    a_packed_body_is_not_served(&[&whole[..], b"more"].concat());
    a_packed_body_is_not_served(&damaged);
    a_packed_body_is_not_served(&packed(b""));
}

#[test]
fn an_entry_that_unpacks_to_more_than_a_page_may_have_is_not_served() {
    a_packed_body_is_not_served(&packed(&vec![b' '; 64 << 20]));
}

#[test]
fn an_entry_whose_head_is_none_is_not_served() {
    if LAYOUT != Layout::Response {
        return;
    }
    const BODY: &str = "<p>hello</p>";
    for head in [
        String::new(),
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n".to_owned(),
        "HTTP/1.1 20 OK\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nset-cookie: a=b\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nx-accel-redirect: /secret\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-encoding: br\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\na b: c\r\n\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: 1\r\n".repeat(1_000)),
        format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "a".repeat(100_000)),
    ] {
        an_entry_is_not_served("f4", format!("{head}{BODY}").into_bytes());
    }
}
