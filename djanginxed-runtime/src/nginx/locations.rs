//! The locations: Memcached first, then the application.

use super::application;
use super::copies;
use super::error::{Error, refuse};
use super::feed::HitFeed;
use super::hits::{add_headers, unpacked};
use super::inner;
use super::md5::Md5;
use super::parts;
use super::plan::{Plan, Reader};
use super::routes::{Page, Route};
use super::srcache;
use super::text::Text;
use super::vary;
use crate::entry::NGINX_HIT;
use crate::personal::PART_PATH;

pub(super) fn write(plan: &Plan) -> String {
    let mut text = Text::default();
    if let Some(feed) = &plan.hit_feed {
        feed.look(&mut text, &plan.name);
        text.blank();
    }
    for route in &plan.routes {
        location(&mut text, plan, route);
        text.blank();
    }
    text.speak();
    if plan.reader() == Reader::Srcache {
        srcache::location(&mut text, plan);
        text.blank();
    }
    application::location(&mut text, plan);
    if plan.parts {
        text.blank();
        parts::location(&mut text, plan, |text| application::visitor(text, plan));
    }
    if plan.stale_if_error {
        text.blank();
        copies::locations(&mut text, plan);
    }
    text.finish()
}

/// nginx takes a location of one path alone only once.
pub(super) fn refuse_own(plan: &Plan) -> Result<(), Error> {
    let by_srcache = (plan.reader() == Reader::Srcache).then(|| srcache::own_paths(plan));
    let of_parts = plan.parts.then(|| PART_PATH.to_owned());
    let own: Vec<String> = by_srcache.into_iter().flatten().chain(of_parts).collect();
    let is_own = |route: &&Route| route.is_exact() && own.iter().any(|own| own == route.path());
    let Some(route) = plan.routes.iter().find(is_own) else {
        return Ok(());
    };
    // `/feed/` brings `= /feed` with it.
    let slashed = |given: &&Route| given.path().strip_suffix('/') == Some(route.path());
    let given = plan.routes.iter().find(slashed).unwrap_or(route);
    Err(refuse("location", &given.matches, OWN))
}

const OWN: &str = "nginx's file has a location of its own there, which no visitor reaches, so that \
                   there is no page to name: leave it out";

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
        HitFeed::may_be_hit(text, &plan.name);
    }
    match plan.reader() {
        Reader::Srcache => by_srcache(text, plan, page),
        Reader::Bodies | Reader::Script => by_the_inner_server(text, plan, page),
    }
}

fn by_srcache(text: &mut Text, plan: &Plan, page: &Page) {
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

fn by_the_inner_server(text: &mut Text, plan: &Plan, page: &Page) {
    misses(text, plan, page);
    text.blank();
    key(text, plan, page);
    parts::fill(text, plan, &page.content_type);
    if plan.reader() == Reader::Script {
        inner::ask_for_response(text, plan, "page");
    } else {
        inner::ask(text, plan, page);
    }
    unpacked(text);
    text.blank();
    cache_status(text, plan);
    if plan.reader() == Reader::Script {
        parts::fields(text, plan);
    } else {
        add_headers(text, plan, &page.content_type);
    }
}

/// Who answers where the inner server has no page.
fn misses(text: &mut Text, plan: &Plan, page: &Page) {
    let name = &plan.name;
    text.why(&format!(
        "A miss ({}), Memcached out of reach (502) or slow (504): the application",
        plan.miss()
    ));
    text.why("answers. Without \"=\" visitors would see those status codes on good pages.");
    let (miss, many) = match plan.reader() {
        Reader::Script => ("", "418 500 502 504"),
        _ => ("404 ", "404 418 500 502 504"),
    };
    if !plan.stale_if_error {
        text.line(format_args!("error_page {many} = @{name}_app"));
        return;
    }
    text.line(format_args!("error_page 418 = @{name}_app"));
    text.line(format_args!(
        "error_page {miss}500 502 504 = @{name}_render"
    ));
    text.line("recursive_error_pages on");
    if plan.reader() == Reader::Bodies {
        text.why("For a page that stands in for an error.");
        text.line(format_args!(
            "set ${name}_type {}",
            inner::number(plan, page)
        ));
    }
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
            vary::forget_secret(text, plan);
            text.line(format_args!("set $djanginxed_hashed {}", plan.target()));
            text.line(format_args!("set $memcached_key ${}_key", plan.name));
        }
    }
}

/// Only hits are answered where this stands, and what nginx refuses by itself, to which it
/// adds nothing. Errors that are stored say it themselves.
fn cache_status(text: &mut Text, plan: &Plan) {
    if plan.cache_status {
        text.line(format_args!("add_header Cache-Status \"{NGINX_HIT}\""));
    }
}
