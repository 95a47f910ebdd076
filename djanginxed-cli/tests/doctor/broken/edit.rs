//! Rows, and edits of the generated file.

use crate::stand::{SOUND, Setup};

/// A set-up of one server, broken by the rest of the row.
pub(crate) const fn row(name: &'static str, cause: &'static str) -> Setup {
    Setup {
        name,
        cause: Some(cause),
        ..SOUND
    }
}

/// `file` with `from` replaced; the generated file must have it.
pub(crate) fn swap(file: String, from: &str, to: &str) -> String {
    assert!(file.contains(from), "{from} is not in the file");
    file.replace(from, to)
}

/// `file` with what stands from `from` up to the next `until` replaced.
pub(crate) fn swap_up_to(file: String, from: &str, until: &str, to: &str) -> String {
    let begin = file
        .find(from)
        .unwrap_or_else(|| panic!("{from} is not in the file"));
    let end = begin + file[begin..].find(until).unwrap() + until.len();
    format!("{}{to}{}", &file[..begin], &file[end..])
}

pub(crate) fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

/// Lines at the beginning of the site's server.
pub(crate) fn before_location(file: String, lines: &str) -> String {
    let named = file.rfind("server_name 127.0.0.1;").unwrap();
    format!("{}{lines} {}", &file[..named], &file[named..])
}
