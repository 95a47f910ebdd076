//! Many requests through actix's test service, without sockets of HTTP: what is counted of this
//! process depends on the code alone, not on the machine's mood.

use std::path::Path;
use std::time::Duration;

use actix_web::body::to_bytes;
use actix_web::web::Data;
use actix_web::{App, test};
use anyhow::{Error, Result, ensure};

use super::Variant;
use super::site::Site;

/// Asks for `target`, or for as many targets as there are requests where it ends with a slash.
pub(crate) async fn ask(
    variant: Variant,
    pages: &Path,
    target: &str,
    requests: usize,
    memcached: Option<&str>,
) -> Result<()> {
    let site = Site::open(&variant, pages)?;
    // Valgrind makes everything fifty times slower.
    let pages = variant
        .cache(memcached)?
        .operation_timeout(Duration::from_secs(10))
        .build()?;
    let app = App::new()
        .app_data(Data::new(site))
        .app_data(pages.clone())
        .configure(|config| variant.handler.configure(config, &pages));
    let app = test::init_service(app).await;
    for number in 0..requests {
        let target = match target.ends_with('/') {
            true => format!("{target}{number}"),
            false => target.to_owned(),
        };
        let request = test::TestRequest::get().uri(&target);
        let response = test::call_service(&app, request.to_request()).await;
        ensure!(response.status() == 200, "status {}", response.status());
        to_bytes(response.into_body())
            .await
            .map_err(|error| Error::msg(error.to_string()))?;
        if number == 0 {
            // So that a hit is one from the store, not from the queue to it.
            pages.flush().await;
        }
    }
    pages.flush().await;
    Ok(())
}
