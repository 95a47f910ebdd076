use actix_web::{Responder, get};
use djanginxed::cache_page;

#[get("/{id}")]
#[cache_page(900, tags = ["article:{id"])]
async fn index() -> impl Responder {
    "index"
}

fn main() {
    let _ = actix_web::App::new().service(index);
}
