//! Handlers with type parameters, of their own or of their `impl` block.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{
    FnArg, GenericParam, Generics, Signature, Token, Type, TypeParamBound, WherePredicate,
    parse_quote_spanned,
};

use crate::spans::hygienic;

/// Says in the signature that a generic return type is a responder. In the
/// handler as written nothing asks for that before it is registered.
pub(crate) fn require_responder(sig: &mut Signature, returned: &Type) {
    let tokens = returned.to_token_stream();
    if !names_parameter(tokens.clone(), sig) || names(tokens, &|word| word == "impl") {
        return;
    }
    let responder: Punctuated<TypeParamBound, Token![+]> = parse_quote_spanned! {hygienic()=>
        ::djanginxed::__private::Responder + 'static
    };
    if let Some(bounds) = bounds_of(&mut sig.generics, returned) {
        bounds.extend(responder);
        return;
    }
    let predicate = parse_quote_spanned!(hygienic()=> #returned: #responder);
    sig.generics.make_where_clause().predicates.push(predicate);
}

/// Says that all types live as long as a page that is rendered in the background,
/// as those of every handler do that actix-web takes.
pub(crate) fn require_static(sig: &mut Signature) {
    let parameters: Vec<Type> = sig
        .generics
        .type_params()
        .map(|parameter| {
            let name = &parameter.ident;
            parse_quote_spanned!(hygienic()=> #name)
        })
        .collect();
    for parameter in parameters {
        if let Some(bounds) = bounds_of(&mut sig.generics, &parameter) {
            live_for_ever(bounds);
        }
    }
    for input in &mut sig.inputs {
        if let FnArg::Typed(argument) = input
            && let Type::ImplTrait(some) = &mut *argument.ty
        {
            live_for_ever(&mut some.bounds);
        }
    }
}

fn live_for_ever(bounds: &mut Punctuated<TypeParamBound, Token![+]>) {
    let is_stated = |bound: &TypeParamBound| matches!(bound, TypeParamBound::Lifetime(lifetime) if lifetime.ident == "static");
    if !bounds.iter().any(is_stated) {
        bounds.push(parse_quote_spanned!(hygienic()=> 'static));
    }
}

/// The bounds that `ty` has already: clippy wants all of them in one place.
fn bounds_of<'g>(
    generics: &'g mut Generics,
    ty: &Type,
) -> Option<&'g mut Punctuated<TypeParamBound, Token![+]>> {
    let predicates = generics
        .where_clause
        .as_mut()
        .map(|clause| &mut clause.predicates);
    let stated = predicates
        .into_iter()
        .flatten()
        .find_map(|predicate| match predicate {
            WherePredicate::Type(stated) if same(&stated.bounded_ty, ty) => {
                Some(&mut stated.bounds)
            }
            _ => None,
        });
    let inline = generics
        .params
        .iter_mut()
        .find_map(|parameter| match parameter {
            GenericParam::Type(parameter) if same(&parameter.ident, ty) => {
                Some(&mut parameter.bounds)
            }
            _ => None,
        });
    stated.or(inline)
}

fn same(one: &impl ToTokens, other: &impl ToTokens) -> bool {
    one.to_token_stream().to_string() == other.to_token_stream().to_string()
}

/// Whether `value` may depend on a type parameter. Those of an `impl` block
/// cannot be seen from its functions; by convention they are one capital.
pub(crate) fn may_be_generic(value: TokenStream, sig: &Signature) -> bool {
    let conventional =
        |word: &str| word.len() == 1 && word.starts_with(|c: char| c.is_ascii_uppercase());
    names(value.clone(), &|word| word == "Self" || conventional(word))
        || names_parameter(value, sig)
}

fn names_parameter(tokens: TokenStream, sig: &Signature) -> bool {
    let parameters: Vec<String> = sig.generics.params.iter().map(parameter).collect();
    names(tokens, &|word| {
        parameters.iter().any(|parameter| parameter == word)
    })
}

/// A parameter's name; a lifetime's without its tick.
fn parameter(parameter: &GenericParam) -> String {
    match parameter {
        GenericParam::Type(ty) => ty.ident.to_string(),
        GenericParam::Const(constant) => constant.ident.to_string(),
        GenericParam::Lifetime(lifetime) => lifetime.lifetime.ident.to_string(),
    }
}

/// Whether a word among `tokens` is `wanted`.
pub(crate) fn names(tokens: TokenStream, wanted: &dyn Fn(&str) -> bool) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(word) => wanted(&word.to_string()),
        TokenTree::Group(group) => names(group.stream(), wanted),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// Whether the statements use the receiver.
pub(crate) fn names_self(tokens: TokenStream) -> bool {
    names(tokens, &|word| word == "self")
}
