//! Peers that are no servers of ours.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A server that does with each connection what `serve` does; it lives as long
/// as the test.
pub(crate) fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
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
pub(crate) fn silent() -> u16 {
    listen(|mut stream| {
        let mut bytes = [0; 1024];
        while stream.read(&mut bytes).is_ok_and(|read| read > 0) {}
    })
}

/// A Memcached that is unlike the one on `port`: what `edit` makes of each line
/// that comes and goes; a line that goes nowhere is answered with ERROR.
pub(crate) fn unlike(port: u16, edit: fn(&str) -> Option<String>) -> u16 {
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
pub(crate) fn without_meta(line: &str) -> Option<String> {
    let meta = ["mg ", "ms ", "md ", "ma ", "mn\r", "me "];
    let is_meta = meta.iter().any(|word| line.starts_with(word));
    (!is_meta).then(|| line.to_owned())
}

/// Four months ahead of its users.
pub(crate) fn ahead(line: &str) -> Option<String> {
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

/// Some of its entries come later than an application waits for them.
pub(crate) fn late_at_times(line: &str) -> Option<String> {
    static ENTRIES: AtomicU32 = AtomicU32::new(0);
    if line.starts_with("VA ") && ENTRIES.fetch_add(1, Ordering::Relaxed) % 9 == 8 {
        std::thread::sleep(Duration::from_millis(300));
    }
    Some(line.to_owned())
}

/// Something that greets, as a mail server does.
pub(crate) fn not_memcached() -> u16 {
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
