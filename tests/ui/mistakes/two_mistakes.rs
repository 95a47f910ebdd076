use actix_web::{Responder, get};
use djanginxed::cache_page;

#[get("/")]
#[cache_page(0, key_prefix = "my site")]
async fn index() -> impl Responder {
    "index"
}

fn main() {
    let _ = actix_web::App::new().service(index);
}
