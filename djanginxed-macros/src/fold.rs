//! Several extractors as one: a tuple of extractors is an extractor.

use syn::punctuated::Punctuated;
use syn::{Attribute, FnArg, PatType, Token, parse_quote_spanned};

use crate::expand::hygienic;
use crate::handler::{MAX_EXTRACTORS, is_conditional};

/// Puts the first arguments into a tuple, as many as there are too many for
/// actix-web. Patterns stay what they are, and so does the order in which the
/// extractors run.
///
/// An argument under `#[cfg(…)]` stays alone, since neither a tuple's pattern
/// nor its type can have attributes.
pub(crate) fn fold(inputs: &mut Punctuated<FnArg, Token![,]>) {
    let surplus = inputs.len().saturating_sub(MAX_EXTRACTORS);
    if surplus == 0 {
        return;
    }
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
