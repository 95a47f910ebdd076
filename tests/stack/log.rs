//! What the library logs, from `info` on, in this whole test process.

use std::io;
use std::sync::{Mutex, Once};

use tracing_subscriber::fmt;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Begins to keep what is logged.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| fmt().with_ansi(false).with_writer(|| Log).init());
}

/// The kept lines that contain `text`.
pub(crate) fn lines_with(text: &str) -> Vec<String> {
    let log = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
    let lines = log.lines().filter(|line| line.contains(text));
    lines.map(ToOwned::to_owned).collect()
}
