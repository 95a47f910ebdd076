//! The server inside nginx that alone asks Memcached.
//!
//! `memcached_pass` reads as fast as the visitor does, so its time-outs run while
//! a visitor pauses, and whoever reads nothing keeps a connection to Memcached.
//! `proxy_pass` reads ahead. So a hit goes through both: in here Memcached meets
//! a reader that is always fast, and out there the visitor may take any time.

use super::micro::MicroCache;
use super::parts;
use super::plan::{BUFFER, Plan, Reader};
use super::routes::Page;
use super::script;
use super::text::Text;
use crate::flags;

pub(super) fn write(text: &mut Text, plan: &Plan) {
    let name = &plan.name;
    text.why("Only this server asks Memcached. memcached_pass reads as slowly as its client:");
    text.why("with visitors for clients, pauses would run into the time-outs and break pages,");
    text.why("and who reads nothing would keep a connection to Memcached.");
    text.block(format_args!("upstream {name}_pages"), |text| {
        text.line(format_args!("server {}", plan.inner));
        text.line("keepalive 64");
        text.line("keepalive_requests 100000");
    });
    text.block("server", |text| server(text, plan));
}

fn server(text: &mut Text, plan: &Plan) {
    let name = &plan.name;
    text.line(format_args!("listen {}", plan.inner));
    text.line(format_args!("server_name {name}_pages"));
    text.line("access_log off");
    parts::off(text, plan);
    text.line("keepalive_requests 100000");
    text.line("keepalive_timeout 75s");
    text.why("Where the http block refuses a request (limits, deny), it is a miss.");
    text.line("error_page 401 403 429 503 = @miss");
    text.why("Headers of the http block are for the visitor's side.");
    text.line("add_header Cache-Status \"\"");
    if let Some(micro) = &plan.micro_cache {
        micro.life(text, &plan.name);
    }
    text.blank();
    text.line("set $memcached_key $args");
    memcached(text, plan);
    text.blank();
    match plan.reader() {
        Reader::Script => script::locations(text, plan),
        _ => bodies(text, plan),
    }
    text.block("location @miss", |text| {
        text.line(format_args!("return {}", plan.miss()));
    });
}

fn bodies(text: &mut Text, plan: &Plan) {
    let name = &plan.name;
    text.why("What is stored has no type. It comes from here alone, never from an extension");
    text.why("in the path: else text whose path ends in .html would become a page.");
    text.line("charset utf-8");
    for (number, content_type) in plan.content_types().into_iter().enumerate() {
        text.block(format_args!("location = /{number}"), |text| {
            text.line(format_args!("default_type {content_type}"));
            text.line(format_args!("memcached_pass {name}_memcached"));
        });
        if plan.stale_if_error {
            text.block(format_args!("location = /copy/{number}"), |text| {
                text.line(format_args!("set {} $args", plan.page_variable()));
                text.line("set $memcached_key $args!");
                text.line(format_args!("default_type {content_type}"));
                text.line(format_args!("memcached_pass {}", plan.copies()));
            });
        }
    }
}

/// What bounds the questions to Memcached.
pub(super) fn bounds(text: &mut Text, plan: &Plan) {
    let timeout = &plan.timeout;
    text.why("The application's own limit; nginx's is 60 s.");
    for what in ["connect", "send", "read"] {
        text.line(format_args!("memcached_{what}_timeout {timeout}"));
    }
    if !plan.single_memcached {
        text.why("After a time-out the application answers: no other server has the page.");
        text.line("memcached_next_upstream error");
    }
    text.why("A usual page in one read; the default of 4k or 8k takes several.");
    text.line(format_args!("memcached_buffer_size {BUFFER}"));
}

fn memcached(text: &mut Text, plan: &Plan) {
    bounds(text, plan);
    if plan.reader() == Reader::Bodies {
        text.why(&format!(
            "Entries with flag {} are gzip, and go on to the visitor's side as they are.",
            flags::GZIP
        ));
        text.line(format_args!("memcached_gzip_flag {}", flags::GZIP));
    }
    text.line("gunzip off");
}

/// In a page's location: asks the inner server, whatever the visitor's pace.
pub(super) fn ask(text: &mut Text, plan: &Plan, page: &Page) {
    let number = number(plan, page);
    ask_for(text, plan, &number.to_string());
    match plan.micro_cache {
        Some(_) => MicroCache::keep(text, &plan.name, number),
        None => text.line("proxy_cache off"),
    }
}

/// The same for a page that stands in for an error.
pub(super) fn ask_for_copy(text: &mut Text, plan: &Plan) {
    ask_for(text, plan, &format!("copy/${}_type", plan.name));
    text.line("proxy_cache off");
}

/// The same for a whole response, which a script gives out.
pub(super) fn ask_for_response(text: &mut Text, plan: &Plan, location: &str) {
    ask_for(text, plan, location);
    text.line("proxy_cache off");
    text.line("proxy_redirect off");
    text.why("Who has the page already gets 304. Of what proxy_pass reads nginx says it only");
    text.why("where it keeps it, so the script does.");
    text.line("proxy_set_header If-None-Match $http_if_none_match");
    text.line("proxy_set_header If-Modified-Since $http_if_modified_since");
}

/// The number of a page's type in the inner server.
pub(super) fn number(plan: &Plan, page: &Page) -> usize {
    (plan.content_types().iter())
        .position(|known| *known == page.content_type)
        .unwrap_or_default()
}

/// Asks a location of the inner server for `$memcached_key`.
fn ask_for(text: &mut Text, plan: &Plan, location: &str) {
    let timeout = &plan.timeout;
    text.why("Reads the whole page at once, and keeps for a slow visitor what he has not");
    text.why("taken: in memory, what is more than 256k in a file.");
    text.line(format_args!(
        "proxy_pass http://{}_pages/{location}?$memcached_key",
        plan.name
    ));
    text.line("proxy_http_version 1.1");
    text.line("proxy_set_header Connection \"\"");
    text.why("Over HTTP/2 content may come without a word of it. nginx has read it by now, and");
    text.why("would announce here what it does not send: the next visitor's request.");
    text.line("proxy_set_header Content-Length \"\"");
    text.line("proxy_set_header Transfer-Encoding \"\"");
    text.line("proxy_pass_request_headers off");
    text.line("proxy_pass_request_body off");
    text.line(format_args!("proxy_connect_timeout {timeout}"));
    text.line("proxy_intercept_errors on");
    if plan.reader() == Reader::Bodies {
        text.line("proxy_force_ranges on");
    }
    text.line("proxy_buffering on");
    text.line(format_args!("proxy_buffer_size {BUFFER}"));
    text.line(format_args!("proxy_buffers 8 {BUFFER}"));
    text.line("proxy_busy_buffers_size 64k");
    text.line("proxy_max_temp_file_size 1024m");
}
