//! Names of the user that are also names of the expansion.

use actix_web::{Responder, get, web};
use djanginxed::cache_page;

use crate::app::{Number, body};

mod shadowed {
    //! A module whose names hide those of the prelude and of the crates.
    #![allow(non_camel_case_types, dead_code)]

    use super::{Responder, cache_page, get};

    struct Option;
    struct Result;
    struct Some;
    struct Future;
    struct Served;
    struct u32;
    struct str;
    mod core {}
    mod alloc {}
    mod djanginxed {}

    #[get("/shadowed")]
    #[cache_page(60, key_prefix = "shadowed")]
    async fn page() -> impl Responder {
        Ok::<_, std::io::Error>(String::from("shadowed"))
    }

    pub(super) fn service() -> impl super::HttpServiceFactory + 'static {
        page
    }
}

use actix_web::dev::HttpServiceFactory;

const __PAGE: &str = "user's page";
static __SEEN: &str = "user's seen";
const PAGE: u8 = 1;
const TIMEOUT: u32 = 60;
const PREFIX: &str = "site1";

#[get("/items")]
#[cache_page(TIMEOUT * 2, key_prefix = PREFIX)]
async fn items() -> String {
    format!("{__PAGE} {__SEEN} {PAGE} {TIMEOUT}")
}

#[get("/locals")]
#[cache_page({ let value = 1; let timeout = 2; value + timeout })]
async fn locals(seen: Number, value: web::Data<String>) -> String {
    let never = 1;
    let timeout = 2;
    format!("{seen} {} {never} {timeout}", value.as_str())
}

#[get("/serve")]
#[cache_page(60)]
async fn serve() -> &'static str {
    "serve"
}

#[get("/page")]
#[cache_page(60)]
async fn page(handler: Number) -> String {
    handler.to_string()
}

#[get("/request")]
#[cache_page(60)]
async fn request() -> &'static str {
    "request"
}

#[get("/Page")]
#[cache_page(60)]
#[allow(non_snake_case)]
async fn Page() -> &'static str {
    "Page"
}

#[get("/cache_page")]
#[djanginxed::cache_page(60)]
async fn cache_page_by_path() -> &'static str {
    "by path"
}

#[actix_web::test]
async fn no_name_of_the_user_is_taken() {
    assert_eq!(body(shadowed::service(), "/shadowed").await, "shadowed");
    assert_eq!(body(items, "/items").await, "user's page user's seen 1 60");
    assert_eq!(body(locals, "/locals").await, "7 shared 1 2");
    assert_eq!(body(serve, "/serve").await, "serve");
    assert_eq!(body(page, "/page").await, "7");
    assert_eq!(body(request, "/request").await, "request");
    assert_eq!(body(Page, "/Page").await, "Page");
    assert_eq!(body(cache_page_by_path, "/cache_page").await, "by path");
}
