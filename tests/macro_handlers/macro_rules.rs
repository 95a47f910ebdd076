//! Handlers made by `macro_rules`.

use actix_web::{HttpRequest, Responder, get, web};
use djanginxed::cache_page;

use crate::app::{Number, body};

macro_rules! page {
    ($(#[$meta:meta])* $vis:vis $name:ident, $path:literal, $secs:expr, $prefix:literal, $body:block) => {
        $(#[$meta])*
        #[get($path)]
        #[cache_page($secs, key_prefix = $prefix)]
        $vis async fn $name() -> impl Responder $body
    };
}

page!(
    /// A page of one block.
    #[allow(clippy::let_and_return)]
    pub(crate) block, "/block", 60 * 2, "site1", {
        let text = "block";
        text
    }
);

macro_rules! typed {
    ($name:ident($arg:ident: $ty:ty, $pat:pat => $pat_ty:ty) -> $ret:ty, $timeout:literal, $body:expr) => {
        #[cache_page($timeout)]
        #[get("/typed")]
        async fn $name($arg: $ty, $pat: $pat_ty) -> $ret {
            $body
        }
    };
}

typed!(typed(request: HttpRequest, web::Query(_) => web::Query<Vec<(String, String)>>) -> Result<impl Responder, Box<dyn std::error::Error>>, 60, {
    let path = request.path().parse::<String>()?;
    Ok(path)
});

macro_rules! hygienic {
    ($name:ident, $value:expr) => {
        #[get("/hygienic")]
        #[cache_page(SECONDS)]
        async fn $name(__request: Number, request: HttpRequest) -> String {
            let page = 1;
            let never = $value;
            format!("{page} {never} {__request} {}", request.path())
        }
    };
}

const SECONDS: u32 = 60;
hygienic!(hygienic, { 5 });

macro_rules! whole {
    ($($item:item)*) => { $($item)* };
}

whole! {
    #[get("/whole")]
    #[cache_page(60)]
    async fn whole() -> &'static str { "whole" }
}

macro_rules! method {
    ($site:ident { $($name:ident = $text:expr),* $(,)? }) => {
        struct $site;
        impl $site {
            $(
                #[cache_page(60, key_prefix = stringify!($name))]
                async fn $name() -> &'static str { $text }
            )*
        }
    };
}

method!(Site { front = "front page", about = concat!("about", " us") });

macro_rules! body_tokens {
    ($name:ident { $($body:tt)* }) => {
        #[get("/tokens")]
        #[cache_page(60)]
        async fn $name() -> Option<String> { $($body)* }
    };
}

body_tokens!(tokens {
    let first = ["a", "b"].first()?;
    return Some((*first).to_string());
});

#[actix_web::test]
async fn handlers_made_by_macros_are_served() {
    assert_eq!(body(block, "/block").await, "block");
    assert_eq!(body(typed, "/typed").await, "/typed");
    assert_eq!(body(hygienic, "/hygienic").await, "1 5 7 /hygienic");
    assert_eq!(body(whole, "/whole").await, "whole");
    assert_eq!(body(tokens, "/tokens").await, "a");
    let front = web::resource("/").to(Site::front);
    assert_eq!(body(front, "/").await, "front page");
    let about = web::resource("/").to(Site::about);
    assert_eq!(body(about, "/").await, "about us");
}
