//! A server that speaks, but not as Memcached does.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// What it does after a command line.
pub(crate) enum Reply {
    /// Sends this.
    Bytes(Vec<u8>),
    /// Sends this, then closes.
    Last(Vec<u8>),
    /// Sends this again and again.
    Endless(Vec<u8>),
}

type Script = dyn Fn(&str) -> Reply + Send + Sync;

/// Listens on a free port until it is dropped.
pub(crate) struct Impostor {
    listener: TcpListener,
}

impl Impostor {
    /// Answers each command line (without its data) with what `script` says.
    pub(crate) fn start(script: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Impostor {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let accepting = listener.try_clone().unwrap();
        let script: Arc<Script> = Arc::new(script);
        thread::spawn(move || {
            while let Ok((stream, _)) = accepting.accept() {
                let script = Arc::clone(&script);
                thread::spawn(move || {
                    // The client leaves when it has heard enough.
                    let _ = talk(&stream, &*script);
                    let _ = stream.shutdown(Shutdown::Both);
                });
            }
        });
        Impostor { listener }
    }

    pub(crate) fn address(&self) -> String {
        self.listener.local_addr().unwrap().to_string()
    }
}

impl Drop for Impostor {
    fn drop(&mut self) {
        let _ = socket2::SockRef::from(&self.listener).shutdown(Shutdown::Both);
    }
}

fn talk(mut stream: &TcpStream, script: &Script) -> io::Result<()> {
    let mut commands = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if commands.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let line = line.trim_end();
        if let Some(length) = data_length(line) {
            commands.read_exact(&mut vec![0; length + 2])?;
        }
        match script(line) {
            Reply::Bytes(bytes) => stream.write_all(&bytes)?,
            Reply::Last(bytes) => return stream.write_all(&bytes),
            Reply::Endless(bytes) => loop {
                stream.write_all(&bytes)?;
            },
        }
    }
}

/// How much data follows `ms KEY LENGTH …`.
fn data_length(line: &str) -> Option<usize> {
    let rest = line.strip_prefix("ms ")?;
    rest.split(' ').nth(1)?.parse().ok()
}
