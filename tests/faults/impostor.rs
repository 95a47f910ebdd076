//! A server that does not speak as Memcached does, and a network that holds
//! back what it is given.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

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

/// How much data follows `ms KEY LENGTH …`, or `append KEY FLAGS EXPIRY LENGTH`.
fn data_length(line: &str) -> Option<usize> {
    let mut words = line.split(' ');
    let length = match words.next()? {
        "ms" => words.nth(1),
        "append" | "cas" => words.nth(3),
        _ => None,
    };
    length?.parse().ok()
}

/// A network that holds back what the first connection sends, until it is told
/// to deliver it: perhaps after the sender has given up and gone.
pub(crate) struct Holder {
    listener: TcpListener,
    deliver: Arc<AtomicBool>,
}

impl Holder {
    pub(crate) fn start(server: u16) -> Holder {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let accepting = listener.try_clone().unwrap();
        let deliver = Arc::new(AtomicBool::new(false));
        let held = Arc::clone(&deliver);
        thread::spawn(move || {
            let mut first = Some(held);
            while let Ok((client, _)) = accepting.accept() {
                let held = first.take();
                // Either side may leave when it likes.
                thread::spawn(move || carry(client, server, held.as_deref()));
            }
        });
        Holder { listener, deliver }
    }

    pub(crate) fn address(&self) -> String {
        self.listener.local_addr().unwrap().to_string()
    }

    pub(crate) fn deliver(&self) {
        self.deliver.store(true, Ordering::SeqCst);
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.deliver();
        let _ = socket2::SockRef::from(&self.listener).shutdown(Shutdown::Both);
    }
}

fn carry(client: TcpStream, server: u16, held: Option<&AtomicBool>) -> io::Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", server))?;
    let (mut answers, mut to_client) = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || io::copy(&mut answers, &mut to_client));
    let mut questions = client;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = questions.read(&mut buffer)?;
        while held.is_some_and(|deliver| !deliver.load(Ordering::SeqCst)) {
            thread::sleep(Duration::from_millis(2));
        }
        if read == 0 {
            return server.shutdown(Shutdown::Write);
        }
        server.write_all(&buffer[..read])?;
    }
}
