//~ #[cache_page(60)] => no return type
//~ async fn above() {} => no return type
//~ bare => `(): Responder` is not satisfied
use actix_web::{get, web};
use djanginxed::cache_page;

#[get("/below")]
#[cache_page(60)]
async fn below() {}

#[cache_page(60)]
#[get("/above")]
async fn above() {}

#[cache_page(60)]
async fn bare() {}

fn main() {
    let _ = actix_web::App::new().route("/", web::get().to(bare));
}
