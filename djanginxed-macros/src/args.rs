//! What stands in the attribute's parentheses: `TIMEOUT, key_prefix = "…",
//! content_type = "…", stale = …, stale_if_error = …, tags = ["…"], query = ["…"]`.

use proc_macro2::{Span, TokenStream};
use syn::parse::Parser;
use syn::{Error, Expr, Result};

use crate::parse::{self, Arg, Name};
use crate::{names, query, tags, timeout, values};

/// The settings of one page, each an expression that the compiler evaluates.
pub(crate) struct Args {
    pub(crate) timeout: Expr,
    pub(crate) key_prefix: Option<Expr>,
    pub(crate) content_type: Option<Expr>,
    pub(crate) stale: Option<Expr>,
    pub(crate) stale_if_error: Option<Expr>,
    pub(crate) tags: Option<Expr>,
    pub(crate) query: Option<Expr>,
}

impl Args {
    pub(crate) fn parse(tokens: TokenStream) -> Result<Args> {
        let args = parse::arguments.parse2(tokens)?;
        let mut errors = Vec::new();
        let mut found = Found::default();
        for arg in args {
            if let Err(error) = found.take(arg) {
                errors.push(error);
            }
        }
        // A mistake in one argument says nothing about the others, but an
        // argument that was not understood may be the timeout.
        if errors.is_empty() {
            found.finish()
        } else {
            Err(combined(errors))
        }
    }
}

/// All of `errors`, which is not empty, as one.
fn combined(errors: Vec<Error>) -> Error {
    errors
        .into_iter()
        .reduce(|mut all, error| {
            all.combine(error);
            all
        })
        .unwrap_or_else(|| Error::new(Span::call_site(), "unknown mistake"))
}

/// The arguments taken so far.
#[derive(Default)]
struct Found {
    timeout: Option<Expr>,
    key_prefix: Option<Expr>,
    content_type: Option<Expr>,
    stale: Option<Expr>,
    stale_if_error: Option<Expr>,
    tags: Option<Expr>,
    query: Option<Expr>,
    /// Where a named argument stood before the timeout.
    early: Option<TokenStream>,
}

impl Found {
    fn take(&mut self, arg: Arg) -> Result<()> {
        match arg {
            Arg::Positional(value) => self.take_positional(value),
            Arg::Named(name, value) => self.take_named(name, value),
        }
    }

    fn take_positional(&mut self, value: Expr) -> Result<()> {
        if let Some(error) = names::meant_as_name(&value) {
            return Err(error);
        }
        if self.timeout.is_some() {
            return Err(values::second_positional(&value));
        }
        timeout::check(&value)?;
        if self.early.is_some() {
            return Err(Error::new_spanned(
                &value,
                "the timeout comes first: write `#[cache_page(TIMEOUT, name = \"value\")]`",
            ));
        }
        self.timeout = Some(value);
        Ok(())
    }

    fn take_named(&mut self, name: Name, value: Expr) -> Result<()> {
        let (slot, check): (_, fn(&Expr) -> Result<()>) = match name.text.as_str() {
            names::KEY_PREFIX => (&mut self.key_prefix, values::check_key_prefix),
            names::CONTENT_TYPE => (&mut self.content_type, values::check_content_type),
            names::STALE => (&mut self.stale, timeout::check_window),
            names::STALE_IF_ERROR => (&mut self.stale_if_error, timeout::check_window),
            names::TAGS => (&mut self.tags, tags::check),
            names::QUERY => (&mut self.query, query::check),
            _ => return Err(names::unknown(&name.tokens, &value)),
        };
        if slot.is_some() {
            return Err(Error::new_spanned(
                name.tokens,
                format!("`{}` is given twice: keep one of them", name.text),
            ));
        }
        check(&value)?;
        *slot = Some(value);
        if self.timeout.is_none() {
            self.early.get_or_insert(name.tokens);
        }
        Ok(())
    }

    fn finish(self) -> Result<Args> {
        let Some(timeout) = self.timeout else {
            const MESSAGE: &str = "the timeout is missing: write the seconds that the page lives \
                                   first, such as `#[cache_page(60 * 15)]`";
            return Err(match self.early {
                Some(name) => Error::new_spanned(name, MESSAGE),
                None => Error::new(Span::call_site(), MESSAGE),
            });
        };
        Ok(Args {
            timeout,
            key_prefix: self.key_prefix,
            content_type: self.content_type,
            stale: self.stale,
            stale_if_error: self.stale_if_error,
            tags: self.tags,
            query: self.query,
        })
    }
}
