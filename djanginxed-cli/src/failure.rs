//! What ends a command early.

use std::process::ExitCode;

use djanginxed::{ConfigError, StoreError};

/// Why a command ended early: one sentence, and its exit code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command cannot work as it was written: exit code 2, as clap's own.
    #[error("{0}")]
    Usage(String),
    /// Something it needs did not work: exit code 1.
    #[error("{0}")]
    Failed(String),
    /// Nobody reads the output any more, which needs no words: exit code 141, as
    /// a shell reports SIGPIPE.
    #[error("nobody reads the output")]
    NobodyReads,
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Failure::Usage(_) => ExitCode::from(2),
            Failure::Failed(_) => ExitCode::FAILURE,
            Failure::NobodyReads => ExitCode::from(141),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        Failure::Usage(match option(&error) {
            Some(option) => format!("{option}: {error}"),
            None => error.to_string(),
        })
    }
}

/// The option that a setting is given by.
fn option(error: &ConfigError) -> Option<&'static str> {
    Some(match error {
        ConfigError::NoServers | ConfigError::Server { .. } => "--servers",
        ConfigError::KeyPrefix(_) => "--prefix",
        ConfigError::Cookie(_) => "--bypass-cookie",
        ConfigError::Vary { .. } => "--vary",
        ConfigError::Host(_) => "--cached-host",
        ConfigError::HitFeed { .. } => "--hit-feed",
        // Of all commands but nginx, which has fields to add, too.
        ConfigError::Header { .. } => "--bypass-header",
        _ => return None,
    })
}

impl From<djanginxed::nginx::Error> for Failure {
    fn from(error: djanginxed::nginx::Error) -> Failure {
        Failure::Usage(error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::Failed(error.to_string())
    }
}

/// The exit code of a command that came to its end.
pub(crate) fn exit_code(is_all_well: bool) -> ExitCode {
    match is_all_well {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// What a command returns.
pub(crate) type Outcome = Result<ExitCode, Failure>;
