//! Many requests through actix's test service, without sockets of HTTP: what
//! is counted of this program (instructions, allocations) depends on the code
//! alone, not on the machine's mood.

use std::alloc::System;
use std::error::Error;
use std::time::Duration;

use actix_web::body::to_bytes;
use actix_web::web::Data;
use actix_web::{App, test};
use bench::site::Site;
use bench::variant::Variant;
use clap::Parser;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// So many requests are not counted.
const BEFORE: usize = 100;

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    variant: Variant,
    /// The page asked for.
    #[arg(long)]
    page: String,
    /// Requests counted, after some of the same kind.
    #[arg(long)]
    requests: usize,
    /// All requests have one target, instead of one each.
    #[arg(long)]
    hit: bool,
    #[arg(long)]
    render_lock: bool,
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let Args { variant, .. } = &args;
    let site = Site::open(variant)?;
    let pages = variant.cache().render_lock(args.render_lock);
    // Callgrind makes everything fifty times slower.
    let pages = pages.operation_timeout(Duration::from_secs(10)).build()?;
    let app = App::new()
        .app_data(Data::new(site))
        .app_data(pages.clone())
        .configure(|config| variant.handler.configure(config, &pages));
    let app = test::init_service(app).await;
    let target = |number| match args.hit {
        true => format!("/{}/hit", args.page),
        false => format!("/{}/{number}", args.page),
    };
    let ask = async |numbers: std::ops::Range<usize>| -> Result<(), Box<dyn Error>> {
        for number in numbers {
            let request = test::TestRequest::get().uri(&target(number));
            let response = test::call_service(&app, request.to_request()).await;
            if !response.status().is_success() {
                return Err(format!("status {}", response.status()).into());
            }
            to_bytes(response.into_body()).await?;
            if number == 0 {
                // So that a hit is one from the store, not from the queue to it.
                pages.flush().await;
            }
        }
        Ok(())
    };
    ask(0..BEFORE).await?;
    pages.flush().await;
    let region = Region::new(ALLOCATOR);
    ask(BEFORE..BEFORE + args.requests).await?;
    pages.flush().await;
    let counted = region.change();
    println!(
        r#"{{"allocations": {}, "bytes": {}}}"#,
        counted.allocations + counted.reallocations,
        counted.bytes_allocated
    );
    Ok(())
}
