//! What nginx says with a page that it has found.

use super::parts;
use super::plan::Plan;
use super::text::{Text, quoted};
use super::vary;

/// What every page says, where a page is a body alone.
pub(super) fn add_headers(text: &mut Text, plan: &Plan, content_type: &str) {
    vary::say(text, plan);
    if parts::has_html(plan, content_type) {
        text.why("Which of the pages have parts, nginx cannot tell.");
        text.line("add_header Cache-Control \"private, no-cache\"");
    }
    for (name, value) in &plan.headers {
        match plan.parts {
            true => text.line(parts::field(name, value, "")),
            false => text.line(format_args!("add_header {name} {}", quoted(value))),
        }
    }
}

pub(super) fn unpacked(text: &mut Text) {
    text.why("Clients that do not accept gzip get such entries unpacked, and caches on the");
    text.why("way are told (Vary).");
    text.line("gunzip on");
    text.line("gzip_vary on");
}
