use actix_web::{Responder, post};
use djanginxed::purges;

#[post("/{id}")]
#[purges(7)]
async fn save() -> impl Responder {
    "saved"
}

fn main() {
    let _ = actix_web::App::new().service(save);
}
