//! A connection that can be kept, left early, or read slowly.

use std::collections::VecDeque;
use std::io::{self, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use super::response::read_response;
use super::{Request, Response};
use crate::wait::PATIENCE;

/// A client's connection to 127.0.0.1. Reading and writing give up after 10
/// seconds without progress.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
    /// Whether each request in flight was a HEAD, whose answer has no body.
    heads: VecDeque<bool>,
}

impl Connection {
    /// Connects to 127.0.0.1:`port`.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn open(port: u16) -> io::Result<Connection> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        Connection::over(socket, port)
    }

    /// Connects with a receive buffer of a few kilobytes, so that a peer soon
    /// feels that this client does not read.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn open_narrow(port: u16) -> io::Result<Connection> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        // The window is agreed on while connecting, so this comes first.
        socket.set_recv_buffer_size(4096)?;
        Connection::over(socket, port)
    }

    fn over(socket: Socket, port: u16) -> io::Result<Connection> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        socket.connect_timeout(&address.into(), PATIENCE)?;
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream: BufReader::new(stream),
            heads: VecDeque::new(),
        })
    }

    /// Gives up reading after `patience` without a byte.
    ///
    /// # Errors
    /// When `patience` is zero.
    pub fn set_patience(&mut self, patience: Duration) -> io::Result<()> {
        self.stream.get_ref().set_read_timeout(Some(patience))
    }

    /// Sends `request`; several may be sent before the first answer is read.
    ///
    /// # Errors
    /// When the connection is broken.
    pub fn send(&mut self, request: &Request) -> io::Result<()> {
        self.heads.push_back(request.method == "HEAD");
        self.stream.get_mut().write_all(&request.bytes())
    }

    /// Sends bytes that are no [`Request`]: half of one, or nonsense.
    ///
    /// # Errors
    /// When the connection is broken.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Reads the answer to the oldest request that has none yet; interim
    /// answers (1xx) are passed over.
    ///
    /// # Errors
    /// When it does not come, is cut short, or is no HTTP.
    pub fn receive(&mut self) -> io::Result<Response> {
        let head = self.heads.pop_front().unwrap_or(false);
        read_response(&mut self.stream, head)
    }

    /// Reads at most `most` raw bytes, as they stand on the wire; none at the end.
    ///
    /// # Errors
    /// When none come.
    pub fn read_some(&mut self, most: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; most];
        let read = self.stream.read(&mut bytes)?;
        bytes.truncate(read);
        Ok(bytes)
    }

    /// Reads to the end, at most `most` bytes at a time, with a `pause` after each.
    ///
    /// # Errors
    /// When the peer stalls or resets.
    pub fn read_slowly(&mut self, most: usize, pause: Duration) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            let part = self.read_some(most)?;
            if part.is_empty() {
                return Ok(all);
            }
            all.extend_from_slice(&part);
            sleep(pause);
        }
    }

    /// Says that nothing more will be sent (FIN), and still reads.
    ///
    /// # Errors
    /// When the connection is broken.
    pub fn finish_sending(&mut self) -> io::Result<()> {
        self.stream.get_ref().shutdown(Shutdown::Write)
    }

    /// Leaves as a browser does whose user closes the tab (FIN).
    pub fn leave(self) {
        // An error means that the peer was faster.
        let _ = self.stream.get_ref().shutdown(Shutdown::Both);
    }

    /// Leaves with a reset (RST): what is in flight is thrown away.
    ///
    /// # Errors
    /// When the system does not let the socket be set up for it.
    pub fn reset(self) -> io::Result<()> {
        SockRef::from(self.stream.get_ref()).set_linger(Some(Duration::ZERO))
    }
}
