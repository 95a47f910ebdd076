//! Personal parts: nginx's SSI, in stored pages alone.
//!
//! What is stored has commands where it has parts, and no other text in it reads like one:
//! the writer sees to that. What the application answers comes with its parts filled, and
//! is never looked at.

use super::forwarding;
use super::plan::Plan;
use super::text::{Text, quoted};
use crate::layout::Layout;
use crate::media::{XHTML, may_have_parts};
use crate::personal::{NONCE_VARIABLE, PART_PATH};

/// Longer than the value of any command of ours; nginx's default is 256.
const VALUE_LENGTH: u32 = 2048;

/// Statuses for which a part is its default text, as in the application: all that nginx
/// takes here but 200.
const NO_PART: &str = "300 301 302 303 304 305 306 307 308 400 401 402 403 404 405 406 407 408 409 \
                       410 411 412 413 414 415 416 417 418 421 422 423 424 425 426 428 429 431 451 \
                       500 501 502 503 504 505 506 507 508 510 511";

/// In a location of pages.
pub(super) fn fill(text: &mut Text, plan: &Plan, content_type: &str) {
    if !plan.parts {
        return;
    }
    text.why("New in each answer, and the same in all of it.");
    text.line(format_args!("set ${NONCE_VARIABLE} $request_id"));
    if !has_html(plan, content_type) {
        return;
    }
    text.why("Stored pages have commands where they have parts. In all other text the");
    text.why("application has made sure that nothing reads like one.");
    text.line("ssi on");
    text.line("ssi_silent_errors on");
    text.line(format_args!("ssi_value_length {VALUE_LENGTH}"));
    text.why("HTML alone, whatever the http block says.");
    text.line(format_args!("ssi_types {XHTML}"));
    text.why("Of pages without parts; those with some have no validators.");
    text.line("ssi_last_modified on");
}

/// Whether pages of a location may have parts.
pub(super) fn has_html(plan: &Plan, content_type: &str) -> bool {
    plan.parts && (plan.layout == Layout::Response || may_have_parts(content_type))
}

/// In a location of pages: whole responses, and what is in a micro cache, nginx calls
/// unchanged to who asks with `*`, even where a page has no tag.
pub(super) fn refuse_star(text: &mut Text, plan: &Plan, content_type: &str) {
    if !has_html(plan, content_type) {
        return;
    }
    text.why("nginx would say that a page with parts has not changed.");
    text.block("if ($http_if_none_match = \"*\")", |text| {
        text.line("return 418");
    });
}

/// A declared field, in which each answer has its nonce.
pub(super) fn field(name: &str, value: &str, always: &str) -> String {
    let value = quoted(value).replace("{nonce}", &format!("${{{NONCE_VARIABLE}}}"));
    format!("add_header {name} {value}{always}")
}

/// Fields that are not stored with whole responses.
pub(super) fn fields(text: &mut Text, plan: &Plan) {
    for (name, value) in &plan.headers {
        if plan.parts && value.contains("{nonce}") {
            text.line(field(name, value, " always"));
        }
    }
}

/// In a location where what is read is no stored page.
pub(super) fn off(text: &mut Text, plan: &Plan) {
    if plan.parts {
        text.line("ssi off");
    }
}

/// Where pages ask for their parts; visitors cannot.
pub(super) fn location(text: &mut Text, plan: &Plan, say_who_asks: impl FnOnce(&mut Text)) {
    let name = &plan.name;
    text.block(format_args!("location = {PART_PATH}"), |text| {
        text.line("internal");
        text.line("ssi off");
        text.why("What is asked for stands behind the question mark, and comes from the");
        text.why("application: a target of this site.");
        text.line(format_args!("proxy_pass http://{name}_app$args"));
        text.line("proxy_http_version 1.1");
        text.line("proxy_set_header Connection \"\"");
        text.line("proxy_set_header Upgrade \"\"");
        text.line("proxy_pass_request_body off");
        text.line("proxy_set_header Content-Length \"\"");
        text.line("proxy_set_header Transfer-Encoding \"\"");
        text.why("These speak of the page, not of its part.");
        for field in [
            "Accept-Encoding",
            "Range",
            "If-Range",
            "If-Match",
            "If-None-Match",
            "If-Modified-Since",
            "If-Unmodified-Since",
        ] {
            text.line(format_args!("proxy_set_header {field} \"\""));
        }
        text.why("A part of a part is the application's to fill.");
        text.line(format_args!(
            "proxy_set_header {} \"1 ${NONCE_VARIABLE}\"",
            forwarding::PART_FIELD
        ));
        text.why("Without an answer the page has the default text, and nobody waits long.");
        text.line("proxy_connect_timeout 1s");
        text.line("proxy_read_timeout 5s");
        text.line("proxy_next_upstream_timeout 5s");
        text.line("proxy_intercept_errors on");
        text.line(format_args!("error_page {NO_PART} = @{name}_nothing"));
        say_who_asks(text);
    });
    text.block(format_args!("location @{name}_nothing"), |text| {
        text.line("return 404");
    });
}

/// In the application's location: visitors say nothing of parts.
pub(super) fn clear(text: &mut Text, plan: &Plan) {
    if plan.parts {
        text.line(format_args!(
            "proxy_set_header {} \"\"",
            forwarding::PART_FIELD
        ));
    }
}
