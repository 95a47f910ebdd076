//! What a connection runs over: TCP, or a unix socket.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

use crate::server::socket;

#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Stream {
    /// Dials `host:port`, resolving a name, or `unix:/path`.
    pub(super) async fn dial(address: &str) -> io::Result<Stream> {
        match address.strip_prefix(socket::SCHEME) {
            Some(path) => Stream::dial_socket(path).await,
            None => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                // What was given up is given up by the system, too: else it would send the
                // bytes again for minutes, and a network that was cut would bring the server
                // a page long after it was purged.
                stream.set_zero_linger()?;
                Ok(Stream::Tcp(stream))
            }
        }
    }

    #[cfg(unix)]
    async fn dial_socket(path: &str) -> io::Result<Stream> {
        let connected = UnixStream::connect(path).await;
        connected.map(Stream::Unix).map_err(socket::explain)
    }

    #[cfg(not(unix))]
    async fn dial_socket(_: &str) -> io::Result<Stream> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.try_read(buffer),
            #[cfg(unix)]
            Stream::Unix(stream) => stream.try_read(buffer),
        }
    }
}

/// Does the same with either kind of stream.
macro_rules! with {
    ($stream:expr, $inner:ident => $do:expr) => {
        match $stream.get_mut() {
            Stream::Tcp($inner) => $do,
            #[cfg(unix)]
            Stream::Unix($inner) => $do,
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        with!(self, inner => Pin::new(inner).poll_read(context, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        with!(self, inner => Pin::new(inner).poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        with!(self, inner => Pin::new(inner).poll_write_vectored(context, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Stream::Tcp(stream) => stream.is_write_vectored(),
            #[cfg(unix)]
            Stream::Unix(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        with!(self, inner => Pin::new(inner).poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        with!(self, inner => Pin::new(inner).poll_shutdown(context))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;

    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn what_is_given_up_is_reset_and_not_sent_to_its_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut stream = Stream::dial(&address).await.unwrap();
        let (mut server, _) = listener.accept().unwrap();
        stream.write_all(b"ms page 4\r\n").await.unwrap();
        drop(stream);
        let ended = server.read_to_end(&mut Vec::new());
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }
}
