//! The live view, in a terminal of its own.

use std::io::{Read, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use testkit::{Memcached, eventually};

/// What switches the alternate screen on and off.
const SCREEN: [&str; 2] = ["\u{1b}[?1049h", "\u{1b}[?1049l"];

#[test]
fn it_is_drawn_in_a_terminal_until_q_and_leaves_it_as_it_was() {
    drawn_until(|_, keys| keys.write_all(b"q").unwrap(), "code 0");
}

#[test]
fn a_signal_ends_it_and_leaves_the_terminal_as_it_was() {
    for (signal, code) in [("-TERM", "code 143"), ("-HUP", "code 129")] {
        let send = |shown: &str, _: &mut ChildStdin| {
            let (_, rest) = shown.split_once("process ").unwrap();
            let process = rest.lines().next().unwrap().trim();
            let sent = Command::new("kill").args([signal, process]).status();
            assert!(sent.unwrap().success());
        };
        drawn_until(send, code);
    }
}

/// Has `end`, which gets what is shown, end it with this code.
fn drawn_until(end: impl FnOnce(&str, &mut ChildStdin), code: &str) {
    let memcached = Memcached::start().unwrap();
    let tool = env!("CARGO_BIN_EXE_djanginxed");
    let address = memcached.address();
    // `script` gives it a terminal, which has no size until it is told one.
    let top = format!("{tool} top -i 1 --servers {address}");
    let run =
        format!("stty rows 24 cols 80; sh -c 'echo process $$; exec {top}'; echo code $?; stty -a");
    let mut child = Command::new("script")
        .args(["-qec", &run, "/dev/null"])
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let shown = Arc::new(Mutex::new(Vec::new()));
    let (mut output, copy) = (child.stdout.take().unwrap(), Arc::clone(&shown));
    let reader = thread::spawn(move || {
        let mut some = [0; 4096];
        while let Ok(length @ 1..) = output.read(&mut some) {
            copy.lock().unwrap().extend_from_slice(&some[..length]);
        }
    });
    let shown = || String::from_utf8_lossy(&shown.lock().unwrap()).into_owned();
    eventually("the server is drawn", || shown().contains(&address));
    let mut keys = child.stdin.take().unwrap();
    end(&shown(), &mut keys);
    eventually("it ends", || shown().contains(code));
    drop(keys);
    child.wait().unwrap();
    reader.join().unwrap();
    let shown = shown();
    let [on, off] = SCREEN.map(|code| shown.find(code));
    assert!(on.is_some() && on < off, "{shown:?}");
    let (_, settings) = shown.split_once(code).unwrap();
    assert!(
        settings.contains(" icanon") && settings.contains(" echo "),
        "{settings}"
    );
}
