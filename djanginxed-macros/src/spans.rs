//! Where the compiler says that the expansion's tokens stand.

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::ToTokens;

/// Locals of this span are never the user's: a `__request` of theirs is another
/// one. They begin with `__` all the same, since a route attribute makes a unit
/// struct of each handler's name, and in a pattern that struct would be meant.
pub(crate) fn hygienic() -> Span {
    Span::mixed_site()
}

/// A call that stands, for the compiler's messages, where `place` stands.
pub(crate) fn called(
    function: TokenStream,
    arguments: TokenStream,
    place: &impl ToTokens,
) -> TokenStream {
    let (first, last) = ends(place);
    let mut arguments = Group::new(Delimiter::Parenthesis, arguments);
    arguments.set_span(last);
    let mut call: TokenStream = function
        .into_iter()
        .map(|mut token| {
            token.set_span(first);
            token
        })
        .collect();
    arguments.to_tokens(&mut call);
    call
}

/// Where `tokens` begin and end, for names that are not the user's.
pub(crate) fn ends(tokens: &impl ToTokens) -> (Span, Span) {
    let mut spans = tokens
        .to_token_stream()
        .into_iter()
        .map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::call_site);
    let last = spans.last().unwrap_or(first);
    (first.resolved_at(hygienic()), last.resolved_at(hygienic()))
}
