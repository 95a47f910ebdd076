//! What is emitted when something is wrong: the errors, and the function in a
//! form that is as well typed as its author meant it. Otherwise the compiler
//! would report what follows from the mistake besides the mistake.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Error, FnArg, ReturnType, Token};

use crate::handler::{Handler, is_cache_page};
use crate::{fold, generics};

/// The errors, and the function with its own mistakes mended.
pub(crate) fn recover(mistakes: Vec<Error>, mut handler: Handler) -> TokenStream {
    handler.attrs.retain(|attr| !is_cache_page(attr));
    handler.sig.unsafety = None;
    if handler.sig.asyncness.is_none() && !returns_future(&handler) {
        handler.sig.asyncness = Some(<Token![async]>::default());
    }
    drop_unused_receiver(&mut handler);
    fold::fold(&mut handler.sig.inputs);
    let errors = mistakes.iter().map(Error::to_compile_error);
    quote!(#(#errors)* #handler)
}

/// Whether the function is asynchronous by hand.
fn returns_future(handler: &Handler) -> bool {
    let ReturnType::Type(_, ty) = &handler.sig.output else {
        return false;
    };
    let ty = ty.to_token_stream().to_string();
    ["Future", "Ready", "Pin"]
        .iter()
        .any(|word| ty.contains(word))
}

fn drop_unused_receiver(handler: &mut Handler) {
    if generics::names_self(handler.statements.clone()) {
        return;
    }
    let inputs = std::mem::take(&mut handler.sig.inputs);
    handler.sig.inputs = inputs
        .into_iter()
        .filter(|input| !matches!(input, FnArg::Receiver(_)))
        .collect();
}
