//! The expression for the page's settings, which the compiler evaluates.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, Signature};

use crate::args::Args;
use crate::spans::{called, ends, hygienic};
use crate::{generics, list};

/// The settings as a constant, refused by the compiler where they are wrong.
///
/// A `const` item is evaluated by `cargo check` already. It cannot name type
/// parameters or `Self`: there, an inline `const` is evaluated when the
/// handler is compiled with its types.
pub(crate) fn constant(args: &Args, sig: &Signature) -> TokenStream {
    let span = hygienic();
    let page = page(args);
    let values = [
        Some(&args.timeout),
        args.key_prefix.as_ref(),
        args.content_type.as_ref(),
        args.stale.as_ref(),
        args.stale_if_error.as_ref(),
        args.tags.as_ref(),
        args.query.as_ref(),
    ];
    let generic = values
        .into_iter()
        .flatten()
        .any(|value| generics::may_be_generic(value.to_token_stream(), sig));
    if generic {
        return quote_spanned!(span=> const { #page });
    }
    quote_spanned! {span=>
        {
            const __PAGE: ::djanginxed::__private::Page = { #page };
            __PAGE
        }
    }
}

/// The type of a prefix and of a content type.
const STR: fn(Span) -> TokenStream = |span| quote_spanned!(span=> &'static ::core::primitive::str);

/// The type of a timeout and of what follows it.
const SECONDS: fn(Span) -> TokenStream = |span| quote_spanned!(span=> ::core::primitive::u32);

/// The type of tags, and of the names of query parameters.
const LIST: fn(Span) -> TokenStream =
    |span| quote_spanned!(span=> &'static [&'static ::core::primitive::str]);

/// Each value in a `let` of its type, so that a wrong one is only called a
/// mismatched type, then the constructor of the runtime that checks it.
fn page(args: &Args) -> TokenStream {
    let span = hygienic();
    let mut page = TokenStream::new();
    let mut set = |setter, arguments, ty: fn(Span) -> TokenStream, value: &Expr| {
        // The constructor panics in there, but it is `value` that is wrong.
        let constructor = quote!(::djanginxed::__private::Page::#setter);
        let call = called(constructor, arguments, value);
        let ty = ty(ends(value).0);
        page.extend(quote_spanned!(span=> let __value: #ty = #value; let __page = #call;));
    };
    set(
        quote!(new),
        quote_spanned!(span=> __value),
        SECONDS,
        &args.timeout,
    );
    let chained = quote_spanned!(span=> __page, __value);
    if let Some(prefix) = &args.key_prefix {
        set(quote!(key_prefix), chained.clone(), STR, prefix);
    }
    if let Some(media_type) = &args.content_type {
        set(quote!(content_type), chained.clone(), STR, media_type);
    }
    if let Some(window) = &args.stale {
        set(quote!(stale), chained.clone(), SECONDS, window);
    }
    if let Some(window) = &args.stale_if_error {
        set(quote!(stale_if_error), chained.clone(), SECONDS, window);
    }
    if let Some(tags) = &args.tags {
        set(quote!(tags), chained.clone(), LIST, &list::as_slice(tags));
    }
    if let Some(names) = &args.query {
        set(quote!(query), chained, LIST, &list::as_slice(names));
    }
    page.extend(quote_spanned!(span=> __page));
    page
}
