//~ 60 * 60 * 24 * 365 * 200 => overflow
use actix_web::{Responder, get};
use djanginxed::cache_page;

#[get("/")]
#[cache_page(60 * 60 * 24 * 365 * 200)]
async fn index() -> impl Responder {
    "index"
}

fn main() {
    let _ = actix_web::App::new().service(index);
}
