//! Request targets on the command line: a path with its query, or a whole URL.

use std::io::{BufRead, IsTerminal};

use crate::failure::Failure;
use crate::http::{Url, encoded};

/// `given`, or the lines of standard input where there are none or one is `-`.
pub(crate) fn targets(given: &[String]) -> Result<Vec<String>, Failure> {
    let mut targets = Vec::new();
    if given.is_empty() {
        targets.extend(from_stdin()?);
    }
    for word in given {
        match word.as_str() {
            "-" => targets.extend(from_stdin()?),
            word => targets.push(target(word)?),
        }
    }
    Ok(targets)
}

/// The request target of `word`, as a client sends it: byte for byte, but that
/// no client sends a space or an é as it is.
fn target(word: &str) -> Result<String, Failure> {
    if word.starts_with('/') {
        return encoded(word)
            .map_err(|problem| Failure::Usage(format!("target {word:?}: {problem}")));
    }
    if word.contains("://") {
        return Ok(Url::parse(word)?.target);
    }
    Err(Failure::Usage(format!(
        "target {word:?}: write the path and query as the client sends them, beginning with \"/\", or a whole URL"
    )))
}

fn from_stdin() -> Result<Vec<String>, Failure> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        eprintln!("djanginxed: waiting for targets, one a line; Ctrl-D ends the list");
    }
    lines(stdin.lock())?
        .iter()
        .map(|line| target(line))
        .collect()
}

/// The lines that say something; `#` begins a comment.
pub(crate) fn lines(reader: impl BufRead) -> Result<Vec<String>, Failure> {
    let mut lines = Vec::new();
    for line in reader.lines() {
        let line =
            line.map_err(|error| Failure::Failed(format!("cannot read the list: {error}")))?;
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            lines.push(line.to_owned());
        }
    }
    Ok(lines)
}
