//! One line a request: method, target, status, Cache-Status, time.

use std::time::Instant;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderMap;
use actix_web::middleware::Next;

pub(crate) async fn line<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let start = Instant::now();
    let asked = format!("{} {}", request.method(), request.uri());
    let response = next.call(request).await?;
    println!(
        "{asked} {} [{}] {:.1} ms",
        response.status().as_u16(),
        cache_status(response.headers()),
        start.elapsed().as_secs_f64() * 1000.0
    );
    Ok(response)
}

fn cache_status(headers: &HeaderMap) -> &str {
    headers
        .get("cache-status")
        .and_then(|value| value.to_str().ok())
        .unwrap_or("no Cache-Status")
}
