//~ 60 * 60 * 24 * 365 * 11 => a page's timeout is at most 315360000 seconds (ten years)
use actix_web::{Responder, get};
use djanginxed::cache_page;

#[get("/")]
#[cache_page(60 * 60 * 24 * 365 * 11)]
async fn index() -> impl Responder {
    "index"
}

fn main() {
    let _ = actix_web::App::new().service(index);
}
