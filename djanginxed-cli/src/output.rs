//! Standard output, which may be a pipe that nobody reads any more, and what is said beside it.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{ErrorKind, Write};

use crate::failure::Failure;

/// Prints `text` and the end of the line.
pub(crate) fn line(text: impl Display) -> Result<(), Failure> {
    print(format_args!("{text}\n"))
}

/// Prints `text` as it is.
pub(crate) fn print(text: impl Display) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    (write!(out, "{text}").and_then(|()| out.flush())).map_err(|error| match error.kind() {
        // As `| head -1` does, when it has what it wants.
        ErrorKind::BrokenPipe => Failure::NobodyReads,
        _ => Failure::Failed(format!("cannot write the output: {error}")),
    })
}

/// Says `text` beside the output, to whoever reads the errors.
pub(crate) fn tell(text: impl Display) {
    // What a server or a list says may stand in it.
    let text = text.to_string();
    let lines: Vec<_> = text.lines().map(escaped).collect();
    eprintln!("djanginxed: {}", lines.join("\n"));
}

/// Whether a character does something to a terminal, or turns the text round.
fn steers(c: char) -> bool {
    let turns =
        matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns
}

/// `text` with its control characters as Rust writes them: what a server or a
/// list says must not steer the terminal.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match steers(c) {
            true => safe.extend(c.escape_default()),
            false => safe.push(c),
        }
    }
    Cow::Owned(safe)
}
