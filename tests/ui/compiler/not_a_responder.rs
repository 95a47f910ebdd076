//~ u32 => `u32: Responder` is not satisfied
//~ Result<Page, Error> => `Page: Responder` is not satisfied
//~ Page => `Page: Responder` is not satisfied
//~ Page => `Page: Responder` is not satisfied
use actix_web::{Error, get, post, web};
use djanginxed::{cache_page, purges};

struct Page;

#[get("/below")]
#[cache_page(60)]
async fn below() -> u32 {
    5
}

#[cache_page(60)]
#[get("/above")]
async fn above(_id: web::Path<u32>) -> Result<Page, Error> {
    Ok(Page)
}

#[cache_page(60)]
async fn bare() -> Page {
    Page
}

#[post("/both")]
#[cache_page(60)]
#[purges("pages")]
async fn both() -> Page {
    Page
}

fn main() {
    let app = actix_web::App::new().service(below).service(above).service(both);
    let _ = app.route("/", web::get().to(bare));
}
