//! What is wrong with a value, as far as it can be seen before the compiler
//! evaluates it. Values that are not literals are checked by the constructors
//! of `Page` in the runtime, which hold the same rules.

use djanginxed_rules::{MAX_KEY_PREFIX, is_key_prefix_byte, is_media_type};
use quote::ToTokens;
use syn::{Error, Expr, ExprLit, Lit, Result};

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
                    "{fault}: a key prefix is {}, since it stands unquoted in nginx's file",
                    djanginxed_rules::KEY_PREFIX
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
    let allowed = |c: char| u8::try_from(c).is_ok_and(is_key_prefix_byte);
    if let Some(odd) = prefix.chars().find(|c| !allowed(*c)) {
        return Some(format!("this key prefix has {odd:?}"));
    }
    let length = prefix.len();
    (length > MAX_KEY_PREFIX).then(|| format!("this key prefix has {length} bytes"))
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
