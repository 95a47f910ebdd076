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
use crate::output::tell;

/// Says what else goes with a delete or a purge.
fn tell_what_is_not_kept(what: &str) {
    tell(format_args!(
        "pages whose render began before this {what}, or begins within about 2 seconds after it, are not kept"
    ));
}

/// Says that there was none of `what` to delete, which may be due to the prefix; and
/// `what_else` it may be due to.
fn tell_nothing_was_stored(what: &str, prefix: &PrefixArgs, what_else: &str) {
    let prefix = match prefix.prefix.as_str() {
        "" => "without a key prefix (--prefix)".to_owned(),
        prefix => format!("under the key prefix {prefix:?}"),
    };
    tell(format_args!(
        "{what} was stored {prefix}, which is to be the application's{what_else}"
    ));
}
