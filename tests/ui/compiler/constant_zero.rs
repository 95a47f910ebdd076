//~ ZERO * 60 => a page's timeout is at least 1 second
use actix_web::{Responder, get};
use djanginxed::cache_page;

const ZERO: u32 = 0;
const LONG: u64 = 900;
const PREFIX: &str = "my site";
const STYLE: &str = "text/css; charset=utf-8";

#[get("/")]
#[cache_page(ZERO * 60)]
async fn index() -> impl Responder {
    "index"
}

fn main() {
    let _ = (ZERO, LONG, PREFIX, STYLE);
    let _ = actix_web::App::new().service(index);
}
