//! What is wrong with a timeout, and how to write it in seconds.

use quote::ToTokens;
use syn::{Error, Expr, Lit, LitFloat, LitInt, LitStr, Result, UnOp};

use crate::values::literal;

const MAX_TIMEOUT: u64 = djanginxed_rules::MAX_TIMEOUT as u64;

pub(crate) fn check(value: &Expr) -> Result<()> {
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

/// The same for `stale` and `stale_if_error`, which may be 0.
pub(crate) fn check_window(value: &Expr) -> Result<()> {
    match literal(value) {
        Some(Lit::Int(seconds)) if seconds.base10_parse::<u64>().is_ok_and(|none| none == 0) => {
            Ok(())
        }
        _ => check(value),
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
