//! Several extractors as one: a tuple of extractors is an extractor.

use syn::punctuated::Punctuated;
use syn::{Attribute, FnArg, PatType, Token, parse_quote_spanned};

use crate::handler::{MAX_EXTRACTORS, is_conditional};
use crate::spans::hygienic;

/// Clippy calls more arguments than this too many.
const MAX_ARGUMENTS: usize = 7;

/// Puts the first arguments into a tuple: the request with the handler's own
/// first where one more argument would be too many for clippy, and as many as
/// there are too many for actix-web. Patterns stay what they are, and so does
/// the order in which the extractors run.
///
/// An argument under `#[cfg(…)]` stays alone, since neither a tuple's pattern
/// nor its type can have attributes.
pub(crate) fn fold(inputs: &mut Punctuated<FnArg, Token![,]>) {
    if inputs.len() <= MAX_ARGUMENTS {
        return;
    }
    let surplus = inputs.len().saturating_sub(MAX_EXTRACTORS).max(1);
    let mut folded = Vec::new();
    let mut kept = Punctuated::new();
    for input in std::mem::take(inputs) {
        match input {
            FnArg::Typed(typed) if folded.len() <= surplus && !is_conditional(&typed.attrs) => {
                folded.push(typed);
            }
            input => kept.push(input),
        }
    }
    kept.insert(0, tuple(&folded));
    *inputs = kept;
}

fn tuple(args: &[PatType]) -> FnArg {
    let attrs: Vec<&Attribute> = args.iter().flat_map(|arg| &arg.attrs).collect();
    let (patterns, types): (Vec<_>, Vec<_>) = args.iter().map(|arg| (&arg.pat, &arg.ty)).unzip();
    parse_quote_spanned! {hygienic()=>
        #(#attrs)* (#(#patterns,)*): (#(#types,)*)
    }
}
