//! An application that answers with what it saw.

use std::sync::mpsc;
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, rt, web};

/// An application on a free port; it ends with this value.
pub(crate) struct Application {
    pub(crate) port: u16,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Application {
    pub(crate) fn start() -> Application {
        let (send, receive) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            rt::System::new().block_on(async move {
                let server = HttpServer::new(|| App::new().default_service(web::to(echo)))
                    .workers(1)
                    .disable_signals()
                    .bind(("127.0.0.1", 0))
                    .expect("a free port");
                let port = server.addrs()[0].port();
                let server = server.run();
                send.send((port, server.handle())).expect("the test waits");
                server.await.expect("the application runs");
            });
        });
        let (port, handle) = receive.recv().expect("the application starts");
        Application {
            port,
            handle,
            thread: Some(thread),
        }
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Method and target, the headers a line each, an empty line, the body's length.
async fn echo(request: HttpRequest, body: web::Payload) -> HttpResponse {
    // The body of an upgraded connection has no end.
    let length = match request.headers().contains_key("upgrade") {
        true => 0,
        false => match body.to_bytes_limited(64 << 20).await {
            Ok(Ok(bytes)) => bytes.len(),
            other => panic!("no whole body: {other:?}"),
        },
    };
    let target = (request.uri().path_and_query()).map_or("", |target| target.as_str());
    let mut seen = format!("{} {target}\n", request.method());
    for (name, value) in request.headers() {
        seen.push_str(&format!("{name}: {}\n", value.to_str().unwrap_or("?")));
    }
    seen.push_str(&format!("url: {}\n", request.full_url()));
    seen.push_str(&format!("\n{length}"));
    HttpResponse::Ok()
        .insert_header(("Cache-Status", "application"))
        .content_type("text/plain")
        .body(seen)
}
