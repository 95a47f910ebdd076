//! The application under test: one variant of the handler, on a free port.

use std::error::Error;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};
use bench::by_hand::{self, Memcached};
use bench::site::Site;
use bench::variant::Variant;
use clap::Parser;
use djanginxed::PageCache;
use tokio::sync::OnceCell;

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let variant = Variant::parse();
    let site = Data::new(Site::open(&variant)?);
    // Who asks itself must know its port before it listens.
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let mut pages = variant.cache();
    if variant.refreshes > 0 {
        pages = pages
            .refresh_through(format!("http://127.0.0.1:{port}"))
            .refresh_at_once(variant.refreshes);
    }
    let pages = pages.build()?;
    let memory = Data::new(by_hand::memory(variant.memory_bytes));
    let app = move || {
        App::new()
            .app_data(site.clone())
            .app_data(pages.clone())
            .app_data(memory.clone())
            .app_data(Data::new(Memcached {
                address: variant.memcached.clone().unwrap_or_default(),
                client: OnceCell::new(),
            }))
            .route("/-/renders", web::get().to(renders))
            .route("/-/flush", web::get().to(flush))
            .configure(|config| variant.handler.configure(config, &pages))
    };
    let server = HttpServer::new(app)
        .workers(2)
        // Else actix answers 408 to those of a burst whom it has not read in 5 s.
        .client_request_timeout(Duration::ZERO)
        .backlog(4096)
        .bind(("127.0.0.1", port))?;
    println!("listening on 127.0.0.1:{port}");
    Ok(server.run().await?)
}

/// Renders made since the start.
async fn renders(site: Data<Site>) -> String {
    site.renders().to_string()
}

/// Answers when every page handed to the background writer is stored.
async fn flush(request: actix_web::HttpRequest) -> HttpResponse {
    if let Some(pages) = request.app_data::<PageCache>() {
        pages.flush().await;
    }
    HttpResponse::NoContent().finish()
}
