//! The annotated handler, and what must be true of it.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{
    Attribute, Error, FnArg, Ident, Result, ReturnType, Signature, Token, Type, Visibility, token,
};

/// An actix-web handler takes at most this many extractors.
pub(crate) const MAX_EXTRACTORS: usize = 16;

/// A function as written. Its statements are not parsed: they go where they
/// came from.
#[derive(Clone)]
pub(crate) struct Handler {
    /// Those above the function.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) brace: token::Brace,
    /// Those at the top of its body, `#![…]`.
    pub(crate) inner_attrs: Vec<Attribute>,
    pub(crate) statements: TokenStream,
}

/// How the messages of an attribute speak of it and of its handler.
pub(crate) struct Words {
    /// `#[cache_page]`
    pub(crate) attribute: &'static str,
    /// What the handler does.
    pub(crate) does: &'static str,
    /// What a body is for.
    pub(crate) body: &'static str,
}

impl Handler {
    /// Reads what the attribute of these words stands on.
    pub(crate) fn read(words: &Words, item: TokenStream) -> Result<Handler> {
        let parse = |input: ParseStream| Handler::parse(words, input);
        parse.parse2(item)
    }

    fn parse(words: &Words, input: ParseStream) -> Result<Handler> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        if !is_function(input) {
            return Err(not_a_function(words, input));
        }
        let sig: Signature = input.parse()?;
        if input.peek(Token![;]) {
            let body = words.body;
            return Err(input.error(format!("{body} a body: write `{{ … }}` here")));
        }
        let content;
        let brace = syn::braced!(content in input);
        Ok(Handler {
            attrs,
            vis,
            sig,
            brace,
            inner_attrs: content.call(Attribute::parse_inner)?,
            statements: content.parse()?,
        })
    }
}

/// Whether what follows is a function's head, whatever its qualifiers.
fn is_function(input: ParseStream) -> bool {
    let ahead = input.fork();
    while ahead.peek(Ident::peek_any) && !ahead.peek(Token![fn]) {
        let qualifier = Ident::parse_any(&ahead).map(|word| word.to_string());
        let qualifier = qualifier.as_deref().unwrap_or_default();
        if !matches!(
            qualifier,
            "const" | "async" | "unsafe" | "safe" | "extern" | "default"
        ) {
            return false;
        }
        if ahead.peek(syn::LitStr) && ahead.parse::<syn::LitStr>().is_err() {
            return false;
        }
    }
    ahead.peek(Token![fn])
}

fn not_a_function(words: &Words, input: ParseStream) -> Error {
    let kind = input.cursor().token_tree().map(|(token, _)| token);
    let kind = kind.to_token_stream().to_string();
    let Words {
        attribute, does, ..
    } = words;
    input.error(format!(
        "`{attribute}` stands on the handler that {does}, an `async fn`, not on `{kind}`"
    ))
}

impl Handler {
    /// Every mistake in the function that no handler may have.
    pub(crate) fn mistakes_of_any(&self) -> Vec<Error> {
        let mistakes = [
            self.not_async(),
            self.unsafety(),
            self.receiver(),
            self.too_many_extractors(),
        ];
        mistakes.into_iter().flatten().collect()
    }

    /// Every mistake in the function.
    pub(crate) fn mistakes(&self) -> Vec<Error> {
        let mut mistakes = self.mistakes_of_any();
        mistakes.extend(self.annotated_twice());
        mistakes
    }

    fn not_async(&self) -> Option<Error> {
        let name = &self.sig.ident;
        self.sig.asyncness.is_none().then(|| {
            Error::new_spanned(
                self.sig.fn_token,
                format!("an annotated handler is `async`: write `async fn {name}`"),
            )
        })
    }

    fn unsafety(&self) -> Option<Error> {
        self.sig.unsafety.map(|unsafety| {
            Error::new_spanned(
                unsafety,
                "actix-web calls handlers as safe functions: remove `unsafe`, and put it around \
                 the statements that need it",
            )
        })
    }

    fn receiver(&self) -> Option<Error> {
        self.sig.receiver().map(|receiver| {
            Error::new_spanned(
                receiver,
                "actix-web calls handlers without a `self`: take what it needs as \
                 `web::Data<T>`",
            )
        })
    }

    fn too_many_extractors(&self) -> Option<Error> {
        let certain = |arg: &&FnArg| match arg {
            FnArg::Typed(typed) => !is_conditional(&typed.attrs),
            FnArg::Receiver(_) => false,
        };
        let first = self.sig.inputs.iter().filter(certain).nth(MAX_EXTRACTORS)?;
        Some(Error::new_spanned(
            first,
            "an actix-web handler takes at most 16 extractors: put some of them into a tuple, \
             `(a, b): (A, B)`",
        ))
    }

    fn annotated_twice(&self) -> Option<Error> {
        const MESSAGE: &str = "a page is cached once: remove one of the two `#[cache_page]`";
        if self.is_expanded() {
            return Some(Error::new(Span::call_site(), MESSAGE));
        }
        let second = self.attrs.iter().find(|attr| is_cache_page(attr))?;
        Some(Error::new_spanned(second, MESSAGE))
    }

    /// Whether another `#[cache_page]`, under whatever name it was imported,
    /// has been here before.
    pub(crate) fn is_expanded(&self) -> bool {
        let ReturnType::Type(_, ty) = &self.sig.output else {
            return false;
        };
        let Type::Path(ty) = &**ty else {
            return false;
        };
        let segments = ty
            .path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string());
        ty.path.leading_colon.is_some() && segments.eq(["djanginxed", "__private", "Served"])
    }
}

pub(crate) fn is_cache_page(attr: &Attribute) -> bool {
    let last = attr.path().segments.last();
    last.is_some_and(|segment| segment.ident == "cache_page")
}

/// Whether an argument exists only under some `#[cfg(…)]`.
pub(crate) fn is_conditional(attrs: &[Attribute]) -> bool {
    attrs
        .iter()
        .any(|attr| attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr"))
}
