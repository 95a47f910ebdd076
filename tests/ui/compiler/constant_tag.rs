//~ TAGS => a tag is 1 to 1,024 visible ASCII characters
use actix_web::{Responder, get};
use djanginxed::cache_page;

const TAGS: &[&str] = &["articles", "two words"];

#[get("/")]
#[cache_page(60, tags = TAGS)]
async fn index() -> impl Responder {
    "index"
}

fn main() {
    let _ = TAGS;
    let _ = actix_web::App::new().service(index);
}
