//! What is wrong with the names of query parameters.

use djanginxed_rules::{PARAMETER_NAME, is_parameter_name};
use syn::{Error, Expr, Lit, Result};

use crate::list::unwrapped;
use crate::values::literal;

const EXAMPLE: &str = "`query = [\"page\"]`";

pub(crate) fn check(value: &Expr) -> Result<()> {
    match unwrapped(value) {
        Expr::Array(names) => names.elems.iter().try_for_each(check_one),
        other => match literal(other) {
            Some(one) => Err(Error::new_spanned(
                one,
                format!("the parameters are a list of their names, such as {EXAMPLE}"),
            )),
            None => Ok(()),
        },
    }
}

fn check_one(name: &Expr) -> Result<()> {
    match literal(name) {
        None => Ok(()),
        Some(Lit::Str(text)) if is_parameter_name(&text.value()) => Ok(()),
        Some(Lit::Str(text)) => Err(Error::new_spanned(
            text,
            format!(
                "{:?} is not the name of a query parameter: use {PARAMETER_NAME}",
                text.value()
            ),
        )),
        Some(other) => Err(Error::new_spanned(
            other,
            "the name of a query parameter is a string, such as `\"page\"`",
        )),
    }
}
