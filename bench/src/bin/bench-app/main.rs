//! The application under test: one variant of the handler, on a free port.

use std::error::Error;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};
use bench::by_hand::{self, Memcached};
use bench::site::Site;
use bench::stand::SECRET;
use bench::variant::Variant;
use clap::Parser;
use djanginxed::{Layout, PageCache, Vary};
use tokio::sync::OnceCell;

#[derive(Clone, Parser)]
struct Args {
    #[command(flatten)]
    variant: Variant,
    /// Processor time of a render, in milliseconds.
    #[arg(long, default_value_t = 0)]
    computing_ms: u64,
    /// Time that a render waits, in milliseconds.
    #[arg(long, default_value_t = 0)]
    waiting_ms: u64,
    #[arg(long)]
    gzip: bool,
    /// Entries are whole responses.
    #[arg(long)]
    whole: bool,
    /// What pages vary by.
    #[arg(long)]
    vary: Vec<Vary>,
    /// Pages may have parts of a visitor's own.
    #[arg(long)]
    parts: bool,
    /// Renders at a time by which it looks after its pages; none where it does not.
    #[arg(long, default_value_t = 0)]
    refreshes: usize,
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let site = Data::new(Site::open(
        &args.variant.pages,
        Duration::from_millis(args.computing_ms),
        Duration::from_millis(args.waiting_ms),
    )?);
    // Who asks itself must know its port before it listens.
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let pages = page_cache(&args, port)?;
    let memory = Data::new(by_hand::memory(args.variant.memory_bytes));
    let settings = args.clone();
    let app = move || {
        App::new()
            .app_data(site.clone())
            .app_data(pages.clone())
            .app_data(memory.clone())
            .app_data(Data::new(Memcached {
                address: settings.variant.memcached.clone().unwrap_or_default(),
                client: OnceCell::new(),
            }))
            .route("/-/renders", web::get().to(renders))
            .route("/-/flush", web::get().to(flush))
            .configure(|config| settings.variant.handler.configure(config, &pages))
    };
    let server = HttpServer::new(app)
        .workers(2)
        // Else actix answers 408 to those of a burst whom it has not read in 5 s.
        .client_request_timeout(Duration::ZERO)
        .backlog(4096)
        .bind(("127.0.0.1", port))?;
    for address in server.addrs() {
        println!("listening on {address}");
    }
    Ok(server.run().await?)
}

fn page_cache(args: &Args, port: u16) -> Result<PageCache, djanginxed::ConfigError> {
    let layout = match args.whole {
        true => Layout::Response,
        false => Layout::Body,
    };
    let mut builder = args.variant.cache().layout(layout);
    builder = builder.gzip(args.gzip).parts(args.parts);
    for rule in &args.vary {
        builder = builder.vary(rule.clone().with_secret(SECRET));
    }
    if args.refreshes > 0 {
        builder = builder
            .refresh_through(format!("http://127.0.0.1:{port}"))
            .refresh_at_once(args.refreshes);
    }
    builder.build()
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
