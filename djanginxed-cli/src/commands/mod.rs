//! One file a command.

pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod delete;
pub(crate) mod key;
pub(crate) mod man;
pub(crate) mod nginx;
pub(crate) mod purge;
pub(crate) mod show;
pub(crate) mod top;
pub(crate) mod warm;

use crate::cache_args::PrefixArgs;

/// Says what else goes with a delete or a purge.
fn tell_what_is_not_kept(what: &str) {
    eprintln!(
        "djanginxed: pages whose render began before this {what}, or begins within about 2 seconds after it, are not kept"
    );
}

/// Says that there was none of `what` to delete, which may be due to the prefix; and
/// `what_else` it may be due to.
fn tell_nothing_was_stored(what: &str, prefix: &PrefixArgs, what_else: &str) {
    let prefix = match prefix.prefix.as_str() {
        "" => "without a key prefix (--prefix)".to_owned(),
        prefix => format!("under the key prefix {prefix:?}"),
    };
    eprintln!(
        "djanginxed: {what} was stored {prefix}, which is to be the application's{what_else}"
    );
}

/// A header on the command line.
fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("write it as \"NAME: VALUE\", for example \"X-Frame-Options: DENY\"")?;
    Ok((name.trim().into(), value.trim().into()))
}

/// Where to connect, on the command line.
fn address(text: &str) -> Result<String, &'static str> {
    let parts = text.rsplit_once(':');
    let is_right = parts.is_some_and(|(host, port)| {
        let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
        let has_colon = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
        is_port && !host.is_empty() && !host.contains(['/', '@', ' ']) && !has_colon
    });
    match is_right {
        true => Ok(text.to_owned()),
        false => Err("write it as HOST:PORT, for example 127.0.0.1:8080 or [::1]:8080"),
    }
}
