//! Responses of pages, and Cache-Status on all.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder};

use crate::conditions::Conditions;
use crate::control::list;
use crate::entry::{Form, Head};
use crate::media::{self, Html, may_have_parts};
use crate::page::Page;
use crate::personal::{Segment, read};
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

/// Names in Vary what the variants of pages depend on, beside what stands there.
pub(super) fn say_vary(headers: &mut HeaderMap, settings: &Settings) {
    let said = |field: &str| {
        list(headers, header::VARY)
            .any(|name| name == b"*" || name.eq_ignore_ascii_case(field.as_bytes()))
    };
    let mut fields = settings.vary.fields();
    fields.retain(|field| !said(field));
    if fields.is_empty() {
        return;
    }
    if let Ok(value) = HeaderValue::from_str(&fields.join(", ")) {
        headers.append(header::VARY, value);
    }
}

/// The response that every visitor of a stored page gets, whoever rendered it: the
/// page, or 304 to who has it already.
pub(super) fn answer(
    form: Form,
    page: &Page,
    settings: &Settings,
    conditions: &Conditions,
    status: Status,
) -> HttpResponse {
    let mut form = form;
    let has_parts = settings.parts && with_markers(&mut form, page);
    let etag = (!has_parts).then(|| form.etag()).flatten();
    let modified = form.head.as_ref();
    let modified = modified.and_then(|head| head.get(&header::LAST_MODIFIED));
    let is_known = !has_parts
        && form.status() == StatusCode::OK
        && conditions.are_met_by(etag.as_ref(), modified);
    let mut response = match &form.head {
        Some(head) => whole(head),
        None => bare(page, settings),
    };
    if let Some(etag) = etag {
        response.insert_header((header::ETAG, etag));
    }
    let says_vary = form
        .head
        .as_ref()
        .is_some_and(|head| head.varies_by_encoding());
    if (form.varies || settings.gzip) && !says_vary {
        response.append_header((header::VARY, "Accept-Encoding"));
    }
    let mut response = if is_known {
        unmodified(response)
    } else {
        if form.is_gzip {
            response.insert_header((header::CONTENT_ENCODING, "gzip"));
        }
        response.body(form.body)
    };
    say_vary(response.headers_mut(), settings);
    mark(&mut response, status, settings);
    response
}

/// Writes markers for the commands of a stored page, which are filled before anybody has
/// them; whether it has any.
fn with_markers(form: &mut Form, page: &Page) -> bool {
    let media_type = (form.head.as_ref()).and_then(|head| head.get(&header::CONTENT_TYPE));
    let is_html = match media_type {
        Some(line) => Html::of_line(line) == Html::Yes,
        None => may_have_parts(page.media_type()),
    };
    if !is_html || form.is_gzip {
        return false;
    }
    let segments = read(&form.body);
    let is_part = |segment: &Segment| matches!(segment, Segment::Part(_));
    if !segments.iter().any(is_part) {
        return false;
    }
    let mut body = Vec::with_capacity(form.body.len() + 256);
    for segment in segments {
        match segment {
            Segment::Text(text) => body.extend_from_slice(&text),
            Segment::Part(part) => body.extend_from_slice(part.to_string().as_bytes()),
        }
    }
    form.body = body.into();
    true
}

/// All that was stored of a response but its body.
fn whole(head: &Head) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(head.status());
    for (name, value) in head.fields() {
        response.append_header((name.clone(), value.clone()));
    }
    response
}

/// Where the body alone is stored: the page's type and the declared headers.
fn bare(page: &Page, settings: &Settings) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    if let Some(content_type) = media::content_type(page.media_type()) {
        response.insert_header((header::CONTENT_TYPE, content_type));
    }
    for (name, value) in &settings.headers {
        response.append_header((name.clone(), value.clone()));
    }
    response
}

/// 304 with the fields of the 200 that it stands for (RFC 9110, section 15.4.5).
fn unmodified(mut page: HttpResponseBuilder) -> HttpResponse {
    let mut response = page.status(StatusCode::NOT_MODIFIED).finish();
    response.headers_mut().remove(header::CONTENT_TYPE);
    response
}

#[cfg(test)]
mod tests;
