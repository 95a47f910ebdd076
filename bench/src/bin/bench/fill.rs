//! Many pages straight into Memcached.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use djanginxed::PageKey;
use testkit::Memcached;

use crate::contest::Outcome;

/// Stores `page` under `count` targets: `TARGETS0`, `TARGETS1`, …
pub(crate) fn fill(
    memcached: &Memcached,
    key_prefix: &str,
    targets: &str,
    count: u64,
    page: &str,
) -> Outcome {
    let failed = |error: std::io::Error| format!("filling memcached: {error}");
    let stream = TcpStream::connect(("127.0.0.1", memcached.port())).map_err(failed)?;
    let mut stream = std::io::BufWriter::with_capacity(1 << 20, stream);
    for number in 0..count {
        let key = PageKey::new(key_prefix, &format!("{targets}{number}"));
        write!(stream, "set {key} 0 0 {} noreply\r\n{page}\r\n", page.len()).map_err(failed)?;
    }
    // The answer comes when everything before it has been read.
    write!(stream, "version\r\n").map_err(failed)?;
    let stream = stream
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    let mut answer = String::new();
    BufReader::new(stream)
        .read_line(&mut answer)
        .map_err(failed)?;
    let stored = memcached.stat("curr_items");
    match stored >= count {
        true => Ok(()),
        false => Err(format!("memcached holds {stored} of {count} pages")),
    }
}
