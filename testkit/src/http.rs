//! A raw HTTP/1.1 client: request targets go out byte for byte, and nothing is
//! decoded, followed or retried.

mod connection;
mod request;
mod response;

pub use connection::Connection;
pub use request::Request;
pub use response::Response;

/// A GET of `target` from 127.0.0.1:`port`, on a connection of its own.
///
/// # Panics
/// When no whole response comes in 10 seconds.
#[must_use]
#[track_caller]
pub fn get(port: u16, target: impl AsRef<[u8]>) -> Response {
    Request::get(target).send(port)
}

/// A HEAD of `target` from 127.0.0.1:`port`, on a connection of its own.
///
/// # Panics
/// When no whole response comes in 10 seconds.
#[must_use]
#[track_caller]
pub fn head(port: u16, target: impl AsRef<[u8]>) -> Response {
    Request::new("HEAD", target).send(port)
}
