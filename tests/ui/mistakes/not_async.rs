use actix_web::{HttpResponse, Responder, get, web};
use djanginxed::cache_page;

#[get("/below")]
#[cache_page(60)]
fn below() -> impl Responder {
    "below"
}

#[cache_page(60)]
#[get("/above")]
pub(crate) fn above() -> HttpResponse {
    HttpResponse::Ok().finish()
}

#[cache_page(60)]
fn by_hand() -> impl Future<Output = HttpResponse> {
    async { HttpResponse::Ok().finish() }
}

fn main() {
    let _ = actix_web::App::new()
        .service(below)
        .service(above)
        .route("/by-hand", web::get().to(by_hand));
}
