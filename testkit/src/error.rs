//! Why a process could not be started.

use std::{fmt, io};

/// Why a process could not be started. `Debug` is the same sentence as
/// `Display`, so that `unwrap()` in a test shows it as written.
#[non_exhaustive]
pub enum Error {
    /// The program is not installed.
    MissingProgram(&'static str),
    /// nginx is there, a module of it is not.
    MissingModule {
        /// The module as Debian's packages name it.
        module: &'static str,
        /// Where it was looked for.
        path: String,
    },
    /// The program was started, and ended or did not answer.
    Failed {
        /// The program.
        program: &'static str,
        /// What it said.
        message: String,
    },
    /// The operating system refused something on the way.
    Io {
        /// What was tried.
        what: String,
        /// What the operating system said.
        error: io::Error,
    },
}

impl Error {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
        let what = what.into();
        move |error| Error::Io { what, error }
    }

    pub(crate) fn failed(program: &'static str, message: impl Into<String>) -> Error {
        let message = message.into();
        Error::Failed { program, message }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::MissingProgram(program) => write!(
                f,
                "{program} is not installed: run `cargo xtask test`, which installs what the tests need"
            ),
            Error::MissingModule { module, path } => write!(
                f,
                "nginx has no {module} module (looked for {path}): run `cargo xtask test`, which installs what the tests need"
            ),
            Error::Failed { program, message } => {
                write!(f, "{program} did not start: {}", message.trim())
            }
            Error::Io { what, error } => write!(f, "{what}: {error}"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}
