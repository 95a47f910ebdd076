//! Whole responses: srcache-nginx-module asks `memcached_pass`.
//!
//! srcache reads an entry to its end before it sends the first byte, so a visitor's
//! pace never meets Memcached's time-outs, and no inner server is needed. What is
//! not a whole response in there is a miss.

use super::inner;
use super::parts;
use super::plan::Plan;
use super::text::Text;

/// In a page's location: looks for the page before anything else.
pub(super) fn fetch(text: &mut Text, plan: &Plan) {
    text.why("The entry is a whole response. Anything else, Memcached out of reach or too");
    text.why("slow is a miss, and the application answers.");
    text.line("srcache_methods GET HEAD");
    text.line("srcache_request_cache_control off");
    text.line(format_args!(
        "srcache_fetch GET {} $memcached_key",
        path(plan)
    ));
}

/// In a page's location: who has the page already gets 304.
pub(super) fn conditions(text: &mut Text) {
    text.why("A copy that is newer than the page will do as well, not only one of its date.");
    text.line("if_modified_since before");
}

/// In a page's location, last: nothing was found.
pub(super) fn miss(text: &mut Text, plan: &Plan) {
    text.why("A miss: there is no such file, and so the application is asked.");
    let asked = if plan.stale_if_error { "render" } else { "app" };
    none(text, plan, &format!("{}_{asked}", plan.name));
}

/// Where nothing was found, asks the location of this name.
pub(super) fn none(text: &mut Text, plan: &Plan, otherwise: &str) {
    text.line(format_args!("try_files {}/none @{otherwise}", path(plan)));
}

/// Looks for a page that stands in for an error.
pub(super) fn fetch_copy(text: &mut Text, plan: &Plan) {
    text.line("srcache_methods GET HEAD");
    text.line("srcache_request_cache_control off");
    text.line(format_args!(
        "srcache_fetch GET {} $memcached_key",
        copy_path(plan)
    ));
}

/// The location that alone asks Memcached; visitors cannot.
pub(super) fn location(text: &mut Text, plan: &Plan) {
    text.block(format_args!("location = {}", path(plan)), |text| {
        text.line("internal");
        parts::off(text, plan);
        text.line("set $memcached_key $query_string");
        memcached(text, plan, &format!("{}_memcached", plan.name));
    });
    if plan.stale_if_error {
        text.blank();
        text.block(format_args!("location = {}", copy_path(plan)), |text| {
            text.line("internal");
            parts::off(text, plan);
            text.line(format_args!("set {} $query_string", plan.page_variable()));
            text.line("set $memcached_key $query_string!");
            memcached(text, plan, &plan.copies());
        });
    }
}

fn memcached(text: &mut Text, plan: &Plan, upstream: &str) {
    text.line(format_args!("memcached_pass {upstream}"));
    inner::bounds(text, plan);
    text.why("What is stored comes with its own fields; these are the visitor's side's.");
    text.line("add_header Cache-Status \"\"");
    text.line("gunzip off");
    text.line("gzip off");
}

/// The paths of the locations that stand here.
pub(super) fn own_paths(plan: &Plan) -> impl Iterator<Item = String> {
    let copy = plan.stale_if_error.then(|| copy_path(plan));
    [path(plan)].into_iter().chain(copy)
}

/// No page's path: where a visitor asks for it, nginx answers 404.
fn path(plan: &Plan) -> String {
    format!("/_{}", plan.name)
}

fn copy_path(plan: &Plan) -> String {
    format!("{}_copy", path(plan))
}
