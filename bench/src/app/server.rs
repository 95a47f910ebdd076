//! The application under test: one variant of the handler, on a free port.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::web::{self, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use anyhow::Result;
use djanginxed::PageCache;
use tokio::sync::OnceCell;

use super::Variant;
use super::by_hand::{self, Memcached};
use super::site::Site;

/// Where it says how many renders were made since the start.
pub(super) const RENDERS: &str = "/-/renders";

/// Answers when every page handed to the background writer is stored.
pub(super) const FLUSH: &str = "/-/flush";

pub(crate) async fn serve(variant: Variant, memcached: Option<&str>) -> Result<()> {
    let site = Data::new(Site::of(&variant)?);
    // Who asks itself must know its port before it listens.
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let mut pages = variant.cache(memcached)?;
    if variant.refreshes > 0 {
        pages = pages
            .refresh_through(format!("http://127.0.0.1:{port}"))
            .refresh_at_once(variant.refreshes);
    }
    let pages = pages.build()?;
    let memory = Data::new(by_hand::memory(variant.memory_bytes));
    let memcached = memcached.unwrap_or_default().to_owned();
    let app = move || {
        App::new()
            .app_data(site.clone())
            .app_data(pages.clone())
            .app_data(memory.clone())
            .app_data(Data::new(Memcached {
                address: memcached.clone(),
                client: OnceCell::new(),
            }))
            .route(RENDERS, web::get().to(renders))
            .route(FLUSH, web::get().to(flush))
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

async fn renders(site: Data<Site>) -> String {
    site.renders().to_string()
}

async fn flush(request: HttpRequest) -> HttpResponse {
    if let Some(pages) = request.app_data::<PageCache>() {
        pages.flush().await;
    }
    HttpResponse::NoContent().finish()
}
