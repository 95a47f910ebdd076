//~ { => mismatched types
//~ 6 => mismatched types
//~ 5 => mismatched types
use actix_web::get;
use djanginxed::cache_page;

#[get("/unit")]
#[cache_page(60)]
async fn unit() -> String {
    String::from("unit");
}

#[get("/number")]
#[cache_page(60)]
async fn number(early: actix_web::web::Path<bool>) -> &'static str {
    if *early {
        return 6;
    }
    5
}

fn main() {
    let _ = actix_web::App::new().service(unit).service(number);
}
