//! Why there is no answer.

use std::io;
use std::time::Duration;

use crate::dial::socket_of;

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    /// The name leads to no address.
    #[error("cannot connect to {address}: {message}")]
    UnknownHost { address: String, message: String },
    /// Nobody listens there.
    #[error("cannot connect to {0}: connection refused")]
    Refused(String),
    /// The network does not lead there.
    #[error("cannot connect to {address}: {message}")]
    Unreachable { address: String, message: String },
    #[error("TLS failed: {0}")]
    Tls(TlsProblem),
    /// The connection ended before an answer began: nginx's 444.
    #[error("the connection was closed without an answer")]
    Closed,
    #[error("no HTTP answer: {0}")]
    NotHttp(String),
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    #[error("the answer broke off: {0}")]
    BrokenOff(String),
    #[error("{0}")]
    Unsendable(String),
}

/// Why TLS failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TlsProblem {
    #[error("nobody whom this machine trusts has signed the certificate")]
    Untrusted,
    #[error("the certificate is for another name: {0}")]
    WrongName(String),
    #[error("the certificate's time is over, or has not begun: {0}")]
    OutOfTime(String),
    /// Where it connects, no TLS is spoken.
    #[error("no TLS is spoken there")]
    Plain,
    /// The server knows no such name (`ssl_reject_handshake`).
    #[error("the server refuses this name")]
    NameRefused,
    #[error("{0}")]
    Other(String),
}

impl Problem {
    pub(super) fn of_connect(address: &str, error: &io::Error) -> Problem {
        let (address, message) = (address.to_owned(), error.to_string());
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Problem::Refused(address),
            _ if socket_of(&address).is_some() => Problem::Unreachable { address, message },
            // The resolver's errors have no kind of their own.
            _ if error.raw_os_error().is_none() => Problem::UnknownHost { address, message },
            _ => Problem::Unreachable { address, message },
        }
    }

    pub(super) fn of_http(error: &hyper::Error) -> Problem {
        if error.is_incomplete_message() || was_reset(error) {
            return Problem::Closed;
        }
        Problem::NotHttp(with_cause(error))
    }
}

fn was_reset(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error);
    source
        .and_then(|source| source.downcast_ref::<io::Error>())
        .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionReset)
}

/// hyper's own message leaves out what the system said.
fn with_cause(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
