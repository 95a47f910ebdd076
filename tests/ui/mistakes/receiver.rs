use actix_web::{Responder, get, web};
use djanginxed::cache_page;

struct Site(String);

impl Site {
    #[cache_page(60)]
    async fn title(&self) -> String {
        self.0.clone()
    }

    #[cache_page(60)]
    async fn owned(self: std::rc::Rc<Self>) -> impl Responder {
        "owned"
    }
}

#[get("/free")]
#[cache_page(60)]
async fn free(&self) -> impl Responder {
    "free"
}

fn main() {
    let _ = Site(String::new()).title();
    let _ = actix_web::App::new()
        .service(free)
        .route("/owned", web::get().to(Site::owned));
}
