use actix_web::{Responder, get};
use djanginxed::cache_page;

#[get("/")]
#[cache_page(900, key_prefix = "01234567890123456789012345678901234567890123456789012345678901234")]
async fn index() -> impl Responder {
    "index"
}

fn main() {
    let _ = actix_web::App::new().service(index);
}
