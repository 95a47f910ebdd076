//! Why a store did not do what it was asked.

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
        problem: String,
    },
    /// The server answered that it could not do it: memory is full, or the
    /// entry is larger than its `-I`.
    #[error("Memcached server {server} refused: {problem}")]
    #[non_exhaustive]
    Refused {
        /// The server as written in the settings.
        server: String,
        /// What the server says.
        problem: String,
    },
    /// The answer was not one of Memcached's.
    #[error("Memcached server {server} answered nonsense: {problem}")]
    #[non_exhaustive]
    Nonsense {
        /// The server as written in the settings.
        server: String,
        /// What was wrong with the answer.
        problem: String,
    },
    /// The server has been failing and is not asked until a probe says that it
    /// is back.
    #[error("Memcached server {server} has been failing and is skipped until it is back")]
    #[non_exhaustive]
    Skipped {
        /// The server as written in the settings.
        server: String,
    },
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
            StoreError::NoWriter => "no-writer",
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

    pub(crate) fn of_client(server: &str, error: &ClientError) -> StoreError {
        let (server, problem) = (server.to_owned(), error.to_string());
        match error {
            ClientError::Ambiguous { source, .. } => StoreError::of_client(&server, source),
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
