//! The function that stands where the handler stood.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{FnArg, ReturnType, Type, parse_quote_spanned};

use crate::args::Args;
use crate::handler::Handler;
use crate::spans::{called, ends, hygienic};
use crate::{fold, generics, page, visitor};

/// Makes the handler one that asks the cache first.
///
/// Input:
///
/// ```text
/// #[get("/articles/{id}")]
/// async fn article(id: web::Path<u32>) -> Result<impl Responder, Error> {
///     STATEMENTS
/// }
/// ```
///
/// Output, with every path written in full:
///
/// ```text
/// #[get("/articles/{id}")]
/// async fn article(
///     __request: Incoming,
///     id: web::Path<u32>,
/// ) -> Served<Result<impl Responder, Error>> {
///     serve(
///         { const __PAGE: Page = …; __PAGE },
///         { static __SEEN: Seen = Seen::new(); &__SEEN },
///         __request,
///         rendering(async move {
///             if let Some(__never) = Option::<Result<_, Error>>::None {
///                 return __never;
///             }
///             STATEMENTS
///         }),
///     )
///     .await
/// }
/// ```
///
/// It is one function without sibling items, so that it may stand in an `impl`
/// block and above or below the route attribute. `const` and `static` are in
/// blocks of their own, since items are not hygienic: the user's statements
/// must not see them. The original return type stays in the signature, so that
/// no import of theirs becomes unused.
pub(crate) fn expand(args: &Args, handler: Handler) -> TokenStream {
    let span = hygienic();
    let page = page::constant(args, &handler.sig);
    let seen = match visitor::extractor(&handler.sig) {
        Some(name) => quote_spanned!(span=> ::djanginxed::__private::Seen::of_visitors(#name)),
        None => quote_spanned!(span=> ::djanginxed::__private::Seen::new()),
    };
    let seen = quote_spanned! {span=>
        {
            static __SEEN: ::djanginxed::__private::Seen = #seen;
            &__SEEN
        }
    };
    surround(
        handler,
        &Call {
            function: quote!(::djanginxed::__private::serve),
            settings: quote_spanned!(span=> #page, #seen),
            request: quote_spanned!(span=> ::djanginxed::__private::Incoming),
            served: quote_spanned!(span=> ::djanginxed::__private::Served),
        },
    )
}

/// The runtime's function to which a handler's statements are given.
pub(crate) struct Call {
    pub(crate) function: TokenStream,
    /// Its first arguments.
    pub(crate) settings: TokenStream,
    /// The extractor that it gets next.
    pub(crate) request: TokenStream,
    /// What it returns, for what the handler returns.
    pub(crate) served: TokenStream,
}

/// Makes the handler one that calls a function of the runtime with its statements.
pub(crate) fn surround(handler: Handler, call: &Call) -> TokenStream {
    let ReturnType::Type(arrow, returned) = handler.sig.output.clone() else {
        // It returns `()`, which is no responder: the route attribute, or the
        // compiler where it is registered, says so about the bare function.
        return handler.into_token_stream();
    };
    let span = hygienic();
    let inferred = without_impl_trait(&returned);
    let render = render(&handler, &inferred);
    let mut annotated = handler;
    generics::require_responder(&mut annotated.sig, &returned);
    generics::require_static(&mut annotated.sig);
    prepend_request(&mut annotated, &call.request);
    let Call {
        function,
        settings,
        served,
        ..
    } = call;
    let served = quote_spanned!(span=> #served<#returned>);
    annotated.sig.output = ReturnType::Type(arrow, Box::new(Type::Verbatim(served)));
    // A return type that is no responder is reported where this call stands.
    let render = called(
        quote!(::djanginxed::__private::rendering),
        render,
        &returned,
    );
    let call = called(
        function.clone(),
        quote_spanned!(span=> #settings, __request, #render),
        &returned,
    );
    let answer = quote_spanned!(ends(&returned).1=> .await);
    annotated.statements = quote!(#call #answer);
    annotated.into_token_stream()
}

fn prepend_request(handler: &mut Handler, request: &TokenStream) {
    let request: FnArg = parse_quote_spanned!(hygienic()=> __request: #request);
    handler.sig.inputs.insert(0, request);
    fold::fold(&mut handler.sig.inputs);
}

/// The block that renders the page, in which `return` and `?` mean what they
/// meant in the handler.
fn render(handler: &Handler, returned: &Type) -> TokenStream {
    let statements = &handler.statements;
    let (span, _) = ends(returned);
    // Without the first statement the type would be that of the last expression,
    // and nothing would be coerced into what the handler says it returns.
    let mut block = TokenStream::new();
    handler.brace.surround(&mut block, |block| {
        block.extend(quote_spanned! {span=>
            if let ::core::option::Option::Some(__never) = ::core::option::Option::<#returned>::None {
                return __never;
            }
        });
        statements.to_tokens(block);
    });
    // Clippy takes a last expression that is a future, as actix's response builder
    // is, for one that was not awaited.
    quote_spanned! {hygienic()=>
        #[allow(clippy::async_yields_async)]
        async move #block
    }
}

/// `returned` as it may be written in a body: `_` for each `impl Trait`.
fn without_impl_trait(returned: &Type) -> Type {
    struct Inferred;
    impl VisitMut for Inferred {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if matches!(ty, Type::ImplTrait(_)) {
                *ty = parse_quote_spanned!(hygienic()=> _);
            } else {
                visit_mut::visit_type_mut(self, ty);
            }
        }
    }
    let mut returned = returned.clone();
    Inferred.visit_type_mut(&mut returned);
    returned
}

impl ToTokens for Handler {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Handler {
            attrs,
            vis,
            sig,
            brace,
            inner_attrs,
            statements,
        } = self;
        tokens.extend(quote!(#(#attrs)* #vis #sig));
        brace.surround(tokens, |body| {
            body.extend(quote!(#(#inner_attrs)* #statements));
        });
    }
}
