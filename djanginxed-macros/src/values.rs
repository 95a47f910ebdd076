//! What is wrong with a value, as far as it can be seen before the compiler
//! evaluates it. Values that are not literals are checked by the constructors
//! of `Page` in the runtime, which hold the same rules.

use quote::ToTokens;
use syn::{Error, Expr, ExprLit, Lit, Result};

const MAX_PREFIX: usize = 64;

/// The literal that `value` is; a `macro_rules` caller's literal comes in an
/// invisible group.
pub(crate) fn literal(value: &Expr) -> Option<&Lit> {
    match value {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        Expr::Group(group) => literal(&group.expr),
        Expr::Paren(paren) => literal(&paren.expr),
        _ => None,
    }
}

/// The error for a second argument without a name.
pub(crate) fn second_positional(value: &Expr) -> Error {
    let message = match literal(value) {
        Some(Lit::Str(text)) => {
            let name = if text.value().contains('/') {
                "content_type"
            } else {
                "key_prefix"
            };
            let text = text.to_token_stream();
            format!("only the timeout has no name: write `{name} = {text}`")
        }
        _ => "a page has one timeout: remove this, or name it (`key_prefix`, `content_type`)"
            .to_owned(),
    };
    Error::new_spanned(value, message)
}

pub(crate) fn check_key_prefix(value: &Expr) -> Result<()> {
    match literal(value) {
        None => Ok(()),
        Some(Lit::Str(text)) => match key_prefix_fault(&text.value()) {
            None => Ok(()),
            Some(fault) => Err(Error::new_spanned(
                text,
                format!(
                    "{fault}: a key prefix is 1 to 64 of `A-Z a-z 0-9 . _ : -`, since it stands \
                     unquoted in nginx's file"
                ),
            )),
        },
        Some(other) => Err(Error::new_spanned(
            other,
            "a key prefix is a string, such as `key_prefix = \"site1\"`",
        )),
    }
}

fn key_prefix_fault(prefix: &str) -> Option<String> {
    if prefix.is_empty() {
        return Some("this key prefix is empty".to_owned());
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-');
    if let Some(odd) = prefix.chars().find(|c| !allowed(*c)) {
        return Some(format!("this key prefix has {odd:?}"));
    }
    let length = prefix.len();
    (length > MAX_PREFIX).then(|| format!("this key prefix has {length} bytes"))
}

pub(crate) fn check_content_type(value: &Expr) -> Result<()> {
    match literal(value) {
        None => Ok(()),
        Some(Lit::Str(text)) => match content_type_fault(&text.value()) {
            None => Ok(()),
            Some(fault) => Err(Error::new_spanned(text, fault)),
        },
        Some(other) => Err(Error::new_spanned(
            other,
            "a content type is a string, such as `content_type = \"text/html\"`",
        )),
    }
}

fn content_type_fault(media_type: &str) -> Option<String> {
    if let Some((bare, parameters)) = media_type.split_once(';') {
        let bare = bare.trim();
        return Some(format!(
            "a content type has no parameters here: write `{bare:?}` without `;{parameters}`"
        ));
    }
    if is_media_type(media_type) {
        return None;
    }
    Some(format!(
        "{media_type:?} is not a media type: write `type/subtype`, such as `\"text/html\"`"
    ))
}

/// Whether `media_type` is two of RFC 6838's restricted names around a slash.
fn is_media_type(media_type: &str) -> bool {
    let is_name = |name: &str| {
        (1..=127).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "!#&-^_.+".contains(c))
    };
    media_type
        .split_once('/')
        .is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype))
}
