//! The names of the arguments, and what was probably meant by other ones.

use quote::ToTokens;
use syn::{Error, Expr, ExprPath, Ident};

pub(crate) const KEY_PREFIX: &str = "key_prefix";
pub(crate) const CONTENT_TYPE: &str = "content_type";
pub(crate) const STALE: &str = "stale";
pub(crate) const STALE_IF_ERROR: &str = "stale_if_error";
pub(crate) const TAGS: &str = "tags";
pub(crate) const QUERY: &str = "query";

const ALL: [&str; 6] = [KEY_PREFIX, CONTENT_TYPE, STALE, STALE_IF_ERROR, TAGS, QUERY];

/// What a name that does not exist probably stands for.
enum Meant {
    Timeout,
    Named(&'static str),
    Nothing,
}

/// Words of other caches, and of nginx and HTTP, for the same things.
const SYNONYMS: &[(&str, Meant)] = &[
    ("timeout", Meant::Timeout),
    ("time", Meant::Timeout),
    ("ttl", Meant::Timeout),
    ("seconds", Meant::Timeout),
    ("secs", Meant::Timeout),
    ("duration", Meant::Timeout),
    ("expires", Meant::Timeout),
    ("max_age", Meant::Timeout),
    ("prefix", Meant::Named(KEY_PREFIX)),
    ("key", Meant::Named(KEY_PREFIX)),
    (KEY_PREFIX, Meant::Named(KEY_PREFIX)),
    ("type", Meant::Named(CONTENT_TYPE)),
    ("mime", Meant::Named(CONTENT_TYPE)),
    ("mime_type", Meant::Named(CONTENT_TYPE)),
    ("media_type", Meant::Named(CONTENT_TYPE)),
    ("default_type", Meant::Named(CONTENT_TYPE)),
    (CONTENT_TYPE, Meant::Named(CONTENT_TYPE)),
    ("stale_while_revalidate", Meant::Named(STALE)),
    ("swr", Meant::Named(STALE)),
    ("grace", Meant::Named(STALE)),
    (STALE, Meant::Named(STALE)),
    ("fallback", Meant::Named(STALE_IF_ERROR)),
    (STALE_IF_ERROR, Meant::Named(STALE_IF_ERROR)),
    ("tag", Meant::Named(TAGS)),
    ("surrogate_keys", Meant::Named(TAGS)),
    (TAGS, Meant::Named(TAGS)),
    ("query_params", Meant::Named(QUERY)),
    ("params", Meant::Named(QUERY)),
    (QUERY, Meant::Named(QUERY)),
];

/// How alike two words must be for one to be a slip of the other.
const ALIKE: f64 = 0.8;

/// The error for `name = value` with a name that does not exist.
pub(crate) fn unknown(name: &impl ToTokens, value: &Expr) -> Error {
    let written = name.to_token_stream().to_string().replace(' ', "");
    let value = value.to_token_stream();
    let advice = match meant(&written) {
        Meant::Timeout => {
            format!("the timeout comes first and has no name: write `#[cache_page({value})]`")
        }
        Meant::Named(name) => format!("write `{name} = {value}`"),
        Meant::Nothing => {
            let all = ALL.map(|name| format!("`{name}`"));
            format!("beside the timeout there are {}", all.join(", "))
        }
    };
    Error::new_spanned(name, format!("no argument is called `{written}`: {advice}"))
}

fn meant(written: &str) -> &'static Meant {
    let written = written.to_lowercase().replace('-', "_");
    SYNONYMS
        .iter()
        .map(|(word, meant)| (strsim::jaro_winkler(&written, word), meant))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map_or(&Meant::Nothing, |(_, meant)| meant)
}

/// The error for a positional argument that was meant as a named one:
/// `key_prefix`, `key_prefix("site1")`, `key-prefix = "site1"`.
pub(crate) fn meant_as_name(value: &Expr) -> Option<Error> {
    match value {
        Expr::Path(path) => known(path).map(|name| {
            Error::new_spanned(
                path,
                format!("`{name}` has no value: write `{name} = \"…\"`"),
            )
        }),
        Expr::Call(call) => {
            let Expr::Path(path) = &*call.func else {
                return None;
            };
            let args = call.args.to_token_stream();
            known(path).map(|name| Error::new_spanned(call, format!("write `{name} = {args}`")))
        }
        Expr::Assign(assign) => Some(unknown(&assign.left, &assign.right)),
        _ => None,
    }
}

/// The argument that `path` names.
fn known(path: &ExprPath) -> Option<&Ident> {
    path.path
        .get_ident()
        .filter(|name| ALL.iter().any(|known| *name == known))
}
