//! An actix application on a real socket.

use std::io;
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use actix_web::dev::{Server, ServerHandle};
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer, rt, web};

use super::script::{Script, page};

/// A running application on a free port. It ends with this value.
pub(crate) struct Application {
    port: u16,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Application {
    /// An application with what `configure` registers, the cache included;
    /// [`page`] answers everything else.
    pub(crate) fn configured(
        workers: usize,
        script: &Script,
        configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    ) -> Application {
        let script = script.clone();
        let app = move || {
            App::new()
                .app_data(web::Data::new(script.clone()))
                .configure(configure.clone())
                .default_service(web::to(page))
        };
        Application::start(move |listener| {
            Ok(HttpServer::new(app)
                .workers(workers)
                .disable_signals()
                .listen(listener)?
                .run())
        })
    }

    /// Whatever `serve` serves.
    pub(crate) fn start(
        serve: impl FnOnce(TcpListener) -> io::Result<Server> + Send + 'static,
    ) -> Application {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (started, is_started) = mpsc::channel();
        let thread = thread::spawn(move || {
            rt::System::new().block_on(async move {
                let server = serve(listener).unwrap();
                started.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        Application {
            port,
            handle: is_started.recv().unwrap(),
            thread: Some(thread),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        // The command is sent at once; the future only waits for its end.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            // A panic in there has failed the test by its missing answer.
            let _ = thread.join();
        }
    }
}
