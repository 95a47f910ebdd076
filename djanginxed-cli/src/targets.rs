//! Request targets on the command line: a path with its query, or a whole URL.

use std::io::{BufRead, IsTerminal};

use crate::failure::Failure;
use crate::http::{Url, encoded, path_of};
use crate::output::tell;

/// The targets that a command is for.
#[derive(Debug, clap::Args)]
pub(crate) struct TargetArgs {
    /// Paths with their queries as sent, or URLs; none or "-": from standard input
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
}

impl TargetArgs {
    /// Those that are given, or the lines of standard input where there are none or one is
    /// `-`. What is taken otherwise than it was written is told.
    pub(crate) fn read(&self) -> Result<Vec<String>, Failure> {
        let mut words = Vec::new();
        if self.targets.is_empty() {
            words.extend(from_stdin()?);
        }
        for word in &self.targets {
            match word.as_str() {
                "-" => words.extend(from_stdin()?),
                word => words.push(word.to_owned()),
            }
        }
        let targets: Vec<String> = words
            .iter()
            .map(|word| target(word))
            .collect::<Result<_, _>>()?;
        if let Some(told) = told(&words, &targets) {
            tell(told);
        }
        Ok(targets)
    }
}

/// One sentence on those of `words` that no client sends as they are.
fn told(words: &[String], targets: &[String]) -> Option<String> {
    // A URL without a path is one of "/".
    let is_other = |(word, target): &(&String, &String)| {
        !word.ends_with(target.as_str()) && target.as_str() != "/"
    };
    let mut others = words.iter().zip(targets).filter(is_other);
    let (word, target) = others.next()?;
    let more = match others.count() {
        0 => String::new(),
        count => format!(" (and {count} more like it)"),
    };
    Some(format!(
        "{word:?} is taken for {target:?}, as clients send it{more}"
    ))
}

/// The request target of `word`, as a client sends it: byte for byte, but that
/// no client sends a space or an é as it is.
fn target(word: &str) -> Result<String, Failure> {
    let wrong = |problem: String| Failure::Usage(format!("target {word:?}: {problem}"));
    let target = if word.starts_with('/') {
        without_fragment(word)
            .and_then(|word| Ok(encoded(word)?))
            .map_err(wrong)?
    } else if word.contains("://") {
        Url::parse(word)?.target
    } else {
        return Err(wrong(format!(
            "write the path and query as the client sends them, beginning with \"/\" (\"/{word}\"), or a whole URL"
        )));
    };
    match is_refused(&target) {
        true => Err(wrong(
            "nginx refuses %00, and a \"%\" without two hexadecimal digits, in a path: write %25 for the character \"%\"".to_owned(),
        )),
        false => Ok(target),
    }
}

/// `word`, which is a path; whoever means a fragment is asked which page he means.
fn without_fragment(word: &str) -> Result<&str, String> {
    let Some((before, after)) = word.split_once('#') else {
        return Ok(word);
    };
    Err(format!(
        "clients keep what begins with \"#\" to themselves: write {before:?}, or \
         \"{before}%23{after}\" where it belongs to the address"
    ))
}

/// Whether nginx cannot decode the path, and so answers 400.
fn is_refused(target: &str) -> bool {
    let path = path_of(target);
    let mut encodings = path.split('%').skip(1);
    encodings.any(|after| {
        let digits = after.get(..2).unwrap_or_default();
        digits == "00" || digits.len() < 2 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

fn from_stdin() -> Result<Vec<String>, Failure> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        tell("waiting for targets, one a line; Ctrl-D ends the list");
    }
    lines(stdin.lock())
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
