use actix_web::{Responder, get};
use djanginxed::{cache_page, cache_page as cached};

#[get("/next")]
#[cache_page(60)]
#[cache_page(90)]
async fn next_to_each_other() -> impl Responder {
    "twice"
}

#[cache_page(60)]
#[get("/around")]
#[djanginxed::cache_page(90)]
async fn around_the_route() -> impl Responder {
    "twice"
}

#[get("/renamed")]
#[cached(60)]
#[cached(90)]
async fn renamed() -> impl Responder {
    "twice"
}

fn main() {
    let _ = actix_web::App::new()
        .service(next_to_each_other)
        .service(around_the_route)
        .service(renamed);
}
