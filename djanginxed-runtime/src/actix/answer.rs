//! Responses of pages, and Cache-Status on all.

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderName, HeaderValue};

use crate::entry::Form;
use crate::media;
use crate::page::Page;
use crate::settings::Settings;
use crate::status::Status;

static CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Adds Cache-Status to a response, behind those of other caches.
pub(super) fn mark<B>(response: &mut HttpResponse<B>, status: Status, settings: &Settings) {
    if settings.cache_status
        && let Some(value) = status.value()
    {
        response.headers_mut().append(CACHE_STATUS.clone(), value);
    }
}

/// The response that every visitor of a stored page gets, whoever rendered it:
/// 200, the page's type, the declared headers, the body.
pub(super) fn answer(form: Form, page: &Page, settings: &Settings, status: Status) -> HttpResponse {
    let mut response = HttpResponse::Ok().body(form.body);
    let headers = response.headers_mut();
    if let Some(content_type) = media::content_type(page.media_type()) {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    for (name, value) in &settings.headers {
        headers.append(name.clone(), value.clone());
    }
    if form.is_gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if form.varies || settings.gzip {
        headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    mark(&mut response, status, settings);
    response
}

#[cfg(test)]
mod tests;
