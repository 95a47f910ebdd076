//! A list of strings as a value, and how it is given to the runtime.

use syn::{Expr, parse_quote_spanned};

use crate::spans::{ends, hygienic};

/// The expression for a `&'static [&'static str]`.
pub(crate) fn as_slice(value: &Expr) -> Expr {
    match unwrapped(value) {
        array @ Expr::Array(_) => {
            let span = ends(array).0.resolved_at(hygienic());
            // Whatever stands in it lives as long as the program.
            parse_quote_spanned!(span=> const { &#array })
        }
        other => other.clone(),
    }
}

/// What stands in parentheses, or in the invisible group of a `macro_rules` caller.
pub(crate) fn unwrapped(value: &Expr) -> &Expr {
    match value {
        Expr::Group(group) => unwrapped(&group.expr),
        Expr::Paren(paren) => unwrapped(&paren.expr),
        value => value,
    }
}
