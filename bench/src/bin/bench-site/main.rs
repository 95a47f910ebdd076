//! The mixed site: of the coverage bench, of the soak, and of the test of every visitor.

use std::error::Error;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::dev::Service;
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use bench::mixed::{self, Asked, Life, Versions};
use clap::Parser;
use djanginxed::Layout;

#[derive(Parser)]
struct Args {
    #[arg(long)]
    memcached: String,
    /// Without it, nothing is cached.
    #[arg(long)]
    cached: bool,
    /// The layout is that of bodies.
    #[arg(long)]
    bodies: bool,
    /// The file of the articles' versions, which several processes may share.
    #[arg(long)]
    versions: PathBuf,
    /// A free port, unless told.
    #[arg(long)]
    port: Option<u16>,
    /// For how many seconds an article lives.
    #[arg(long, default_value_t = 900)]
    life: u64,
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    // Who asks itself must know its port before it listens.
    let port = match args.port {
        Some(port) => port,
        None => TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port(),
    };
    let layout = match args.bodies {
        true => Layout::Body,
        false => Layout::Response,
    };
    let pages = mixed::settings(&args.memcached, layout)
        .refresh_through(format!("http://127.0.0.1:{port}"))
        .refresh_at_once(4)
        .enabled(args.cached)
        .build()?;
    let versions = Data::new(Versions::open(&args.versions)?);
    let life = Data::new(Life(Duration::from_secs(args.life)));
    let asked = Data::new(Asked::default());
    let app = move || {
        let counter = asked.clone();
        App::new()
            .app_data(pages.clone())
            .app_data(versions.clone())
            .app_data(life.clone())
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
