//! The `#[cache_page]` attribute of djanginxed.

use proc_macro::TokenStream;

/// Caches the page that an actix-web handler renders.
#[proc_macro_attribute]
pub fn cache_page(_args: TokenStream, item: TokenStream) -> TokenStream {
    item
}
