//~ NAMES => the name of a query parameter is 1 to 64 of `A-Z a-z 0-9 . _ -`
use actix_web::{Responder, get};
use djanginxed::cache_page;

const NAMES: &[&str] = &["page", "a=b"];

#[get("/")]
#[cache_page(60, query = NAMES)]
async fn index() -> impl Responder {
    "index"
}

fn main() {
    let _ = NAMES;
    let _ = actix_web::App::new().service(index);
}
