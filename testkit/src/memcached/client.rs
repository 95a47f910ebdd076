//! A plain Memcached client, so that a test sees what nginx would see.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixStream;
use std::thread::sleep;
use std::time::Duration;

use super::place::Place;

/// What Memcached holds under a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Item {
    /// The client flags: 2 where nginx is to take the bytes for gzip.
    pub flags: u32,
    /// The value.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Item")
            .field("flags", &self.flags)
            .field("bytes", &String::from_utf8_lossy(&self.bytes))
            .finish()
    }
}

/// One connection in the classic text protocol.
pub(super) struct Client {
    stream: BufReader<Box<dyn Stream>>,
}

trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

impl Client {
    pub(super) fn connect(place: &Place, patience: Duration) -> io::Result<Client> {
        let stream: Box<dyn Stream> = match place {
            Place::Port(port) => {
                let address = (Ipv4Addr::LOCALHOST, *port).into();
                let stream = TcpStream::connect_timeout(&address, patience)?;
                stream.set_read_timeout(Some(patience))?;
                stream.set_write_timeout(Some(patience))?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Place::Socket(socket) => {
                let stream = UnixStream::connect(socket.path())?;
                stream.set_read_timeout(Some(patience))?;
                stream.set_write_timeout(Some(patience))?;
                Box::new(stream)
            }
        };
        Ok(Client {
            stream: BufReader::new(stream),
        })
    }

    pub(super) fn get(&mut self, key: &[u8]) -> io::Result<Option<Item>> {
        self.send(&[b"get ", key, b"\r\n"])?;
        let head = self.line()?;
        if head == "END" {
            return Ok(None);
        }
        let words: Vec<&str> = head.split(' ').collect();
        let ["VALUE", _, flags, length] = words[..] else {
            return Err(unexpected(&head));
        };
        let flags = flags.parse().map_err(|_| unexpected(&head))?;
        let length: usize = length.parse().map_err(|_| unexpected(&head))?;
        let mut bytes = vec![0; length + "\r\nEND\r\n".len()];
        self.stream.read_exact(&mut bytes)?;
        bytes.truncate(length);
        Ok(Some(Item { flags, bytes }))
    }

    pub(super) fn set(
        &mut self,
        key: &[u8],
        flags: u32,
        expires: i64,
        bytes: &[u8],
    ) -> io::Result<()> {
        let options = format!(" {flags} {expires} {}\r\n", bytes.len());
        self.send(&[b"set ", key, options.as_bytes(), bytes, b"\r\n"])?;
        self.expect("STORED")
    }

    pub(super) fn delete(&mut self, key: &[u8]) -> io::Result<bool> {
        self.send(&[b"delete ", key, b"\r\n"])?;
        match self.line()?.as_str() {
            "DELETED" => Ok(true),
            "NOT_FOUND" => Ok(false),
            other => Err(unexpected(other)),
        }
    }

    pub(super) fn command(&mut self, line: &str) -> io::Result<String> {
        self.send(&[line.as_bytes(), b"\r\n"])?;
        self.line()
    }

    pub(super) fn stats(&mut self) -> io::Result<BTreeMap<String, String>> {
        self.send(&[b"stats\r\n"])?;
        let lines = self.lines_until_end()?;
        Ok(lines
            .iter()
            .filter_map(|line| line.strip_prefix("STAT ")?.split_once(' '))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect())
    }

    pub(super) fn keys(&mut self) -> io::Result<Vec<String>> {
        let lines = self.crawl()?;
        let mut keys: Vec<String> = lines
            .iter()
            .filter_map(|line| line.split(' ').next()?.strip_prefix("key="))
            .map(ToOwned::to_owned)
            .collect();
        keys.sort();
        // What Memcached moves between its lists meanwhile is listed in both.
        keys.dedup();
        Ok(keys)
    }

    /// One line an item; a crawl of Memcached's own is waited for.
    fn crawl(&mut self) -> io::Result<Vec<String>> {
        loop {
            self.send(&[b"lru_crawler metadump all\r\n"])?;
            match self.lines_until_end() {
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                    sleep(Duration::from_millis(10));
                }
                lines => return lines,
            }
        }
    }

    fn send(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        self.stream.get_mut().write_all(&parts.concat())
    }

    fn expect(&mut self, answer: &str) -> io::Result<()> {
        let line = self.line()?;
        if line == answer {
            Ok(())
        } else {
            Err(unexpected(&line))
        }
    }

    fn lines_until_end(&mut self) -> io::Result<Vec<String>> {
        let mut lines = Vec::new();
        loop {
            let line = self.line()?;
            if line == "END" {
                return Ok(lines);
            }
            if line.starts_with("BUSY") {
                return Err(io::ErrorKind::ResourceBusy.into());
            }
            if line.starts_with("ERROR") {
                return Err(unexpected(&line));
            }
            lines.push(line);
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

fn unexpected(line: &str) -> io::Error {
    io::Error::other(format!("unexpected answer {line:?}"))
}
