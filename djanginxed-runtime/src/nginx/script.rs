//! Whole responses, read by a function in njs.
//!
//! It stands in the inner server, and takes an entry apart there: status, fields and body
//! are what that server answers. So `proxy_pass` reads a response like any other, and what
//! nginx does to one, ranges, gunzip, parts, slow visitors, is nginx's.

use super::inner;
use super::plan::Plan;
use super::text::Text;

/// What the inner server answers where it has no page. No entry is given out with one of
/// nginx's own words for failures, so that no page is taken for a miss.
pub(super) const MISS: u16 = 502;

/// Larger heads than this nginx does not take from the inner server.
const MOST_OF_A_HEAD: usize = 64 << 10;

/// nginx's variable holds no larger number everywhere.
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
    text.block("location = /page", |text| {
        text.line(format_args!("js_content {}.page", plan.name));
    });
    entry(text, "/page", |text| {
        text.line(format_args!("memcached_pass {}_memcached", plan.name));
    });
    if plan.stale_if_error {
        text.block("location = /copy", |text| {
            text.line(format_args!("js_content {}.page", plan.name));
        });
        entry(text, "/copy", |text| {
            text.line(format_args!("set {} $args", plan.page_variable()));
            text.line("set $memcached_key $args!");
            text.line(format_args!("memcached_pass {}", plan.copies()));
        });
    }
}

fn entry(text: &mut Text, of: &str, pass: impl FnOnce(&mut Text)) {
    text.block(format_args!("location = {of}/entry"), |text| {
        text.line("internal");
        pass(text);
    });
}

/// In a page's location: asks the inner server.
pub(super) fn ask(text: &mut Text, plan: &Plan, location: &str) {
    inner::ask_for(text, plan, location);
    text.line("proxy_cache off");
    text.line("proxy_redirect off");
    text.why("Who has the page already gets 304. Of what proxy_pass reads nginx says it only");
    text.why("where it keeps it, so the script does.");
    text.line("proxy_set_header If-None-Match $http_if_none_match");
    text.line("proxy_set_header If-Modified-Since $http_if_modified_since");
}
