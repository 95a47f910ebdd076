//! One file a command.

pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod delete;
pub(crate) mod key;
pub(crate) mod man;
pub(crate) mod nginx;
pub(crate) mod show;
pub(crate) mod top;
pub(crate) mod warm;

/// A header on the command line.
fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("write it as \"NAME: VALUE\", for example \"X-Frame-Options: DENY\"")?;
    Ok((name.trim().into(), value.trim().into()))
}
