use actix_web::{Responder, get};
use djanginxed::cache_page;

#[get("/")]
#[cache_page(900, query = [1])]
async fn index() -> impl Responder {
    "index"
}

fn main() {
    let _ = actix_web::App::new().service(index);
}
