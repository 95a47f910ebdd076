//! The shop of examples/shop, with its requests counted.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::dev::{Service, ServiceRequest};
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use anyhow::{Error, Result};
use parking_lot::Mutex;

use crate::shop::Shop;
use crate::shop::settings::Settings;
use crate::visit::NUMBER;

/// Where it says how many requests have reached it.
pub const ASKED: &str = "/-/asked";

/// Where it says of how many visits they were.
pub const REACHED: &str = "/-/visits";

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

/// Serves as the environment says, until the process is ended.
///
/// # Errors
/// When a setting is refused, or the port is taken.
pub async fn serve() -> Result<()> {
    let settings = Settings::of_environment().map_err(Error::msg)?;
    let shop = Shop::open(&settings).map_err(Error::msg)?;
    let counter = Data::new(Asked::default());
    let app = move || {
        let counter = counter.clone();
        App::new()
            .app_data(counter.clone())
            .route(ASKED, web::get().to(asked))
            .route(REACHED, web::get().to(visits))
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
