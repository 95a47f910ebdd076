//! What the cache has counted, for Prometheus.

use std::time::Duration;

use actix_web::{HttpResponse, get, rt, web};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// From a lookup on the same machine to a render that visitors notice.
const SECONDS: [f64; 8] = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 1.0];

/// How often samples are moved out of the recorder's buffers.
const UPKEEP: Duration = Duration::from_secs(5);

/// Records everything from now on.
pub(crate) fn record() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .install_recorder()?;
    let upkeep = handle.clone();
    rt::spawn(async move {
        loop {
            rt::time::sleep(UPKEEP).await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}

#[get("/metrics")]
pub(crate) async fn page(metrics: web::Data<PrometheusHandle>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(metrics.render())
}
