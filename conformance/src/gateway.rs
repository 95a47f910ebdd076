//! An application that passes on what the suite's own server answers, each response
//! a page.

use std::io;
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use actix_web::http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, rt, web};
use awc::Client;
use djanginxed::{PageCache, cache_page};

/// Where the suite's server listens.
#[derive(Clone, Copy)]
pub(crate) struct Origin(pub(crate) u16);

#[cache_page(1_000_000)]
async fn page(
    request: HttpRequest,
    body: web::Bytes,
    client: web::Data<Client>,
    origin: web::Data<Origin>,
) -> HttpResponse {
    let url = format!("http://127.0.0.1:{}{}", origin.0, request.uri());
    let mut asked = client
        .request(request.method().clone(), url)
        .timeout(Duration::from_secs(10))
        .no_decompress();
    for (name, value) in request.headers() {
        if ![HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name) {
            asked = asked.append_header((name.clone(), value.clone()));
        }
    }
    match asked.send_body(body).await {
        Ok(answer) => passed_on(answer).await,
        Err(error) => HttpResponse::BadGateway().body(error.to_string()),
    }
}

async fn passed_on<S>(mut answer: awc::ClientResponse<S>) -> HttpResponse
where
    S: futures_core::Stream<Item = Result<web::Bytes, awc::error::PayloadError>> + Unpin,
{
    let mut response = HttpResponse::build(answer.status());
    let named: Vec<_> = answer
        .headers()
        .get_all(CONNECTION)
        .flat_map(|line| line.to_str().unwrap_or_default().split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    for (name, value) in answer.headers() {
        if named.iter().any(|hop| hop == name.as_str()) {
            continue;
        }
        if ![CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name) {
            response.append_header((name.clone(), value.clone()));
        }
    }
    match answer.body().limit(16 << 20).await {
        Ok(body) => response.body(body),
        // Half an answer is none, as for any handler that reads one.
        Err(error) => HttpResponse::BadGateway().body(error.to_string()),
    }
}

/// Starts the application, for as long as the process lives; its port.
pub(crate) fn start(pages: PageCache, origin: Origin) -> io::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    let (started, is_started) = mpsc::channel();
    thread::spawn(move || {
        rt::System::new().block_on(async move {
            let app = move || {
                let client = Client::builder().disable_redirects().finish();
                App::new()
                    .app_data(pages.clone())
                    .app_data(web::Data::new(client))
                    .app_data(web::Data::new(origin))
                    .default_service(web::to(page))
            };
            let server = HttpServer::new(app).workers(2).listen(listener)?.run();
            let _ = started.send(());
            server.await
        })
    });
    is_started
        .recv()
        .map_err(|_| io::Error::other("the gateway did not start"))?;
    Ok(port)
}
