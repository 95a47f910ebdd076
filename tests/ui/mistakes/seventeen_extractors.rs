use actix_web::http::Method;
use actix_web::{Responder, get};
use djanginxed::cache_page;

#[get("/")]
#[cache_page(60)]
async fn index(
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    seventeenth: Method,
) -> impl Responder {
    seventeenth.to_string()
}

fn main() {
    let _ = actix_web::App::new().service(index);
}
