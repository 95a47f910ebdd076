//! Timeouts, prefixes and content types that are right.

use actix_web::{HttpRequest, get, web};
use djanginxed::cache_page;

use crate::app::body;

mod config {
    pub(super) const HOUR: u32 = 60 * 60;
    pub(super) const PREFIX: &str = "configured";
    pub(super) const fn minutes(number: u32) -> u32 {
        number * 60
    }
}

macro_rules! page {
    ($name:ident: $($setting:tt)*) => {
        #[get("/page")]
        #[cache_page($($setting)*)]
        async fn $name(request: HttpRequest) -> String {
            request.path().into()
        }
    };
}

page!(literal: 900);
page!(trailing_comma: 900,);
page!(suffix: 900_u32);
page!(hexadecimal: 0x10);
page!(product: 60 * 15);
page!(constant: config::HOUR);
page!(constant_product: config::HOUR * 24);
page!(constant_function: config::minutes(5));
page!(block: if cfg!(debug_assertions) { 1 } else { 60 });
page!(one_second: 1);
page!(ten_years: 315_360_000);
page!(prefix: 60, key_prefix = "site1");
page!(prefix_with_every_mark: 60, key_prefix = "A-Z.a_z:0-9",);
page!(prefix_raw: 60, key_prefix = r"site1");
page!(prefix_constant: 60, key_prefix = config::PREFIX);
page!(prefix_macro: 60, key_prefix = concat!("site", 1));
page!(longest_prefix: 60, key_prefix = "0123456789012345678901234567890123456789012345678901234567890123");
page!(content_type: 60, content_type = "application/rss+xml");
page!(content_type_constant: 60, content_type = CSS);
page!(both: 60, key_prefix = "site1", content_type = "text/css");
page!(both_swapped: config::minutes(5), content_type = "text/css", key_prefix = config::PREFIX);

const CSS: &str = "text/css";

#[actix_web::test]
async fn right_settings_compile_and_serve() {
    let pages = || {
        web::scope("")
            .service(web::scope("/0").service(literal).service(trailing_comma))
            .service(web::scope("/1").service(suffix).service(hexadecimal))
    };
    assert_eq!(body(pages(), "/0/page").await, "/0/page");
    assert_eq!(body(product, "/page").await, "/page");
    assert_eq!(body(constant, "/page").await, "/page");
    assert_eq!(body(constant_product, "/page").await, "/page");
    assert_eq!(body(constant_function, "/page").await, "/page");
    assert_eq!(body(block, "/page").await, "/page");
    assert_eq!(body(one_second, "/page").await, "/page");
    assert_eq!(body(ten_years, "/page").await, "/page");
    assert_eq!(body(prefix, "/page").await, "/page");
    assert_eq!(body(prefix_with_every_mark, "/page").await, "/page");
    assert_eq!(body(prefix_raw, "/page").await, "/page");
    assert_eq!(body(prefix_constant, "/page").await, "/page");
    assert_eq!(body(prefix_macro, "/page").await, "/page");
    assert_eq!(body(longest_prefix, "/page").await, "/page");
    assert_eq!(body(content_type, "/page").await, "/page");
    assert_eq!(body(content_type_constant, "/page").await, "/page");
    assert_eq!(body(both, "/page").await, "/page");
    assert_eq!(body(both_swapped, "/page").await, "/page");
}
