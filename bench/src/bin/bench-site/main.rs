//! The shop of examples/shop, with its requests counted: of the coverage bench, of the soak,
//! and of the tests of every visitor.

#[path = "../../../../examples/shop/main.rs"]
#[allow(dead_code, reason = "its main is not this program's")]
mod shop;

use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::dev::Service;
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};

use shop::Shop;
use shop::settings::Settings;

/// Requests that have reached the application.
#[derive(Default)]
struct Asked(AtomicU64);

async fn asked(asked: Data<Asked>) -> String {
    asked.0.load(Ordering::SeqCst).to_string()
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let settings = Settings::of_environment()?;
    let shop = Shop::open(&settings)?;
    let counter = Data::new(Asked::default());
    let app = move || {
        let counter = counter.clone();
        App::new()
            .app_data(counter.clone())
            .route("/-/asked", web::get().to(asked))
            .configure(|config| shop.configure(config))
            .wrap_fn(move |request, service| {
                counter.0.fetch_add(1, Ordering::SeqCst);
                service.call(request)
            })
    };
    let server = HttpServer::new(app).workers(2).tcp_nodelay(true);
    let server = server.bind(&settings.listen)?;
    println!("listening on {}", settings.listen);
    Ok(server.run().await?)
}
