//! Why a store did not do what it was asked.

use std::error::Error;
use std::fmt::{self, Write};
use std::sync::Arc;

use memcache::exp::Error as ClientError;

/// A store could not be asked, or did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Nothing came back in time.
    #[error("Memcached server {server} did not answer in time")]
    #[non_exhaustive]
    TimedOut {
        /// The server as written in the settings.
        server: String,
    },
    /// The connection could not be made, or broke.
    #[error("Memcached server {server} cannot be reached: {problem}")]
    #[non_exhaustive]
    Unreachable {
        /// The server as written in the settings.
        server: String,
        /// What the system says.
        #[source]
        problem: Cause,
    },
    /// The server answered that it could not do it: memory is full, or the
    /// entry is larger than its `-I`.
    #[error("Memcached server {server} refused: {problem}")]
    #[non_exhaustive]
    Refused {
        /// The server as written in the settings.
        server: String,
        /// What the server says.
        #[source]
        problem: Cause,
    },
    /// The answer was not one of Memcached's.
    #[error("Memcached server {server} answered nonsense: {problem}")]
    #[non_exhaustive]
    Nonsense {
        /// The server as written in the settings.
        server: String,
        /// What was wrong with the answer.
        #[source]
        problem: Cause,
    },
    /// The server has been failing and is not asked until a probe says that it
    /// is back.
    #[error("Memcached server {server} has been failing and is skipped until it is back")]
    #[non_exhaustive]
    Skipped {
        /// The server as written in the settings.
        server: String,
    },
    /// The server has lost part of the index of what was to be purged: pages that stood
    /// there may be left, until their timeout. Where it evicts (`stats`), give it more
    /// memory; purge everything or start it anew where they must go.
    #[error(
        "Memcached server {server} has lost {pieces} pieces of the index of what was to be \
         purged: pages that stood there may be left until their timeout; where it evicts, give \
         it more memory"
    )]
    #[non_exhaustive]
    IndexLost {
        /// The server as written in the settings.
        server: String,
        /// How many pieces.
        pieces: usize,
    },
    /// What was to be purged is no tag: 1 to 1,024 visible ASCII characters.
    #[error("{tag:?} is not a tag: use {rule}", rule = djanginxed_rules::TAG)]
    #[non_exhaustive]
    NotATag {
        /// What was given.
        tag: String,
    },
    /// There is no tokio runtime where the store was asked.
    #[error("there is no tokio runtime here: ask from a handler or from #[actix_web::main]")]
    NoRuntime,
    /// The background writer could not be started or has stopped.
    #[error("the background writer is not running")]
    NoWriter,
}

impl StoreError {
    /// The word of logs and counters.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            StoreError::TimedOut { .. } => "timed-out",
            StoreError::Unreachable { .. } => "unreachable",
            StoreError::Refused { .. } => "refused",
            StoreError::Nonsense { .. } => "nonsense",
            StoreError::Skipped { .. } => "skipped",
            StoreError::IndexLost { .. } => "index-lost",
            StoreError::NotATag { .. } => "not-a-tag",
            StoreError::NoRuntime => "no-runtime",
            StoreError::NoWriter => "no-writer",
        }
    }

    /// Whether the server may do later what it has failed to do.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            StoreError::TimedOut { .. }
            | StoreError::Unreachable { .. }
            | StoreError::Refused { .. }
            | StoreError::Nonsense { .. }
            | StoreError::Skipped { .. } => true,
            StoreError::IndexLost { .. }
            | StoreError::NotATag { .. }
            | StoreError::NoRuntime
            | StoreError::NoWriter => false,
        }
    }

    /// Whether the server did answer, so that its breaker need not mind.
    pub(crate) fn is_an_answer(&self) -> bool {
        matches!(self, StoreError::Refused { .. })
    }

    pub(crate) fn timed_out(server: &str) -> StoreError {
        StoreError::TimedOut {
            server: server.to_owned(),
        }
    }

    pub(crate) fn of_client(server: &str, error: ClientError) -> StoreError {
        let error = match error {
            ClientError::Ambiguous { source, .. } => return StoreError::of_client(server, *source),
            error => Arc::new(error),
        };
        let (server, problem) = (server.to_owned(), Cause(Arc::clone(&error)));
        match &*error {
            ClientError::Timeout { .. } => StoreError::TimedOut { server },
            ClientError::Io(io) if io.kind() == std::io::ErrorKind::TimedOut => {
                StoreError::TimedOut { server }
            }
            ClientError::Io(_) => StoreError::Unreachable { server, problem },
            ClientError::Server(_) => StoreError::Refused { server, problem },
            _ => StoreError::Nonsense { server, problem },
        }
    }
}

/// What the system or Memcached's client says of a failure.
#[derive(Clone)]
pub struct Cause(Arc<ClientError>);

/// In visible ASCII: what a server says is to begin no line of a log, and to steer no
/// terminal.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for sign in self.0.to_string().chars() {
            match sign {
                ' '..='~' => f.write_char(sign)?,
                _ => write!(f, "{}", sign.escape_default())?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

/// By what they say: errors of the system cannot be compared.
impl PartialEq for Cause {
    fn eq(&self, other: &Cause) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for Cause {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_steers_no_terminal() {
        let error = ClientError::Server("no\x1b[2J\r\nERROR\u{202e}".to_owned());
        let shown = StoreError::of_client("a:1", error).to_string();
        assert!(
            shown.contains("no\\u{1b}[2J\\r\\nERROR\\u{202e}"),
            "{shown}"
        );
        assert!(
            shown.bytes().all(|byte| matches!(byte, b' '..=b'~')),
            "{shown}"
        );
    }
}
