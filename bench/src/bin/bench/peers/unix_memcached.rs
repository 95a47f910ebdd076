//! Memcached on a unix socket, filled by us.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;

use djanginxed::PageKey;
use tempfile::TempDir;
use testkit::Process;

use super::{public_folder, wait_for};
use crate::contest::Outcome;

/// A memcached that listens on a unix socket.
pub(super) struct UnixMemcached {
    pub(super) socket: PathBuf,
    _process: Process,
    _folder: TempDir,
}

impl UnixMemcached {
    pub(super) fn start() -> Outcome<UnixMemcached> {
        let folder = public_folder("memcached-")?;
        let socket = folder.path().join("socket");
        let mut command = Command::new("memcached");
        command
            .args(["-u", "root", "-t", "2", "-a", "0777", "-s"])
            .arg(&socket);
        let process = Process::spawn("memcached", &mut command, Some(folder.path()));
        let process = process.map_err(|error| error.to_string())?;
        wait_for("memcached", || UnixStream::connect(&socket).is_ok())?;
        Ok(UnixMemcached {
            socket,
            _process: process,
            _folder: folder,
        })
    }

    /// Stores gzip `entries` under their targets.
    pub(super) fn put(&self, prefix: &str, entries: &[(String, Vec<u8>)]) -> Outcome {
        let failed = |error: std::io::Error| format!("memcached on a unix socket: {error}");
        let stream = UnixStream::connect(&self.socket).map_err(failed)?;
        let mut stream = BufReader::new(stream);
        for (target, bytes) in entries {
            let key = PageKey::new(prefix, target);
            let head = format!("set {key} 2 0 {}\r\n", bytes.len());
            let item = [head.as_bytes(), bytes, b"\r\n"].concat();
            stream.get_mut().write_all(&item).map_err(failed)?;
            let mut answer = String::new();
            stream.read_line(&mut answer).map_err(failed)?;
            if answer != "STORED\r\n" {
                return Err(format!("memcached did not store {target}: {answer}"));
            }
        }
        Ok(())
    }
}
