//! Whatever a server answers, visitors get the handler's own page.

use std::io::Write;
use std::time::{Duration, Instant};

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

#[test]
fn an_empty_entry_is_not_served() {
    an_entry_is_not_served("f0", Vec::new());
}

#[test]
fn an_entry_with_flags_of_others_is_not_served() {
    for flags in ["f1", "f3", "f4294967295", "f7"] {
        an_entry_is_not_served(flags, b"<p>serialised by somebody else</p>".to_vec());
    }
}

#[test]
fn an_entry_that_is_no_whole_gzip_is_not_served() {
    let whole = packed(b"<p>hello</p>");
    let mut damaged = whole.clone();
    damaged[14] ^= 0x55;
    an_entry_is_not_served("f2", b"<p>not packed</p>".to_vec());
    an_entry_is_not_served("f2", whole[..whole.len() - 4].to_vec());
    an_entry_is_not_served("f2", [&whole[..], b"more"].concat());
    an_entry_is_not_served("f2", damaged);
    an_entry_is_not_served("f2", packed(b""));
}

#[test]
fn an_entry_that_unpacks_to_more_than_a_page_may_have_is_not_served() {
    an_entry_is_not_served("f2", packed(&vec![b' '; 64 << 20]));
}
