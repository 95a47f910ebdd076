//! Pages that stand in for errors of the application.
//!
//! `proxy_intercept_errors` takes the application's error away before it is known whether
//! there is a page in its place. So only what is looked up in Memcached goes this way; and
//! where there is none, the application is asked once more, for its own error.

use super::application::application_in;
use super::hits::{add_headers, unpacked};
use super::inner;
use super::parts;
use super::plan::{Plan, Reader};
use super::srcache;
use super::text::Text;
use crate::entry::NGINX_COPY;
use crate::media::HTML;

/// The locations behind a page's own: the application, a page in place of its error, and
/// what is left where there is none.
pub(super) fn locations(text: &mut Text, plan: &Plan) {
    let name = &plan.name;
    text.block(format_args!("location @{name}_render"), |text| {
        text.why("An error may have a page in its place. After 504 nobody waits once more.");
        text.line("recursive_error_pages on");
        text.line("proxy_intercept_errors on");
        text.line(format_args!("error_page 500 502 503 = @{name}_copy"));
        text.line(format_args!("error_page 504 = @{name}_late"));
        application_in(text, plan);
    });
    for (location, otherwise) in [("copy", "app"), ("late", "timeout")] {
        text.blank();
        let otherwise = format!("{name}_{otherwise}");
        text.block(format_args!("location @{name}_{location}"), |text| {
            copy(text, plan, &otherwise);
        });
    }
    text.blank();
    text.block(format_args!("location @{name}_timeout"), |text| {
        text.line("return 504");
    });
}

fn copy(text: &mut Text, plan: &Plan, otherwise: &str) {
    text.line("recursive_error_pages on");
    match plan.reader() {
        Reader::Bodies => {
            text.line(format_args!("error_page 404 500 502 504 = @{otherwise}"));
            inner::ask_for_copy(text, plan);
        }
        Reader::Srcache => srcache::fetch_copy(text, plan),
        Reader::Script => {
            text.line(format_args!("error_page 500 502 504 = @{otherwise}"));
            inner::ask_for_response(text, plan, "copy");
        }
    }
    parts::fill(text, plan, HTML);
    unpacked(text);
    if plan.cache_status {
        text.line(format_args!("add_header Cache-Status \"{NGINX_COPY}\""));
    }
    match plan.reader() {
        // Of which type a page is, is known when it is read.
        Reader::Bodies => add_headers(text, plan, HTML),
        Reader::Srcache => {
            parts::fields(text, plan);
            srcache::none(text, plan, otherwise);
        }
        Reader::Script => parts::fields(text, plan),
    }
}
