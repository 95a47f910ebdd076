//! The site of the coverage bench, on a free port.

use std::error::Error;
use std::net::TcpListener;
use std::sync::atomic::Ordering;

use actix_web::dev::Service;
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use bench::mixed::{self, Asked, Versions};
use clap::Parser;

#[derive(Parser)]
struct Args {
    #[arg(long)]
    memcached: String,
    /// Without it, nothing is cached.
    #[arg(long)]
    cached: bool,
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    // Who asks itself must know its port before it listens.
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let pages = mixed::settings(&args.memcached)
        .refresh_through(format!("http://127.0.0.1:{port}"))
        .refresh_at_once(4)
        .enabled(args.cached)
        .build()?;
    let (versions, asked) = (Data::new(Versions::default()), Data::new(Asked::default()));
    let app = move || {
        let counter = asked.clone();
        App::new()
            .app_data(pages.clone())
            .app_data(versions.clone())
            .app_data(asked.clone())
            .route("/-/asked", web::get().to(mixed::asked))
            .configure(mixed::configure)
            .wrap_fn(move |request, service| {
                counter.0.fetch_add(1, Ordering::SeqCst);
                service.call(request)
            })
    };
    let server = HttpServer::new(app).workers(2).bind(("127.0.0.1", port))?;
    println!("listening on 127.0.0.1:{port}");
    Ok(server.run().await?)
}
