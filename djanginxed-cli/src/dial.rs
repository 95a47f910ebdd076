//! A connection, over TCP or a unix socket.

use std::fmt::Debug;
use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// TCP, or a unix socket.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Debug + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Debug + Send + Unpin> Stream for T {}

/// The path of a unix socket, where `address` is that of one.
pub(crate) fn socket_of(address: &str) -> Option<&str> {
    address.strip_prefix("unix:")
}

/// Connects to `HOST:PORT`, or to `unix:/path`.
pub(crate) async fn dial(address: &str) -> io::Result<Box<dyn Stream>> {
    if let Some(path) = socket_of(address) {
        return dial_socket(path).await;
    }
    let stream = TcpStream::connect(address).await?;
    // Requests are small and wait for nothing.
    let _ = stream.set_nodelay(true);
    Ok(Box::new(stream))
}

#[cfg(unix)]
async fn dial_socket(path: &str) -> io::Result<Box<dyn Stream>> {
    Ok(Box::new(tokio::net::UnixStream::connect(path).await?))
}

#[cfg(not(unix))]
async fn dial_socket(_: &str) -> io::Result<Box<dyn Stream>> {
    Err(io::ErrorKind::Unsupported.into())
}
