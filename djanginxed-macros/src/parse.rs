//! The arguments as written, before anything is known about their names.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::parse::discouraged::Speculative;
use syn::{Error, Expr, Ident, Result, Token};

/// One argument as written.
pub(crate) enum Arg {
    Positional(Expr),
    Named(Name, Expr),
}

/// A name as written, which may not be an identifier: `content-type`.
pub(crate) struct Name {
    pub(crate) tokens: TokenStream,
    pub(crate) text: String,
}

/// Arguments between commas; a trailing comma is fine.
pub(crate) fn arguments(input: ParseStream) -> Result<Vec<Arg>> {
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
            "expected a timeout in seconds, `key_prefix = \"…\"`, `content_type = \"…\"` or `tags = […]`",
        )
    })
}
