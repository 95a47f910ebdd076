//! Standard output, which may be a pipe that nobody reads any more.

use std::fmt::Display;
use std::io::Write;

use crate::failure::Failure;

/// Prints `text` and the end of the line.
pub(crate) fn line(text: impl Display) -> Result<(), Failure> {
    print(format_args!("{text}\n"))
}

/// Prints `text` as it is.
pub(crate) fn print(text: impl Display) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    (write!(out, "{text}").and_then(|()| out.flush()))
        .map_err(|error| Failure::Failed(format!("cannot write the output: {error}")))
}
