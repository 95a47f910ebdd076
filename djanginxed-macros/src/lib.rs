//! The `#[cache_page]` attribute of djanginxed. Use it through the `djanginxed`
//! crate, which has to be known by this name where the attribute stands.

mod args;
mod expand;
mod fold;
mod generics;
mod handler;
mod list;
mod names;
mod page;
mod parse;
mod purges;
mod query;
mod recover;
mod spans;
mod tags;
mod timeout;
mod values;
mod visitor;

use proc_macro2::TokenStream;
use quote::quote;

use crate::args::Args;
use crate::handler::{Handler, Words};

/// Caches the page that an actix-web handler renders.
///
/// ```
/// use actix_web::{Responder, get, web};
/// use djanginxed::cache_page;
///
/// #[get("/articles/{id}")]
/// #[cache_page(60 * 15, key_prefix = "site1")]
/// async fn article(id: web::Path<u32>) -> impl Responder {
///     web::Html::new(format!("<h1>Article {id}</h1>"))
/// }
/// # let _ = actix_web::App::new().service(article);
/// ```
///
/// The body is stored under the md5 of the key prefix and the request target,
/// where nginx finds it. The cache itself is the application's `PageCache`,
/// given with `app_data`. Without one the handler runs as if it had no
/// attribute, and the log says so.
///
/// # Arguments
///
/// | argument | type | |
/// |---|---|---|
/// | first, without a name | `u32` | how many **seconds** the page lives, from 1 to 315,360,000 (ten years) |
/// | `key_prefix = …` | `&'static str` | what stands before the request target in the key, as in nginx's `set_md5 $memcached_key site1$request_uri;`: 1 to 64 of `A-Z a-z 0-9 . _ : -`. Left out, it is the prefix of the `PageCache`. |
/// | `content_type = …` | `&'static str` | the media type with which nginx serves the page (its `default_type`), without parameters. A response of another type is not stored. Left out, it is `text/html`; any other is a part of the key, and nginx finds such pages where its file says so: `djanginxed nginx --page /api/=site1,application/json`. Under `Layout::Response` each response says its own type, and this is of no matter. |
/// | `stale = …` | `u32` | for how many seconds after its timeout the page may still be given out, while it is rendered anew; see `PageCacheBuilder::stale`, which is the default |
/// | `stale_if_error = …` | `u32` | for how many seconds after its timeout the page is given out in place of an error of the application; see `PageCacheBuilder::stale_if_error` |
/// | `tags = …` | `[&'static str; _]` | up to 1,000 names of groups of pages, by which the page is purged: `["articles", "article:{id}"]`, each 1 to 1,024 visible ASCII characters. `{id}` stands for that segment of the route, percent-encoded where it is not visible ASCII. A constant is given as it is, `config::TAGS`, of type `&[&str]`. Where the route has no such segment the page is not stored (`tag`), which the log says once: the attribute cannot see a route's scopes. |
/// | `query = …` | `[&'static str; _]` | the query parameters that the page knows, each 1 to 64 of `A-Z a-z 0-9 . _ -`: `["page"]`, or `[]` for none. A request with another one takes no part (`query`): it is rendered, and neither looked up nor stored, so that nobody fills the store with `?x=1`, `?x=2`, and what an edit deletes is all that is stored. Names are compared as they are sent; `/a?` has a parameter without a name, which is not known. nginx looks such a target up, never finds it, and with `--ignore-query` takes what makes no other page out before. Left out, those of the cache's `.query([…])` are known, or all. |
///
/// Each is any constant expression: `900`, `60 * 15`, `config::TIMEOUT`,
/// `Self::TIMEOUT` in an `impl` block.
///
/// # Where it may stand
///
/// Above or below the route attribute (`#[get]`, `#[route]`, `#[routes]`, in a
/// `#[scope]` too), and on handlers without one, in `impl` blocks too:
///
/// ```
/// # use actix_web::{Responder, get, web};
/// # use djanginxed::cache_page;
/// #[cache_page(60)]
/// #[get("/front")]
/// async fn front() -> impl Responder {
///     web::Html::new("<h1>Front</h1>")
/// }
///
/// struct Site;
///
/// impl Site {
///     const TIMEOUT: u32 = 60 * 60;
///
///     #[cache_page(Self::TIMEOUT)]
///     async fn about() -> impl Responder {
///         web::Html::new("<h1>About</h1>")
///     }
/// }
///
/// actix_web::App::new()
///     .service(front)
///     .route("/about", web::get().to(Site::about));
/// ```
///
/// It stands on every `async fn` that actix-web takes as a handler. What other
/// attributes there are stays in its place; `#[tracing::instrument]` belongs
/// below the route and **above** this one, or it sees the request as one more
/// argument. In an `impl` of a trait it changes the function's signature,
/// which then is no longer the trait's.
///
/// # Calling the function yourself
///
/// The annotated function takes the request as an additional first argument
/// and returns another responder, so it is not called like the function that
/// stands there. (Where it has seven arguments or more, the request and the
/// first of them are one argument, a tuple.) To test a page, keep what renders
/// it in a function of its own, or send a request:
///
/// ```
/// # use actix_web::{App, Responder, get, test, web};
/// # use djanginxed::cache_page;
/// fn render(id: u32) -> String {
///     format!("<h1>Article {id}</h1>")
/// }
///
/// #[get("/articles/{id}")]
/// #[cache_page(60)]
/// async fn article(id: web::Path<u32>) -> impl Responder {
///     web::Html::new(render(*id))
/// }
///
/// # actix_web::rt::System::new().block_on(async {
/// assert_eq!(render(5), "<h1>Article 5</h1>");
///
/// let app = test::init_service(App::new().service(article)).await;
/// let request = test::TestRequest::get().uri("/articles/5").to_request();
/// let body = test::call_and_read_body(&app, request).await;
/// assert_eq!(body, "<h1>Article 5</h1>");
/// # });
/// ```
///
/// # What it becomes
///
/// One function with the same name, visibility, attributes and generics. Its
/// body asks the cache, and runs the handler's own statements as an
/// `async move` block where the page has to be rendered; `?` and `return` in
/// there mean what they meant.
///
/// ```text
/// #[get("/articles/{id}")]
/// async fn article(request: HttpRequest, id: web::Path<u32>) -> Served<impl Responder> {
///     serve(PAGE, &SEEN, request, rendering(async move { web::Html::new(…) })).await
/// }
/// ```
///
/// A generic return type has to be a responder, which is added to the
/// function's bounds, and type parameters live for `'static`, as in every handler
/// that actix-web takes. A parameter of the surrounding `impl` block cannot be
/// seen from the function: there the block has to say so, as in
/// `impl<T: Responder + 'static>`.
///
/// # Errors
///
/// Each of these is an error at compile time, with the caret on what is wrong:
/// a function that is not `async`, is `unsafe` or takes `self`; more than 16
/// extractors; an item that is no function, or has no body; the attribute
/// twice; no timeout; an argument that does not exist, is given twice or has
/// the wrong type; a timeout, prefix or content type out of the ranges above.
/// Literals are checked by the attribute, other constants when the compiler
/// evaluates them: with `cargo check`, or, where they depend on `Self` or a
/// type parameter, with `cargo build`.
#[proc_macro_attribute]
pub fn cache_page(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    annotate(args.into(), item.into()).into()
}

/// Purges the pages that an actix-web handler has changed, before its visitor is
/// answered.
///
/// ```
/// use actix_web::{HttpResponse, Responder, post, web};
/// use djanginxed::purges;
///
/// #[post("/articles/{id}")]
/// #[purges("articles", "article:{id}")]
/// async fn save(id: web::Path<u32>) -> impl Responder {
///     // … the article is saved.
///     HttpResponse::SeeOther()
///         .insert_header(("Location", format!("/articles/{id}")))
///         .finish()
/// }
/// # let _ = actix_web::App::new().service(save);
/// ```
///
/// When the response is a success or a redirection (2xx or 3xx), all pages with one of
/// these tags are deleted, as `PageCache::purge` does; of the cache that is given to the
/// application with `app_data`. Only then the visitor gets the response, so that the page
/// that he is sent to shows what he has changed. Any other response purges nothing.
///
/// A purge that fails is logged as an error and counted, and the response stands; so does
/// one that takes more than five seconds, which then goes on. A server that has failed is
/// asked again, in the background, when it is back.
///
/// Each tag is a constant expression of type `&'static str`: 1 to 1,024 visible ASCII
/// characters, up to 1,000 of them. `{id}` stands for that segment of the route, as in the
/// tags of `#[cache_page]`; a route without it is a failed purge.
///
/// It stands on every `async fn` that actix-web takes as a handler, above or below the
/// route attribute and `#[cache_page]`. What `#[cache_page]` says of calling the function
/// and of generic types holds here, too.
///
/// # Errors
///
/// At compile time, with the caret on what is wrong: no tag, or one that is none; a
/// function that is not `async`, is `unsafe` or takes `self`; more than 16 extractors; an
/// item that is no function, or has no body.
#[proc_macro_attribute]
pub fn purges(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    purges::annotate(args.into(), item.into()).into()
}

fn annotate(args: TokenStream, item: TokenStream) -> TokenStream {
    const WORDS: Words = Words {
        attribute: "#[cache_page]",
        does: "renders a page",
        body: "a page is rendered by",
    };
    let handler = match Handler::read(&WORDS, item.clone()) {
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
