//! Where the application is asked, and what it is told.

use super::feed::HitFeed;
use super::forwarding::{self, FORWARDING_HEADERS};
use super::parts;
use super::plan::Plan;
use super::text::Text;
use super::values;
use super::vary;

pub(super) fn location(text: &mut Text, plan: &Plan) {
    text.block(format_args!("location @{}_app", plan.name), |text| {
        application_in(text, plan);
    });
}

/// In a location: asks the application.
pub(super) fn application_in(text: &mut Text, plan: &Plan) {
    let name = &plan.name;
    parts::off(text, plan);
    if plan.hit_feed.is_some() {
        HitFeed::is_no_hit(text, &plan.name);
    }
    if plan.ignored.is_empty() {
        text.why("No path after the name: the application sees the target as it was sent.");
        text.line(format_args!("proxy_pass http://{name}_app"));
    } else {
        text.why("From a variable nginx sends the target as it stands there, byte for byte.");
        text.line(format_args!("proxy_pass http://{name}_app${name}_asked"));
    }
    text.line("proxy_http_version 1.1");
    text.line(format_args!("proxy_set_header Connection ${name}_upgrade"));
    text.line("proxy_set_header Upgrade $http_upgrade");
    parts::clear(text, plan);
    visitor(text, plan);
}

/// What the application is told of the visitor.
pub(super) fn visitor(text: &mut Text, plan: &Plan) {
    let port = &plan.public_port;
    text.why("What the application may believe is said here, and never taken from the");
    text.why("client, whose words could end up in a stored page.");
    text.line(format_args!("proxy_set_header Host $host{port}"));
    text.line("proxy_set_header X-Forwarded-For $remote_addr");
    text.line(format_args!(
        "proxy_set_header X-Forwarded-Host $host{port}"
    ));
    text.line("proxy_set_header X-Forwarded-Proto $scheme");
    vary::pass_on(text, plan);
    text.why("What goes past the cache here takes no part in it there either.");
    text.line(format_args!(
        "proxy_set_header Djanginxed-Bypass ${}",
        plan.past()
    ));
    text.why("An empty field is none to nginx, and so to the application.");
    text.line("proxy_set_header Authorization $http_authorization");
    for header in forwarding::passed(&plan.bypass_headers) {
        let value = values::header_variable(header);
        text.line(format_args!("proxy_set_header {header} {value}"));
    }
    text.why("Of the rest of what proxies say, nothing is true that a client has sent.");
    // A bucket has room for the longest name, and what nginx keeps beside it.
    let longest = plan.bypass_headers.iter().map(|header| header.len()).max();
    let bucket = (longest.unwrap_or_default() + 64).next_power_of_two();
    let bucket = bucket.max(128);
    let size = (bucket * 8).max(2048);
    text.line(format_args!("proxy_headers_hash_max_size {size}"));
    text.line(format_args!("proxy_headers_hash_bucket_size {bucket}"));
    let is_bypass = |field: &&&str| plan.is_bypass_header(field);
    for field in FORWARDING_HEADERS.iter().filter(|field| !is_bypass(field)) {
        text.line(format_args!("proxy_set_header {field} \"\""));
    }
}
