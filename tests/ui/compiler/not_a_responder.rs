//~ u32 => `u32: Responder` is not satisfied
use actix_web::get;
use djanginxed::cache_page;

#[get("/below")]
#[cache_page(60)]
async fn below() -> u32 {
    5
}

fn main() {
    let _ = actix_web::App::new().service(below);
}
