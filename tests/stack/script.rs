//! What the handlers of a test's application answer, and how often they did.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use djanginxed::cache_page;

/// What every handler of an application answers.
#[derive(Clone)]
pub(crate) struct Script {
    renders: Arc<AtomicUsize>,
    answer: Arc<dyn Fn(Render) -> HttpResponse + Send + Sync>,
}

impl Script {
    pub(crate) fn new(answer: impl Fn(Render) -> HttpResponse + Send + Sync + 'static) -> Script {
        Script {
            renders: Arc::default(),
            answer: Arc::new(answer),
        }
    }

    /// Every page is [`Render::html`].
    pub(crate) fn html() -> Script {
        Script::new(|render| render.html())
    }

    /// How often a handler has run.
    pub(crate) fn renders(&self) -> usize {
        self.renders.load(Ordering::SeqCst)
    }

    /// One run of a handler.
    pub(crate) fn render(&self, request: HttpRequest) -> HttpResponse {
        let number = self.renders.fetch_add(1, Ordering::SeqCst) + 1;
        (self.answer)(Render { number, request })
    }
}

/// One run of a handler.
pub(crate) struct Render {
    /// 1 for the first run.
    pub(crate) number: usize,
    pub(crate) request: HttpRequest,
}

impl Render {
    /// Path and query, as the handler sees them.
    pub(crate) fn target(&self) -> &str {
        let target = self.request.uri().path_and_query();
        target.map_or("", |target| target.as_str())
    }

    /// A text that no other run, and no other target, has.
    pub(crate) fn text(&self) -> String {
        format!("render {} of {}", self.number, self.target())
    }

    /// A page that may be stored.
    pub(crate) fn html(&self) -> HttpResponse {
        ok().body(self.text())
    }

    /// A request header's value; `nobody` where it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.request.headers().get(name);
        value.map_or("nobody", |value| value.to_str().unwrap())
    }
}

/// 200 in the type that pages have unless told.
pub(crate) fn ok() -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.content_type("text/html; charset=utf-8");
    response
}

#[cache_page(60)]
pub(crate) async fn page(request: HttpRequest, script: web::Data<Script>) -> HttpResponse {
    script.render(request)
}

/// A page that lives for two seconds.
#[cache_page(2)]
pub(crate) async fn brief(request: HttpRequest, script: web::Data<Script>) -> HttpResponse {
    script.render(request)
}

/// A page with a key prefix of its own.
#[cache_page(60, key_prefix = "news")]
pub(crate) async fn news(request: HttpRequest, script: web::Data<Script>) -> HttpResponse {
    script.render(request)
}

/// A page of another type.
#[cache_page(60, key_prefix = "api", content_type = "application/json")]
pub(crate) async fn api(request: HttpRequest, script: web::Data<Script>) -> HttpResponse {
    script.render(request)
}

/// Holds renders back until the test lets them go.
pub(crate) type Gate = tokio::sync::Semaphore;

/// A page whose render ends when the test adds a permit to the [`Gate`].
#[cache_page(60)]
pub(crate) async fn gated(
    request: HttpRequest,
    script: web::Data<Script>,
    gate: web::Data<Gate>,
) -> HttpResponse {
    let response = script.render(request);
    gate.acquire().await.unwrap().forget();
    response
}
