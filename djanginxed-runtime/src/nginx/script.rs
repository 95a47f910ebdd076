//! Whole responses, read by a function in njs.
//!
//! It stands in the inner server, and takes an entry apart there: status, fields and body
//! are what that server answers. So `proxy_pass` reads a response like any other, and what
//! nginx does to one, gunzip, parts, slow visitors, is nginx's. Conditions are the script's,
//! and Range gets all of a page.

use super::plan::Plan;
use super::text::Text;

/// Larger heads than this nginx does not take from the inner server.
const MOST_OF_A_HEAD: usize = 64 << 10;

/// Memcached has no larger items, whatever the settings say.
const MOST: usize = 1 << 30;

/// In the inner server.
pub(super) fn locations(text: &mut Text, plan: &Plan) {
    let kilobytes = (plan.max_entry_size.min(MOST) + MOST_OF_A_HEAD) >> 10;
    text.why("The script gives an entry out as the response that it is. What is none is a miss.");
    text.line("default_type \"\"");
    text.line("charset off");
    text.line("gzip off");
    text.line("absolute_redirect off");
    text.why("The application's largest entry.");
    text.line(format_args!("subrequest_output_buffer_size {kilobytes}k"));
    let name = &plan.name;
    location(text, plan, "/page", |text| {
        text.line(format_args!("memcached_pass {name}_memcached"));
    });
    if plan.stale_if_error {
        location(text, plan, "/copy", |text| {
            text.line(format_args!("set {} $args", plan.page_variable()));
            text.line("set $memcached_key $args!");
            text.line(format_args!("memcached_pass {}", plan.copies()));
        });
    }
}

/// Where the script answers, and where it asks for the entry.
fn location(text: &mut Text, plan: &Plan, path: &str, pass: impl FnOnce(&mut Text)) {
    text.block(format_args!("location = {path}"), |text| {
        text.line(format_args!("js_content {}.page", plan.name));
    });
    text.block(format_args!("location = {path}/entry"), |text| {
        text.line("internal");
        pass(text);
    });
}
