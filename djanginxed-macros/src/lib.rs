//! The `#[cache_page]` attribute of djanginxed.

mod args;
mod expand;
mod fold;
mod generics;
mod handler;
mod names;
mod page;
mod recover;
mod values;

use proc_macro2::TokenStream;
use quote::quote;

use crate::args::Args;
use crate::handler::Handler;

/// Caches the page that an actix-web handler renders.
#[proc_macro_attribute]
pub fn cache_page(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    annotate(args.into(), item.into()).into()
}

fn annotate(args: TokenStream, item: TokenStream) -> TokenStream {
    let handler: Handler = match syn::parse2(item.clone()) {
        Ok(handler) => handler,
        Err(error) => {
            let error = error.to_compile_error();
            return quote!(#error #item);
        }
    };
    let mut mistakes = handler.mistakes();
    match Args::parse(args) {
        Ok(args) if mistakes.is_empty() => return expand::expand(&args, handler),
        Ok(_) => {}
        Err(error) => mistakes.push(error),
    }
    recover::recover(mistakes, handler)
}
