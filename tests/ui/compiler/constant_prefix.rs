//~ PREFIX => a key prefix is 1 to 64 of `A-Z a-z 0-9 . _ : -`
use actix_web::{Responder, get};
use djanginxed::cache_page;

const ZERO: u32 = 0;
const LONG: u64 = 900;
const PREFIX: &str = "my site";
const STYLE: &str = "text/css; charset=utf-8";

#[get("/")]
#[cache_page(60, key_prefix = PREFIX)]
async fn index() -> impl Responder {
    "index"
}

fn main() {
    let _ = (ZERO, LONG, PREFIX, STYLE);
    let _ = actix_web::App::new().service(index);
}
