//! `#[purges("articles", "article:{id}")]`: its tags, and the function that stands where
//! the handler stood.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Result, Token};

use crate::expand::{Call, surround};
use crate::handler::{Handler, Words};
use crate::spans::{called, hygienic};
use crate::{generics, recover, tags};

pub(crate) fn annotate(args: TokenStream, item: TokenStream) -> TokenStream {
    const WORDS: Words = Words {
        attribute: "#[purges]",
        does: "changes something",
        body: "a handler has",
    };
    let handler = match Handler::read(&WORDS, item.clone()) {
        Ok(handler) => handler,
        Err(error) => {
            let error = error.to_compile_error();
            return quote!(#error #item);
        }
    };
    let mut mistakes = handler.mistakes_of_any();
    match parse(args) {
        Ok(tags) if mistakes.is_empty() => return expand(&tags, handler),
        Ok(_) => {}
        Err(error) => mistakes.push(error),
    }
    recover::recover(mistakes, handler)
}

type Tags = Punctuated<Expr, Token![,]>;

fn parse(args: TokenStream) -> Result<Tags> {
    const EXAMPLE: &str = "such as `#[purges(\"articles\", \"article:{id}\")]`";
    let read = Tags::parse_terminated.parse2(args);
    let all = read.map_err(|error| {
        let message = format!("expected tags between commas, {EXAMPLE}");
        Error::new(error.span(), message)
    })?;
    if all.is_empty() {
        let message = format!("name the tags of the pages that the handler changes, {EXAMPLE}");
        return Err(Error::new(Span::call_site(), message));
    }
    if let Some(named) = all.iter().find(|tag| matches!(tag, Expr::Assign(_))) {
        let message = format!("tags have no name here: write them between commas, {EXAMPLE}");
        return Err(Error::new_spanned(named, message));
    }
    tags::check_all(all.iter())?;
    Ok(all)
}

/// Makes the handler one that purges what it has changed.
///
/// Input:
///
/// ```text
/// #[purges("articles", "article:{id}")]
/// async fn save(id: web::Path<u32>) -> impl Responder {
///     STATEMENTS
/// }
/// ```
///
/// Output, beside what `#[cache_page]` does alike:
///
/// ```text
/// async fn save(__request: HttpRequest, id: web::Path<u32>) -> Purging<impl Responder> {
///     purge_after(
///         { const __TAGS: PurgedTags = PurgedTags::new(&[…]); __TAGS },
///         __request,
///         rendering(async move { STATEMENTS }),
///     )
///     .await
/// }
/// ```
fn expand(all: &Tags, handler: Handler) -> TokenStream {
    let span = hygienic();
    let constructor = quote!(::djanginxed::__private::PurgedTags::new);
    let new = called(constructor, quote_spanned!(span=> __value), all);
    let new = quote_spanned! {span=>
        let __value: &'static [&'static ::core::primitive::str] = const { &[#all] };
        #new
    };
    let tags = if generics::may_be_generic(all.to_token_stream(), &handler.sig) {
        quote_spanned!(span=> const { #new })
    } else {
        quote_spanned! {span=>
            {
                const __TAGS: ::djanginxed::__private::PurgedTags = { #new };
                __TAGS
            }
        }
    };
    surround(
        handler,
        &Call {
            function: quote!(::djanginxed::__private::purge_after),
            settings: tags,
            request: quote_spanned!(span=> ::djanginxed::__private::HttpRequest),
            served: quote_spanned!(span=> ::djanginxed::__private::Purging),
        },
    )
}
