//! A site of one annotated handler, whose work each test brings along.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::dev::{ServerHandle, Service};
use actix_web::rt::{System, time::sleep};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use djanginxed::{PageCache, PageCacheBuilder, cache_page};
use testkit::http::{Connection, Request, Response};
use testkit::{Memcached, eventually, listen};

pub(crate) const PREFIX: &str = "faults";

/// Settings of the layout that this program tests.
pub(crate) fn builder() -> PageCacheBuilder {
    PageCache::builder().layout(crate::LAYOUT)
}

/// Settings with Memcached at `address`.
pub(crate) fn at(address: &str) -> PageCacheBuilder {
    builder().memcached([address]).key_prefix(PREFIX)
}

/// How many pages a server was sent, each with one entry in the index of all pages.
pub(crate) fn pages_sent_to(memcached: &Memcached) -> u64 {
    memcached.stat("cmd_set") / 2
}

/// Runs a future to its end on this thread.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    System::new().block_on(future)
}

/// One run of the handler.
pub(crate) struct Visit {
    pub(crate) target: String,
    /// The how many-th run for this target, from 1.
    pub(crate) number: usize,
    pub(crate) request: HttpRequest,
}

impl Visit {
    /// The whole page of this run, a few kilobytes.
    pub(crate) fn page(&self) -> HttpResponse {
        self.page_of(2_000)
    }

    pub(crate) fn page_of(&self, size: usize) -> HttpResponse {
        html(body(&self.target, self.number, size))
    }
}

pub(crate) fn html(body: impl Into<String>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(body.into())
}

/// A body of about `size` bytes that tells whose it is, and whether it is whole.
pub(crate) fn body(target: &str, number: usize, size: usize) -> String {
    let line = |lines: usize| format!("{target} render {number} of {lines} lines\n");
    let lines = size.div_ceil(line(0).len()).max(1);
    line(lines).repeat(lines)
}

/// Which run rendered the page that `response` is.
///
/// # Panics
/// When it is not a whole page of `target` with status 200.
#[track_caller]
pub(crate) fn run_of(response: &Response, target: &str) -> usize {
    assert_eq!(response.status, 200, "{target}: {response:?}");
    let text = response.text();
    let read = || -> Option<(usize, usize)> {
        let mut words = text.lines().next()?.rsplit(' ');
        let lines = words.nth(1)?.parse().ok()?;
        Some((words.nth(1)?.parse().ok()?, lines))
    };
    let (number, lines) = read().unwrap_or_else(|| panic!("no page of {target}: {text:.200}"));
    let whole = format!("{target} render {number} of {lines} lines\n").repeat(lines);
    assert!(text == whole, "not a whole page of {target}: {text:.200}");
    number
}

/// What Cache-Status says besides the cache's name.
#[track_caller]
pub(crate) fn status_of(response: &Response) -> &str {
    let status = response.header("cache-status").expect("a Cache-Status");
    status.strip_prefix("djanginxed; ").expect("of djanginxed")
}

type Answer = Pin<Box<dyn Future<Output = HttpResponse>>>;

struct Desk {
    handler: Box<dyn Fn(Visit) -> Answer + Send + Sync>,
    runs: Mutex<HashMap<String, usize>>,
    arrived: AtomicUsize,
}

impl Desk {
    fn run(&self, target: &str) -> usize {
        let mut runs = self.runs.lock().unwrap();
        let run = runs.entry(target.to_owned()).or_default();
        *run += 1;
        *run
    }
}

#[cache_page(600)]
async fn page(desk: web::Data<Desk>, request: HttpRequest) -> HttpResponse {
    let target = request.uri().path_and_query().unwrap().as_str().to_owned();
    let number = desk.run(&target);
    let visit = Visit {
        target,
        number,
        request,
    };
    (desk.handler)(visit).await
}

/// A server of its own thread with two workers; it ends with this value.
pub(crate) struct Site {
    pub(crate) port: u16,
    desk: web::Data<Desk>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Site {
    pub(crate) fn start<F>(
        pages: &PageCache,
        handler: impl Fn(Visit) -> F + Send + Sync + 'static,
    ) -> Site
    where
        F: Future<Output = HttpResponse> + 'static,
    {
        Site::start_at(0, pages, handler)
    }

    /// The same at a port that was free a moment ago.
    pub(crate) fn start_at<F>(
        port: u16,
        pages: &PageCache,
        handler: impl Fn(Visit) -> F + Send + Sync + 'static,
    ) -> Site
    where
        F: Future<Output = HttpResponse> + 'static,
    {
        let desk = web::Data::new(Desk {
            handler: Box::new(move |visit| Box::pin(handler(visit))),
            runs: Mutex::default(),
            arrived: AtomicUsize::new(0),
        });
        let (sender, started) = mpsc::channel();
        let (pages, shared) = (pages.clone(), desk.clone());
        let thread = thread::spawn(move || {
            System::new().block_on(serve(port, pages, shared, sender));
        });
        let (port, handle) = started.recv().expect("the site starts");
        Site {
            port,
            desk,
            handle,
            thread: Some(thread),
        }
    }

    /// A site whose handler renders at once.
    pub(crate) fn quick(pages: &PageCache) -> Site {
        Site::start(pages, |visit| async move { visit.page() })
    }

    #[track_caller]
    pub(crate) fn get(&self, target: &str) -> Response {
        Request::get(target).send(self.port)
    }

    /// Asks for `target` without waiting for the answer.
    pub(crate) fn ask(&self, target: &str) -> Connection {
        self.ask_with(&Request::get(target))
    }

    pub(crate) fn ask_with(&self, request: &Request) -> Connection {
        let mut connection = Connection::open(self.port).unwrap();
        connection.send(request).unwrap();
        connection
    }

    /// `count` visitors who ask for `target` at the same time, all of whom the
    /// application has met when this returns.
    pub(crate) fn crowd(&self, target: &str, count: usize) -> Vec<Connection> {
        let before = self.arrived();
        let crowd = (0..count).map(|_| self.ask(target)).collect();
        eventually("all have arrived", || self.arrived() >= before + count);
        crowd
    }

    /// How many requests have reached the application.
    pub(crate) fn arrived(&self) -> usize {
        self.desk.arrived.load(Ordering::SeqCst)
    }

    /// How often the handler has run for `target`.
    pub(crate) fn runs(&self, target: &str) -> usize {
        let runs = self.desk.runs.lock().unwrap();
        runs.get(target).copied().unwrap_or_default()
    }
}

async fn serve(
    port: u16,
    pages: PageCache,
    desk: web::Data<Desk>,
    started: mpsc::Sender<(u16, ServerHandle)>,
) {
    let server = HttpServer::new(move || {
        let counter = desk.clone();
        App::new()
            .app_data(pages.clone())
            .app_data(desk.clone())
            .wrap_fn(move |request, service| {
                let counter = counter.clone();
                let answer = service.call(request);
                async move {
                    let mut answer = Box::pin(answer);
                    // Polled once, a request has joined those it waits for.
                    let first = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await;
                    counter.arrived.fetch_add(1, Ordering::SeqCst);
                    match first {
                        Poll::Ready(response) => response,
                        Poll::Pending => answer.await,
                    }
                }
            })
            .default_service(web::to(page))
    })
    .workers(2)
    .disable_signals()
    .shutdown_timeout(1)
    .listen(listen(port).unwrap())
    .unwrap();
    let port = server.addrs()[0].port();
    let server = server.run();
    started.send((port, server.handle())).unwrap();
    server.await.unwrap();
}

impl Drop for Site {
    fn drop(&mut self) {
        // The command is sent by the call; the future waits for its end.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What handlers wait at until the test opens it.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<AtomicBool>);

impl Gate {
    pub(crate) fn open(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub(crate) async fn pass(&self) {
        while !self.0.load(Ordering::SeqCst) {
            sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Where handlers meet: nobody goes on until `count` are there at once.
#[derive(Clone)]
pub(crate) struct Meeting {
    there: Arc<AtomicUsize>,
    count: usize,
}

impl Meeting {
    pub(crate) fn of(count: usize) -> Meeting {
        Meeting {
            there: Arc::default(),
            count,
        }
    }

    /// Whether all came, within 5 seconds.
    pub(crate) async fn complete(&self) -> bool {
        self.there.fetch_add(1, Ordering::SeqCst);
        for _ in 0..1000 {
            if self.there.load(Ordering::SeqCst) >= self.count {
                return true;
            }
            sleep(Duration::from_millis(5)).await;
        }
        false
    }
}
