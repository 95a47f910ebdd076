//! What stands in the attribute's parentheses: `TIMEOUT, key_prefix = "…",
//! content_type = "…"`.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Expr, Ident, Result, Token};

use crate::{names, values};

/// The settings of one page, each an expression that the compiler evaluates.
pub(crate) struct Args {
    pub(crate) timeout: Expr,
    pub(crate) key_prefix: Option<Expr>,
    pub(crate) content_type: Option<Expr>,
}

/// One argument as written.
enum Arg {
    Positional(Expr),
    Named(Name, Expr),
}

/// A name as written, which may not be an identifier: `content-type`.
struct Name {
    tokens: TokenStream,
    text: String,
}

impl Args {
    pub(crate) fn parse(tokens: TokenStream) -> Result<Args> {
        let args = split.parse2(tokens)?;
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
        values::check_timeout(&value)?;
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
        })
    }
}

/// Arguments between commas; a trailing comma is fine.
fn split(input: ParseStream) -> Result<Vec<Arg>> {
    let mut args = Vec::new();
    while !input.is_empty() {
        args.push(arg(input)?);
        if input.is_empty() {
            break;
        }
        comma(input)?;
    }
    Ok(args)
}

fn comma(input: ParseStream) -> Result<()> {
    if input.peek(Token![,]) {
        return input.parse::<Token![,]>().map(drop);
    }
    let token = input.cursor().token_tree().map(|(token, _)| token);
    let written = token.to_token_stream().to_string();
    let joined = if written == ":" {
        "; a name and its value are joined by `=`"
    } else {
        ""
    };
    Err(input.error(format!(
        "expected `,` or the end of the arguments, found `{written}`{joined}"
    )))
}

fn arg(input: ParseStream) -> Result<Arg> {
    let ahead = input.fork();
    let Ok(name) = name(&ahead) else {
        return expression(input).map(Arg::Positional);
    };
    input.advance_to(&ahead);
    if input.is_empty() || input.peek(Token![,]) {
        let text = name.text;
        return Err(Error::new_spanned(
            name.tokens,
            format!("`{text}` has no value: write `{text} = \"…\"`"),
        ));
    }
    Ok(Arg::Named(name, expression(input)?))
}

/// A name and the `=` after it.
fn name(input: ParseStream) -> Result<Name> {
    let mut name = Name {
        tokens: TokenStream::new(),
        text: String::new(),
    };
    loop {
        let word = Ident::parse_any(input)?;
        name.text += &word.unraw().to_string();
        word.to_tokens(&mut name.tokens);
        let Some(dash) = input.parse::<Option<Token![-]>>()? else {
            break;
        };
        name.text.push('-');
        dash.to_tokens(&mut name.tokens);
    }
    if input.peek(Token![==]) || input.peek(Token![=>]) {
        return Err(input.error("expected `=`"));
    }
    input.parse::<Token![=]>().map(|_| name)
}

fn expression(input: ParseStream) -> Result<Expr> {
    input.parse().map_err(|error: Error| {
        Error::new(
            error.span(),
            "expected a timeout in seconds, `key_prefix = \"…\"` or `content_type = \"…\"`",
        )
    })
}
