//! The shop of examples/shop, with its requests counted: of the coverage bench, of the soak,
//! and of the tests of every visitor.

#[path = "../../../../examples/shop/main.rs"]
#[allow(dead_code, reason = "its main is not this program's")]
mod shop;

use std::collections::HashSet;
use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::dev::{Service, ServiceRequest};
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};

use bench::visit::NUMBER;
use parking_lot::Mutex;
use shop::Shop;
use shop::settings::Settings;

/// What has reached the application.
#[derive(Default)]
struct Asked {
    requests: AtomicU64,
    /// The numbers of the visits for which one of them at least was made.
    visits: Mutex<HashSet<u64>>,
}

impl Asked {
    fn count(&self, request: &ServiceRequest) {
        self.requests.fetch_add(1, Ordering::SeqCst);
        let number = request.headers().get(NUMBER);
        let number = number.and_then(|number| number.to_str().ok()?.parse().ok());
        if let Some(number) = number {
            self.visits.lock().insert(number);
        }
    }
}

async fn asked(asked: Data<Asked>) -> String {
    asked.requests.load(Ordering::SeqCst).to_string()
}

async fn visits(asked: Data<Asked>) -> String {
    asked.visits.lock().len().to_string()
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
            .route("/-/visits", web::get().to(visits))
            .configure(|config| shop.configure(config))
            .wrap_fn(move |request, service| {
                counter.count(&request);
                service.call(request)
            })
    };
    let server = HttpServer::new(app).workers(2).tcp_nodelay(true);
    let server = server.bind(&settings.listen)?;
    println!("listening on {}", settings.listen);
    Ok(server.run().await?)
}
