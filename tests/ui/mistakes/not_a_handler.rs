use actix_web::HttpResponse;
use djanginxed::cache_page;

#[cache_page(60)]
struct Page;

#[cache_page(60)]
pub enum Pages {
    Front,
}

#[cache_page(60)]
impl Page {
    async fn page() -> HttpResponse {
        HttpResponse::Ok().finish()
    }
}

#[cache_page(60)]
mod pages {}

#[cache_page(60)]
const TIMEOUT: u32 = 60;

#[cache_page(60)]
use std::fmt;

trait Site {
    #[cache_page(60)]
    async fn page() -> HttpResponse;

    #[cache_page(60)]
    type Page: fmt::Debug;
}

fn main() {
    let _ = (Page::page(), TIMEOUT, Pages::Front);
}
