//! What is wrong with a value, as far as it can be seen before the compiler
//! evaluates it. Values that are not literals are checked by the constructors
//! of `Page` in the runtime, which hold the same rules.

use quote::ToTokens;
use syn::{Error, Expr, ExprLit, Lit, LitFloat, LitInt, LitStr, Result, UnOp};

const MAX_TIMEOUT: u64 = 315_360_000;
const MAX_PREFIX: usize = 64;

/// The literal that `value` is; a `macro_rules` caller's literal comes in an
/// invisible group.
fn literal(value: &Expr) -> Option<&Lit> {
    match value {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        Expr::Group(group) => literal(&group.expr),
        Expr::Paren(paren) => literal(&paren.expr),
        _ => None,
    }
}

pub(crate) fn check_timeout(value: &Expr) -> Result<()> {
    if is_negative(value) {
        return Err(Error::new_spanned(
            value,
            "a timeout cannot be negative: write the seconds that the page lives, such as `60 * 15`",
        ));
    }
    match literal(value) {
        None => not_a_duration(value),
        Some(Lit::Int(seconds)) => check_seconds(seconds),
        Some(Lit::Float(seconds)) => Err(fractional(seconds)),
        Some(Lit::Str(text)) => Err(timeout_as_text(text)),
        Some(other) => Err(Error::new_spanned(
            other,
            "a timeout is a number of seconds, such as `60 * 15`",
        )),
    }
}

fn is_negative(value: &Expr) -> bool {
    match value {
        Expr::Unary(unary) => matches!(unary.op, UnOp::Neg(_)) && literal(&unary.expr).is_some(),
        Expr::Group(group) => is_negative(&group.expr),
        _ => false,
    }
}

fn check_seconds(seconds: &LitInt) -> Result<()> {
    if !matches!(seconds.suffix(), "" | "u32") {
        let advice = in_seconds(seconds.base10_digits(), seconds.suffix())
            .unwrap_or_else(|| seconds.base10_digits().to_owned());
        return Err(Error::new_spanned(
            seconds,
            format!("a timeout is a number of seconds, a `u32`: write `{advice}`"),
        ));
    }
    match seconds.base10_parse::<u64>() {
        Ok(0) => Err(Error::new_spanned(
            seconds,
            "a page's timeout is at least 1 second; to switch a page's cache off, remove \
             `#[cache_page]`",
        )),
        Ok(1..=MAX_TIMEOUT) => Ok(()),
        Ok(_) | Err(_) => Err(Error::new_spanned(
            seconds,
            "a page's timeout is at most 315360000 seconds (ten years)",
        )),
    }
}

fn fractional(seconds: &LitFloat) -> Error {
    let whole = seconds
        .base10_digits()
        .parse::<f64>()
        .map_or(1.0, |seconds| seconds.ceil().max(1.0));
    Error::new_spanned(
        seconds,
        format!("a timeout is whole seconds: write `{whole}`"),
    )
}

/// The error for `"15m"`, which is nginx's way to write a time.
fn timeout_as_text(text: &LitStr) -> Error {
    let written = text.value();
    let digits = written.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let advice =
        in_seconds(digits, written[digits.len()..].trim()).unwrap_or_else(|| "60 * 15".to_owned());
    Error::new_spanned(
        text,
        format!("a timeout is a number of seconds, not a string: write `{advice}`"),
    )
}

/// How to write a number with a unit of time.
fn in_seconds(number: &str, unit: &str) -> Option<String> {
    let number: u32 = number.parse().ok()?;
    match unit {
        "" | "s" | "sec" | "secs" => Some(number.to_string()),
        "m" | "min" | "mins" => Some(format!("{number} * 60")),
        "h" => Some(format!("{number} * 60 * 60")),
        "d" => Some(format!("{number} * 24 * 60 * 60")),
        _ => None,
    }
}

/// Refuses `Duration::from_secs(900)`, which the compiler would only call a
/// mismatched type.
fn not_a_duration(value: &Expr) -> Result<()> {
    let Expr::Call(call) = value else {
        return Ok(());
    };
    let Expr::Path(function) = &*call.func else {
        return Ok(());
    };
    let mut segments = function.path.segments.iter().rev();
    let (constructor, of) = (segments.next(), segments.next());
    if of.is_none_or(|segment| segment.ident != "Duration") {
        return Ok(());
    }
    let seconds = if constructor.is_some_and(|segment| segment.ident == "from_secs") {
        call.args.to_token_stream().to_string()
    } else {
        "60 * 15".to_owned()
    };
    Err(Error::new_spanned(
        value,
        format!("a timeout is a number of seconds, not a `Duration`: write `{seconds}`"),
    ))
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
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "!#&-^_.+".contains(c))
    };
    media_type
        .split_once('/')
        .is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype))
}
