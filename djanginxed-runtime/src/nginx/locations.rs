//! The locations: Memcached first, then the application.

use super::copies;
use super::feed::HitFeed;
use super::forwarding::{self, FORWARDING_HEADERS};
use super::inner;
use super::md5::Md5;
use super::parts;
use super::plan::Plan;
use super::routes::{Page, Route};
use super::srcache;
use super::text::{Text, quoted};
use super::values;
use super::vary;
use crate::layout::Layout;

pub(super) fn write(plan: &Plan) -> String {
    let mut text = Text::default();
    if let Some(feed) = &plan.hit_feed {
        feed.look(&mut text, plan);
        text.blank();
    }
    for route in &plan.routes {
        location(&mut text, plan, route);
        text.blank();
    }
    text.speak();
    if plan.layout == Layout::Response {
        srcache::location(&mut text, plan);
        text.blank();
    }
    application(&mut text, plan);
    if plan.parts {
        text.blank();
        parts::location(&mut text, plan, |text| visitor(text, plan));
    }
    if plan.stale_if_error {
        text.blank();
        copies::locations(&mut text, plan);
    }
    text.finish()
}

fn location(text: &mut Text, plan: &Plan, route: &Route) {
    let has_slash = |other: &Route| other.path().strip_suffix('/') == Some(route.path());
    if route.is_exact() && plan.routes.iter().any(has_slash) {
        text.speak();
        text.why("Else nginx redirects it to the path with a slash by itself.");
        text.silence();
    }
    let head = format!("location {}", route.matches);
    match &route.page {
        Some(page) => {
            text.block(head, |text| cached(text, plan, route, page));
            text.silence();
        }
        None => text.block(head, |text| never_cached(text, plan)),
    }
}

fn never_cached(text: &mut Text, plan: &Plan) {
    text.line(format_args!("set ${}_past 1", plan.name));
    text.line(format_args!("error_page 418 = @{}_app", plan.name));
    text.line("return 418");
}

fn cached(text: &mut Text, plan: &Plan, route: &Route, page: &Page) {
    bypass(text, plan, route);
    parts::refuse_star(text, plan, &page.content_type);
    if plan.hit_feed.is_some() {
        HitFeed::may_be_hit(text, plan);
    }
    match plan.layout {
        Layout::Body => body(text, plan, page),
        Layout::Response => response(text, plan, page),
    }
}

fn response(text: &mut Text, plan: &Plan, page: &Page) {
    text.line(format_args!("error_page 418 = @{}_app", plan.name));
    text.blank();
    key(text, plan, page);
    parts::fill(text, plan, &page.content_type);
    srcache::fetch(text, plan);
    srcache::conditions(text);
    unpacked(text);
    text.blank();
    cache_status(text, plan);
    parts::fields(text, plan);
    srcache::miss(text, plan);
}

fn body(text: &mut Text, plan: &Plan, page: &Page) {
    let name = &plan.name;
    text.why("A miss (404), Memcached out of reach (502) or slow (504): the application");
    text.why("answers. Without \"=\" visitors would see those status codes on good pages.");
    if plan.stale_if_error {
        text.line(format_args!("error_page 418 = @{name}_app"));
        text.line(format_args!("error_page 404 500 502 504 = @{name}_render"));
        text.line("recursive_error_pages on");
        text.why("For a page that stands in for an error.");
        text.line(format_args!(
            "set ${name}_type {}",
            inner::number(plan, page)
        ));
    } else {
        text.line(format_args!("error_page 404 418 500 502 504 = @{name}_app"));
    }
    text.blank();
    key(text, plan, page);
    parts::fill(text, plan, &page.content_type);
    inner::ask(text, plan, page);
    unpacked(text);
    text.blank();
    cache_status(text, plan);
    add_headers(text, plan, &page.content_type);
}

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

fn bypass(text: &mut Text, plan: &Plan, route: &Route) {
    let name = &plan.name;
    if !plan.one_kind {
        text.line(format_args!("set ${name}_past ${name}_bypass"));
        text.why("The application takes this target for another location's.");
        let head = format!("if (${name}_route != {})", route.kind);
        text.block(head, |text| text.line(format_args!("set ${name}_past 1")));
    }
    text.why("Straight to the application; 418 is only nginx's way to get there.");
    text.block(format_args!("if (${})", plan.past()), |text| {
        text.line("return 418");
    });
}

fn key(text: &mut Text, plan: &Plan, page: &Page) {
    text.why("The request target exactly as sent ($request_uri), as the application has it.");
    if !plan.ignored.is_empty() {
        text.why("What is ignored in it is taken out for both.");
    }
    vary::check_signature(text, plan);
    let variant = vary::expression(plan);
    let recipe = page.recipe().with_parts(plan.parts).with_variant(&variant);
    match plan.md5 {
        Md5::SetMisc => text.line(format_args!(
            "set_md5 $memcached_key {}",
            recipe.expression(&plan.target())
        )),
        Md5::Njs => {
            text.line(format_args!(
                "set $djanginxed_prefix \"{}\"",
                recipe.start()
            ));
            text.line(format_args!("set $djanginxed_hashed {}", plan.target()));
            text.line(format_args!("set $memcached_key ${}_key", plan.name));
        }
    }
}

/// Only hits are answered where this stands.
fn cache_status(text: &mut Text, plan: &Plan) {
    if plan.cache_status {
        // Without it nginx leaves errors alone, which are hits here.
        let always = match plan.layout {
            Layout::Body => "",
            Layout::Response => " always",
        };
        text.line(format_args!(
            "add_header Cache-Status \"nginx; hit\"{always}"
        ));
    }
}

fn application(text: &mut Text, plan: &Plan) {
    text.block(format_args!("location @{}_app", plan.name), |text| {
        application_in(text, plan);
    });
}

/// In a location: asks the application.
pub(super) fn application_in(text: &mut Text, plan: &Plan) {
    let name = &plan.name;
    parts::off(text, plan);
    if plan.hit_feed.is_some() {
        HitFeed::is_no_hit(text, plan);
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
fn visitor(text: &mut Text, plan: &Plan) {
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
