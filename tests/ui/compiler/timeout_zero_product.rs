//~ 0 * 5 => a page's timeout is at least 1 second
use actix_web::{Responder, get};
use djanginxed::cache_page;

#[get("/")]
#[cache_page(0 * 5)]
async fn index() -> impl Responder {
    "index"
}

fn main() {
    let _ = actix_web::App::new().service(index);
}
