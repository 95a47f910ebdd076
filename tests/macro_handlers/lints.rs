//! Lints that the user sets, at their strictest.
#![forbid(unused, dead_code, unreachable_code, unused_must_use)]
#![forbid(
    clippy::needless_return,
    clippy::diverging_sub_expression,
    clippy::let_unit_value,
    clippy::items_after_statements,
    clippy::used_underscore_binding,
    clippy::used_underscore_items,
    clippy::too_many_arguments,
    clippy::type_complexity,
    clippy::large_futures
)]
#![deny(
    single_use_lifetimes,
    unused_lifetimes,
    trivial_casts,
    unreachable_pub,
    unused_extern_crates,
    unused_import_braces,
    unused_results,
    let_underscore_drop,
    variant_size_differences,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::shadow_unrelated,
    clippy::shadow_reuse,
    clippy::missing_docs_in_private_items,
    clippy::std_instead_of_core,
    clippy::min_ident_chars,
    clippy::multiple_inherent_impl,
    clippy::nursery
)]
#![allow(clippy::future_not_send)]

use actix_web::{HttpResponse, Responder, get, web};
use djanginxed::cache_page;

use crate::app::{Number, body};

/// A page.
#[get("/page/{name}")]
#[cache_page(60 * 15, key_prefix = "site1")]
async fn page(name: web::Path<String>) -> Result<impl Responder, Box<dyn core::error::Error>> {
    let number: u32 = name.parse()?;
    Ok(HttpResponse::Ok().body(number.to_string()))
}

/// A page of seven extractors, the most that clippy allows by default.
#[get("/seven")]
#[cache_page(60 * 15)]
async fn seven(
    first: Number,
    _: Number,
    _: Number,
    _: Number,
    _: Number,
    _: Number,
    _: Number,
) -> String {
    first.to_string()
}

#[actix_web::test]
async fn strict_lints_of_the_user_find_nothing_in_the_expansion() {
    assert_eq!(body(page, "/page/1").await, "1");
    assert_eq!(body(seven, "/seven").await, "7");
}
