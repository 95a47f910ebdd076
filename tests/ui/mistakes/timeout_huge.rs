use actix_web::{Responder, get};
use djanginxed::cache_page;

#[get("/")]
#[cache_page(99999999999999999999999)]
async fn index() -> impl Responder {
    "index"
}

fn main() {
    let _ = actix_web::App::new().service(index);
}
