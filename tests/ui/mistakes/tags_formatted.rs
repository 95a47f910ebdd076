use actix_web::{Responder, get, web};
use djanginxed::cache_page;

#[get("/{id}")]
#[cache_page(900, tags = ["articles", format!("article:{}", id)])]
async fn index(id: web::Path<u32>) -> impl Responder {
    id.to_string()
}

fn main() {
    let _ = actix_web::App::new().service(index);
}
